/* What /routes said before. Its counters are since the start of the proxy, so what happened lately
 * is the difference of two answers. */
'use strict';

const HISTORY_DENSE_MS = 12000;   /* so far back every answer is kept */
const HISTORY_THIN_MS = 10000;    /* and before that one in so long */
const HISTORY_LENGTH_MS = 330000; /* the longest time to choose, and some answers that came late */
const ANOTHER_MS = 1000;          /* clocks may differ by less without another process */

const polls = []; /* answers of /routes, oldest first */

/* Does another process answer than the one before? Its counters began anew. */
function isAnother(answer, last)
{
    const startedLater = answer.time_ms - answer.uptime_ms - (last.time_ms - last.uptime_ms);

    return answer.uptime_ms < last.uptime_ms || Math.abs(startedLater) > ANOTHER_MS;
}

function historyAdd(answer)
{
    const last = polls[polls.length - 1];

    if (last && isAnother(answer, last))
        polls.length = 0;
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

/* How much longer this page has to look until it knows what happened within so many ms. */
function unseen(ms)
{
    return Math.max(0, ms - (historyLatest().uptime_ms - polls[0].uptime_ms));
}

/* The same as recently(), of the time that somebody has chosen; but since the start, as long as this
 * page has not looked for so long: what came before it was opened is in the list of requests, too. */
function chosenSpan(ms)
{
    const unseen_ms = unseen(ms);

    return {...recently(unseen_ms > 0 ? 0 : ms), chosen_ms: ms, unseen_ms};
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
