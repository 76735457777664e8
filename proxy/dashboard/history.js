/* What /routes said before. Its counters are since the start of the proxy, so what happened lately
 * is the difference of two answers. */
'use strict';

const HISTORY_DENSE_MS = 12000; /* so far back every answer is kept */
const HISTORY_THIN_MS = 10000;  /* and before that one in so long */
const HISTORY_LENGTH_MS = 310000;

const polls = []; /* answers of /routes, oldest first */

function historyAdd(answer)
{
    const last = polls[polls.length - 1];

    if (last && answer.uptime_ms < last.uptime_ms)
        polls.length = 0; /* another process answers now: its counters began anew */
    polls.push(answer);
    historyThin(answer.uptime_ms);
}

function historyThin(now)
{
    let kept = -Infinity;

    for (let i = 0; i < polls.length - 1;) {
        const at = polls[i].uptime_ms;
        const isOld = now - at > HISTORY_LENGTH_MS;
        const isClose = now - at > HISTORY_DENSE_MS && at - kept < HISTORY_THIN_MS;
        if (isOld || isClose) {
            polls.splice(i, 1);
        } else {
            kept = at;
            i++;
        }
    }
}

function historyLatest()
{
    return polls[polls.length - 1];
}

/* The answer that lies so far back, or the oldest there is; none for 0, which is the start. */
function historyBefore(ms)
{
    const latest = historyLatest();

    if (ms === 0)
        return null;
    for (let i = polls.length - 1; i >= 0; i--) {
        if (latest.uptime_ms - polls[i].uptime_ms >= ms)
            return polls[i];
    }
    return polls[0];
}

/* What happened within the last so many ms (0: since the start), route by route. */
function recently(ms)
{
    const latest = historyLatest();
    const before = historyBefore(ms);
    const earlier = new Map((before ? before.routes : []).map((route) => [route.name, route]));

    return {
        asked_ms: ms,
        length_ms: latest.uptime_ms - (before ? before.uptime_ms : 0),
        bounds: latest.le_ms,
        ratios: latest.le_ratio,
        lateness: histogramsSince(
            ['loop_lag', 'deadline_lateness'], latest.process, before && before.process),
        routes: latest.routes.map((route) => routeSince(route, earlier.get(route.name))),
        unrouted: countsSince(latest.unrouted, before && before.unrouted),
    };
}

function histogramsSince(names, later, earlier)
{
    return Object.fromEntries(
        names.map((name) => [name, histogramSince(histogramOf(later[name]),
                                       earlier && histogramOf(earlier[name]))]));
}

function routeSince(route, earlier)
{
    const requests = countsSince(route.requests, earlier && earlier.requests);

    return {
        ...route,
        requests,
        total: total(requests),
        timeouts: countsSince(route.timeouts, earlier && earlier.timeouts),
        timeouts_whose: countsSince(route.timeouts_whose, earlier && earlier.timeouts_whose),
        would_time_out: countsSince(route.would_time_out, earlier && earlier.would_time_out),
        ...histogramsSince(['elapsed', 'budget', 'used_ratio', 'local'], route, earlier),
        calls: route.calls.map((call, i) => callSince(call, earlier && earlier.calls[i])),
    };
}

function callSince(call, earlier)
{
    return {
        ...call,
        outcomes: countsSince(call.outcomes, earlier && earlier.outcomes),
        attempts: call.attempts - (earlier ? earlier.attempts : 0),
        ...histogramsSince(['granted', 'used', 'left', 'late'], call, earlier),
    };
}
