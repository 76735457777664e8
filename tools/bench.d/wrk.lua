-- What wrk sends, and its figures as one line of JSON.
-- Arguments, behind --: NAME=VALUE. method; headers: how many more; body: bytes; delay: a request
-- is sent after 0 to so many ms; expect: answers with another status count as wrong.

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(arguments)
    local options = {}
    for _, argument in ipairs(arguments) do
        local name, value = argument:match("^(%w+)=(.*)$")
        options[name] = value
    end
    wrk.method = options.method or "GET"
    for number = 1, tonumber(options.headers or 0) do
        wrk.headers["X-Bench-" .. number] = ("abcdefghijklmnopqrstuvwxyz"):sub(1, 15 + number)
    end
    if options.body then
        wrk.body = ("x"):rep(tonumber(options.body))
    end
    -- wrk looks after init() which of its hooks are there; each of them costs it time.
    if options.delay then
        function delay()
            return math.random(0, tonumber(options.delay))
        end
    end
    wrong = 0
    if options.expect then
        function response(status)
            if status ~= tonumber(options.expect) then
                wrong = wrong + 1
            end
        end
    end
end

function done(summary, latency)
    local failed = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout
    local wrong = 0
    for _, thread in ipairs(threads) do
        wrong = wrong + thread:get("wrong")
    end
    local figures = {
        requests = summary.requests, seconds = summary.duration / 1e6, bytes = summary.bytes,
        status = summary.errors.status, failed = failed, wrong = wrong, most = latency.max,
        p50 = latency:percentile(50), p99 = latency:percentile(99), p999 = latency:percentile(99.9),
    }
    local members = {}
    for name, value in pairs(figures) do
        table.insert(members, ("\"%s\": %.6f"):format(name, value))
    end
    io.write("\nJSON {" .. table.concat(members, ", ") .. "}\n")
end
