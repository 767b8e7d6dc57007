-- Requests for wrk: `wrk … -- <what> <folder> <salt>`. The folder holds `codes` (code, filler, cylinder, long), `posts` (filler, scale,
-- Authorization), `regulator` (Authorization) and `admins` (filler, Authorization).

local counter = 0

function setup(thread)
  thread:set("number", counter)
  counter = counter + 1
end

local what, posts, bottles, long, regulator, admins
function init(args)
  what = args[1]
  local folder = args[2]
  posts, bottles, long, admins = {}, {}, {}, {}
  for line in io.lines(folder .. "/posts") do
    local filler, scale, auth = line:match("^(%d+) (%S+) (.+)$")
    filler = tonumber(filler)
    posts[filler] = posts[filler] or {}
    table.insert(posts[filler], { scale = scale, auth = auth })
  end
  for line in io.lines(folder .. "/codes") do
    local code, filler, id, is_long = line:match("^(%S+) (%d+) (%S+) (%d)$")
    local bottle = { code = code, filler = tonumber(filler), id = id }
    if is_long == "1" then table.insert(long, bottle) else table.insert(bottles, bottle) end
  end
  for line in io.lines(folder .. "/admins") do
    local filler, auth = line:match("^(%d+) (.+)$")
    admins[tonumber(filler)] = auth
  end
  regulator = io.lines(folder .. "/regulator")()
  local salt = tonumber(args[3])
  math.randomseed(salt % 1000000007 * 16 + number)
  prefix = string.format("%.0f-%d-", salt, number)
  sent = 0
end

local function some(list) return list[math.random(#list)] end

local checked = '{"body":"pass","valve":"pass","shroud":"pass","foot_ring":"pass","markings":"pass","color":"pass","residual_pressure":"pass"}'

local function check()
  local bottle = some(bottles)
  local post = some(posts[bottle.filler])
  sent = sent + 1
  return wrk.format("POST", "/api/v1/fill-checks", {
    ["Authorization"] = post.auth,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = prefix .. sent,
  }, '{"code":"' .. bottle.code .. '","scale_id":"' .. post.scale
    .. '","scale_g":16640,"entry":"scanned","precheck":' .. checked .. '}')
end

local function address() return string.format("10.%d.%d.%d", math.random(0, 255), math.random(0, 255), math.random(0, 255)) end

function request()
  if what == "check" then return check() end
  if what == "history" then
    return wrk.format("GET", "/api/v1/cylinders/" .. some(long).id .. "/events?limit=50", { ["Authorization"] = regulator })
  end
  if what == "trace" then
    return wrk.format("GET", "/api/v1/cylinders/" .. some(bottles).id .. "/trace", { ["Authorization"] = regulator })
  end
  local bottle = some(bottles)
  if what == "public" then
    return wrk.format("GET", "/api/v1/public/cylinders/" .. bottle.code, { ["X-Forwarded-For"] = address() })
  end
  return wrk.format("GET", "/api/v1/labels/" .. bottle.code .. "." .. what, { ["Authorization"] = admins[bottle.filler] })
end

function done(summary, latency)
  -- wrk counts statuses over 399 itself; a function that looks at every answer would cost as much as making the requests.
  local wrong = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format(
    'RESULT {"answers":%d,"per_second":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"bad":%d}',
    summary.requests - wrong, (summary.requests - wrong) / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, wrong))
end
