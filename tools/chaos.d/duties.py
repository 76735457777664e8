"""What has to be done and was not: retries, hedges, calls that stand in."""

from plans import SAFE

NO_STAND_IN = {"ok", "skipped", "cancelled", "upload_timeout"}
FAILED = {"broken": "connect", "refused": "connect", "connect_timeout": "connect"}


def judge_duties(case):
    stopped = case.current.storm or case.line.get("reason") == "drain"
    if stopped or case.line["outcome"] in ("client_gone", "refused"):
        return
    for index, step in enumerate(case.route.steps):
        for head in step:
            judge_chain(case, head, index)
    for call in case.route.calls():
        entry = case.entries.get(call.name)
        if entry and entry["outcome"] != "skipped":
            judge_retry(case, call, entry)
            judge_hedge(case, call, entry)


def is_replayable(case, call):
    return bool(call.method) or (case.ask.body_size or 0) <= 60000


def judge_retry(case, call, entry):
    method, attempts = call.method or case.ask.method, case.of(call)
    if not call.retries or call.hedge or method not in SAFE and "unsafe" not in call.retry_on:
        return
    others = [other for route in case.current.plan.routes for other in route.calls()
              if other.upstream is call.upstream]
    if call.upstream.retry_share < 100 or any(other.retries > 1 or other.hedge for other in others):
        return
    if not is_replayable(case, call) or entry["attempts"] != 1 or len(attempts) != 1:
        return
    deed = attempts[0].deed
    reason = FAILED.get(entry["outcome"])
    if entry["outcome"] in ("ok", "status") and entry.get("status", 0) >= 300:
        reason = str(entry["status"])
        if deed.retry_after is not None or entry["status"] == 504:
            return
    if reason not in call.retry_on or entry["outcome"] == "broken" and "status" in entry:
        return
    left = entry["granted_ms"] - entry["used_ms"]
    enough = left > call.min_ms + call.backoff_ms + 2
    if enough and not deed.early and not ended_by_other(case, call, entry):
        case.problem("retry", f"{call.name} ended with {entry['outcome']} {entry.get('status')}, "
                              f"{left:.1f} ms were left")


def judge_hedge(case, call, entry):
    attempts, method = case.of(call), call.method or case.ask.method
    if not call.hedge or call.hedge.startswith("p") or method not in SAFE:
        return
    if call.upstream.hedge_share < 100 or call.upstream.connections < 256:
        return
    if not is_replayable(case, call) or entry["attempts"] != 1 or len(attempts) != 1:
        return
    delay, only = float(call.hedge[:-2]), attempts[0]
    ended = entry["used_ms"] - entry["queued_ms"]
    answered = (only.answered - only.seen) * 1000 if only.answered else ended
    lasted = min(ended, answered, (only.done - only.seen) * 1000 if only.done else ended)
    room = entry["granted_ms"] - delay - call.min_ms
    slow_body = case.ask.body_pieces > 1 or case.ask.expects
    if lasted > delay + 1000 * case.slack(only.seen + delay / 1000) and room > 5 and not slow_body:
        case.problem("hedge", f"{call.name} was not raced, though it took {lasted:.1f} ms")


def ended_by_other(case, call, entry):
    """Was the request over at about the time when this call ended?"""
    end = entry["begun_ms"] + entry["used_ms"]
    return case.line["elapsed_ms"] <= end + 1 and case.line.get("call") not in (None, call.name)


def judge_chain(case, head, index):
    call = head
    while call.fallback not in (None, "json"):
        entry, other = case.entries.get(call.name), call.fallback
        if entry is None or entry["outcome"] == "skipped":
            return
        bad = entry.get("status", 0) >= (300 if head.optional else 500)
        failed = entry["outcome"] not in NO_STAND_IN or entry["outcome"] == "ok" and bad
        if entry["outcome"] == "status" and not bad:
            failed = False
        stood = case.entries.get(other.name)
        if failed and (stood is None or stood["outcome"] == "skipped"):
            judge_missing(case, head, call, other, index)
        if not failed and stood is not None and entry["outcome"] != "status":
            case.problem("stand-in", f"{other.name} for {call.name}, which is {entry['outcome']} "
                                     f"{entry.get('status')}")
        call = other


def judge_missing(case, head, call, other, index):
    entry = case.entries[call.name]
    at = entry["begun_ms"] + entry["used_ms"]
    begun = [case.entries[c.name]["begun_ms"] for c in case.route.steps[index]
             if c.name in case.entries and case.entries[c.name]["outcome"] != "skipped"]
    room = case.budget.grant(other, index, at, min(begun))
    was_cut = case.line["outcome"] == "cut" and case.line.get("call") == call.name
    relayed = "status" in entry and entry["outcome"] != "status" and head.name == case.route.answer
    if was_cut or relayed or ended_by_other(case, call, entry):
        return
    if room > max(other.min_ms, 0) + 1:
        case.problem("stand-in", f"{other.name} was not made for {call.name}, which was "
                                 f"{entry['outcome']} {entry.get('status')}, {room:.1f} ms left")
