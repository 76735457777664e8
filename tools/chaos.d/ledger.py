"""Sums: what the log, the counters, the descriptors and the exit say of a round as a whole."""

import collections
import json
import re

SHARED = ("status", "outcome", "termination", "elapsed_ms", "reason", "whose", "call", "bytes_down")


async def look_at_rest(current):
    """Everybody has gone: nothing may be under way."""
    subject = current.subject
    current.at_rest = await subject.routes()
    page = json.loads(await subject.page("/requests?limit=1000"))
    current.recent = page["requests"]
    text = await subject.page("/metrics")
    current.metrics = dict(re.findall(r"^(hourglass_\S+) (\S+)$", text, re.M))
    process = current.at_rest["process"]
    if process["in_flight"]:
        current.problem("rest", None, f"{process['in_flight']} requests in flight at rest")
    if process["connections"]:
        current.problem("rest", None, f"{process['connections']} connections of clients at rest")
    for upstream in current.at_rest["upstreams"]:
        if upstream["in_flight"] or upstream["queued"]:
            current.problem("rest", None, f"upstream at rest: {upstream}")
    more = process["memory_bytes"] - subject.rest["process"]["memory_bytes"]
    if more > 65536 * current.plan.workers:
        current.problem("memory", None, f"{more} bytes more than at the start")
    kept = len(current.board.connections)
    more = subject.descriptors() - subject.rest_descriptors - kept
    if more > 2:
        kinds = collections.Counter(subject.kinds()) - subject.rest_kinds
        current.problem("descriptors", None, f"{more} more than at the start, besides {kept} "
                                             f"kept: {kinds}")


def judge_stop(current, code, took, limit):
    said = current.subject.said()
    if code is None:
        current.problem("stop", None, f"it had to be killed: {said[-3000:]}")
    elif code != 0:
        current.problem("exit", None, f"exit code {code}: {said[-6000:]}")
    elif took > limit + 0.5 + current_late(current):
        current.problem("stop", None, f"it took {took:.2f}s to stop, {limit:.2f}s are allowed")
    if re.search(r"runtime error|Sanitizer|[Aa]ssert", said):
        current.problem("sanitizer", None, said[-6000:])


def current_late(current):
    current.vigil.settle()
    return current.vigil.late(current.term_at, around=1)


def judge_log(current):
    """Each request has one line; the counters are their sum."""
    known = {ask.token for ask in current.asks}
    seen = collections.Counter(line.get("request_id") for line in current.log)
    current.lines = {line["request_id"]: line for line in current.log if line.get("request_id")}
    for token, count in seen.items():
        if token and count > 1:
            current.problem("log", None, f"{count} lines of {token}")
        if token and token not in known:
            current.problem("log", None, f"a line of {token}, which nobody has sent")
    for line in current.log:
        if line.get("msg"):
            current.problem("log", None, str(line))
    for problem in current.board.problems:
        current.problem("upstream", None, str(problem))
    if current.metrics is not None:
        compare_counters(current)
        compare_recent(current)


def compare(current, what, counted, logged, entries=0):
    """Of times, the log has all but what is less than a microsecond."""
    if abs(counted - logged) > 0.01 + 0.001 * entries:
        current.problem("sums", None, f"{what}: counted {counted}, logged {logged}")


def compare_counters(current):
    lines = [line for line in current.log if line.get("route")]
    begun = int(current.metrics["hourglass_requests_begun_total"])
    compare(current, "begun", begun, sum(1 for line in current.log if line.get("request_id")))
    bad = sum(1 for line in current.log if line.get("outcome") == "bad_request")
    compare(current, "bad requests", int(current.metrics["hourglass_bad_requests_total"]), bad)
    for route in current.at_rest["routes"]:
        own = [line for line in lines if line["route"] == route["name"]]
        compare_route(current, route, own)
        for call in route["calls"]:
            entries = [entry for line in own for entry in line["calls"]
                       if entry["name"] == call["name"]]
            compare_call(current, f"{route['name']}.{call['name']}", call, entries)


def compare_route(current, route, lines):
    name = route["name"]

    def same(what, counts, key, among):
        for value, count in counts.items():
            logged = sum(line.get(key) == value for line in among)
            compare(current, f"{name} {what} {value}", count, logged)
    same("outcome", route["requests"], "outcome", lines)
    late = [line for line in lines if line["outcome"] == "timeout"]
    same("504", route["timeouts"], "reason", late)
    same("whose", route["timeouts_whose"], "whose", late)
    elapsed = sum(line["elapsed_ms"] for line in lines)
    compare(current, f"{name} elapsed", route["elapsed"]["sum_ms"], elapsed, len(lines))
    compare(current, f"{name} in flight", route["in_flight"], 0)
    observed = [line for line in lines if line.get("mode") == "observe"]
    same("would", route["would_time_out"], "would_reason", observed)


def compare_call(current, name, call, entries):
    for outcome, count in call["outcomes"].items():
        logged = sum(one["outcome"] == outcome for one in entries)
        compare(current, f"{name} {outcome}", count, logged)
    begun = [one for one in entries if one["outcome"] != "skipped"]
    compare(current, f"{name} attempts", call["attempts"], sum(one["attempts"] for one in entries))
    for what in ("granted", "used"):
        logged = sum(one[f"{what}_ms"] for one in begun)
        compare(current, f"{name} {what}", call[what]["sum_ms"], logged, len(begun))
    compare(current, f"{name} grants", call["granted"]["count"], len(begun))


def compare_recent(current):
    for entry in current.recent:
        line = current.lines.get(entry["request_id"])
        if line is None:
            current.problem("recent", None, f"{entry['request_id']} is not in the log")
            continue
        for key in SHARED:
            if line.get(key) != entry.get(key):
                current.problem("recent", None, f"{entry['request_id']} {key}: {entry.get(key)}, "
                                                f"in the log {line.get(key)}")
