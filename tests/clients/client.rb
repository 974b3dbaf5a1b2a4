# Ruby's Net::HTTP with its default settings.
# Arguments: a base URL that ends in /v1, a token. Prints the status of three calls.
require "net/http"

base = URI(ARGV[0])
headers = { "Authorization" => "Bearer #{ARGV[1]}", "Notion-Version" => "2025-09-03" }
Net::HTTP.start(base.host, base.port) do |http|
  print http.get("#{base.path}/users/me", headers).code, " "
  print http.post("#{base.path}/search", '{"page_size": 1}', headers.merge("Content-Type" => "application/json")).code, " "
  print http.get("#{base.path}/users/me", headers).code, " "
end
