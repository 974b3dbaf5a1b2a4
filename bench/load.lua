-- What wrk asks, and its figures as one line of JSON. BEARER is the key, BODY makes it a POST, IDS names a file with
-- connection ids to call in random order in place of the URL's own path.

local ids

function setup(thread)
  thread:set("seed", os.time())
end

function init(args)
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("BEARER")
  wrk.headers["Notion-Version"] = "2025-09-03"
  wrk.headers["User-Agent"] = "notionhq-client/5.26.0"
  if os.getenv("BODY") then
    wrk.method = "POST"
    wrk.body = os.getenv("BODY")
    wrk.headers["Content-Type"] = "application/json"
  end
  if os.getenv("IDS") then
    ids = {}
    for id in io.lines(os.getenv("IDS")) do ids[#ids + 1] = id end
    math.randomseed(seed)
  end
end

function request()
  if ids == nil then return wrk.format() end
  return wrk.format(nil, "/notion/" .. ids[math.random(#ids)] .. "/v1/users/me")
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
