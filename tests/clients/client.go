// Go's net/http with its default settings.
// Arguments: a base URL that ends in /v1, a token. Prints the status of three calls.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func call(method, path string, body io.Reader) {
	request, err := http.NewRequest(method, os.Args[1]+path, body)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Args[2])
	request.Header.Set("Notion-Version", "2025-09-03")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.HasPrefix(string(text), "{") {
		panic(fmt.Sprint("no JSON: ", err, string(text)))
	}
	fmt.Print(answer.StatusCode, " ")
}

func main() {
	call("GET", "/users/me", nil)
	// A reader of unknown length: it is sent in chunks.
	call("POST", "/search", io.MultiReader(strings.NewReader(`{"page_size": `), strings.NewReader(`1}`)))
	call("GET", "/users/me", nil)
}
