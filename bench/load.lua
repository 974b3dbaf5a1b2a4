-- What wrk asks, and its figures as one line of JSON. BEARER is the key; BODY makes it a POST.

function init(args)
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("BEARER")
  wrk.headers["Notion-Version"] = "2025-09-03"
  wrk.headers["User-Agent"] = "notionhq-client/5.26.0"
  if os.getenv("BODY") then
    wrk.method = "POST"
    wrk.body = os.getenv("BODY")
    wrk.headers["Content-Type"] = "application/json"
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests":%d,"micros":%d,"failed":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99), latency.max
  ))
end
