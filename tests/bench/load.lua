-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends: wrk ... -s load.lua URL -- KIND PATH FILE
--   get       one value of Authorization per line of FILE, or none at all if FILE is empty
--   post      one JSON body per line
--   register  FILE holds one body with %d where each request puts a new number
--   refresh   one refresh token per line; the token of each answer is appended to the queue
-- With one thread of wrk only. Prints one line of JSON at the end.
local kind, path, lines
local json = { ["Content-Type"] = "application/json" }
local requests, turn = {}, 0
local head, tail = 1, 0

function init(args)
  kind, path = args[1], args[2]
  lines = {}
  for line in io.lines(args[3]) do
    lines[#lines + 1] = line
  end
  tail = #lines
  if kind == "get" then
    requests[1] = wrk.format("GET", path)
    for i, value in ipairs(lines) do
      requests[i] = wrk.format("GET", path, { Authorization = value })
    end
  elseif kind == "post" then
    for i, body in ipairs(lines) do
      requests[i] = wrk.format("POST", path, json, body)
    end
  end
  if kind ~= "refresh" then
    response = nil -- else wrk takes each answer apart
  end
end

function request()
  if kind == "register" then
    turn = turn + 1
    return wrk.format("POST", path, json, (lines[1]:gsub("%%d", turn)))
  elseif kind == "refresh" then
    local token = lines[head] or "the queue is empty"
    lines[head] = nil
    head = math.min(head + 1, tail + 1)
    return wrk.format("POST", path, json, '{"refresh_token":"' .. token .. '"}')
  end
  turn = turn % #requests + 1
  return requests[turn]
end

function response(status, _, body)
  local token = status == 200 and body:match('"refresh_token":"([^"]+)"')
  if token then
    tail = tail + 1
    lines[tail] = token
  end
end

function done(summary, latency, _)
  local failed = summary.errors
  print(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
