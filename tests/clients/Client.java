// The JDK's HTTP client with its default settings: it offers HTTP/2 by `Upgrade: h2c` on every new socket.
// Arguments: a base URL that ends in /v1, a token. Prints the status of three calls.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest me = request(args, "/users/me").GET().build();
    HttpRequest search =
        request(args, "/search")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{\"page_size\": 1}"))
            .build();
    for (HttpRequest request : new HttpRequest[] {me, search, me}) {
      HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      System.out.print(answer.statusCode() + (answer.body().startsWith("{") ? " " : "! "));
    }
  }

  private static HttpRequest.Builder request(String[] args, String path) {
    return HttpRequest.newBuilder(URI.create(args[0] + path))
        .header("Authorization", "Bearer " + args[1])
        .header("Notion-Version", "2025-09-03");
  }
}
