<?php
// PHP's curl, and its streams, which speak HTTP/1.0 or 1.1 with `Connection: close`.
// Arguments: a base URL that ends in /v1, a token. Prints the status of three calls.
[, $base, $token] = $argv;
$headers = ["Authorization: Bearer $token", "Notion-Version: 2025-09-03", "Content-Type: application/json"];
$curl = curl_init();
foreach ([["/users/me", null], ["/search", '{"page_size": 1}']] as [$path, $body]) {
    $options = [CURLOPT_URL => $base . $path, CURLOPT_HTTPHEADER => $headers, CURLOPT_RETURNTRANSFER => true];
    if ($body !== null) {
        $options += [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $body];
    }
    curl_setopt_array($curl, $options);
    curl_exec($curl);
    echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), " ";
}
$stream = stream_context_create(["http" => ["header" => $headers, "ignore_errors" => true]]);
file_get_contents($base . "/users/me", false, $stream);
echo explode(" ", $http_response_header[0])[1], " ";
