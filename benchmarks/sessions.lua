-- What wrk sends: 1.3 kB session files over 2,000 keys, written or read.
--
--     GLOBAL_AUTH_TOKEN=... wrk ... --script sessions.lua URL -- write|read GROUP INSTANCE
--
-- Ends with one line of JSON.

local KEYS = 2000
local VALUE = '{\\"_sessions\\":{\\"ratchet\\":\\"' .. string.rep("a", 1240) .. '\\"},\\"version\\":\\"v1\\"}'

local requests = {}
local sent = 0

-- Made once for each key, so that wrk leaves the processor to the worker.
function init(arguments)
  local method, body = "GET", nil
  if arguments[1] == "write" then
    method, body = "POST", '{"data":"' .. VALUE .. '"}'
  end
  local headers = { ["Content-Type"] = "application/json", apikey = os.getenv("GLOBAL_AUTH_TOKEN") }
  for key = 0, KEYS - 1 do
    local path = "/session/" .. arguments[2] .. "/" .. arguments[3] .. "/session-" .. key .. ".0"
    requests[key] = wrk.format(method, path, headers, body)
  end
end

function request()
  sent = sent + 1
  return requests[sent % KEYS]
end

function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format(
    '{"requests_a_second": %f, "p50": %f, "p99": %f, "failures": %d}\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failures
  ))
end
