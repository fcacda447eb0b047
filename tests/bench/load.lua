-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends: wrk ... -s load.lua URL -- KIND PATH FILE
--   get       one value of Authorization per line of FILE, or none at all if FILE is empty
--   post      one JSON body per line
--   register  FILE holds one body with %d where each request puts a new number
--   polite    one JSON body in all, sent again when Retry-After says; the answers are counted by
--   impolite  their status, and the latter does not wait
--   refresh   one refresh token per line; the token of each answer is appended to the queue
-- With one thread of wrk only. Prints one line of JSON at the end.
local kind, path, lines
local json = { ["Content-Type"] = "application/json" }
local requests, turn = {}, 0
local head, tail = 1, 0
local threads, pauses, first, last = {}, {}, 1, 0
statuses = ""
local counts = {}

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
  elseif kind ~= "register" and kind ~= "refresh" then
    for i, body in ipairs(lines) do
      requests[i] = wrk.format("POST", path, json, body)
    end
  end
  counts_statuses = kind == "polite" or kind == "impolite"
  if kind ~= "refresh" and not counts_statuses then
    response = nil -- else wrk takes each answer apart
  end
  if kind ~= "polite" then
    delay = nil -- else wrk asks it before each request
  end
end

function setup(thread)
  table.insert(threads, thread)
end

function delay()
  if first > last then
    return 0
  end
  local wait = pauses[first]
  pauses[first] = nil
  first = first + 1
  return wait
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

function response(status, headers, body)
  if counts_statuses then
    counts[status] = (counts[status] or 0) + 1
    local said = {}
    for one, times in pairs(counts) do
      said[#said + 1] = string.format('"%d": %d', one, times)
    end
    statuses = table.concat(said, ", ")
    last = last + 1
    pauses[last] = status == 503 and 1000 * tonumber(headers["Retry-After"]) or 0
    return
  end
  local token = status == 200 and body:match('"refresh_token":"([^"]+)"')
  if token then
    tail = tail + 1
    lines[tail] = token
  end
end

function done(summary, latency, _)
  local failed = summary.errors
  print(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, ' ..
    '"broken": %d, "statuses": {%s}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, failed.status,
    failed.connect + failed.read + failed.write + failed.timeout, threads[1]:get("statuses") or ""))
end
