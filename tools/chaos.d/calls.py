"""The calls of a request against the contract: grants, order, attempts, what is told."""

from plans import SAFE

RESENT = {"GET", "HEAD", "OPTIONS"}
PARSE = {"ms": lambda text: float(text), "s": lambda text: float(text) * 1000}
UNITS = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1000, "m": 60000, "h": 3600000}
GRPC = {"n": 1e-6, "u": 1e-3, "m": 1, "S": 1000, "M": 60000, "H": 3600000}


def told_ms(form, text):
    if form in PARSE:
        return PARSE[form](text)
    if form == "duration":
        unit = text.lstrip("0123456789.")
        return float(text[:-len(unit)]) * UNITS[unit]
    if form == "grpc":
        return float(text[:-1]) * GRPC[text[-1]]
    return None  # an instant


def judge_calls(case):
    for name in case.entries:
        if case.route.call(name) is None:
            case.problem("calls", f"has a call {name}, which the route does not have")
            return
    judge_grants(case)
    for call in case.route.calls():
        attempts = case.of(call)
        entry = case.entries.get(call.name)
        if entry is None or entry["outcome"] == "skipped":
            if attempts:
                case.problem("attempts", f"{call.name} was not begun, and yet {len(attempts)} seen")
            continue
        judge_number(case, call, entry, attempts)
        judge_told(case, call, attempts)
        judge_ends(case, call, entry, attempts)
    for attempt in case.attempts:
        if case.route.call(attempt.key.split(".")[1]) is None:
            case.problem("attempts", f"of {attempt.key}?")


def begun_of(case, call):
    entry = case.entries.get(call.name)
    return entry["begun_ms"] if entry and entry["outcome"] != "skipped" else None


def end_of(entry):
    return entry["begun_ms"] + entry["used_ms"]


def links(call):
    made = [call]
    while made[-1].fallback not in (None, "json"):
        made.append(made[-1].fallback)
    return made


def heads_of(call):
    """The call and those that it stands in for."""
    made = [call]
    while made[-1].stands_in:
        made.append(made[-1].stands_in)
    return made


def judge_grants(case):
    """Each grant is what the contract's arithmetic says, to some microseconds; steps in order."""
    before = 0
    for index, step in enumerate(case.route.steps):
        begun = [begun_of(case, call) for call in step if begun_of(case, call) is not None]
        if not begun:
            continue
        step_at = min(begun)
        if max(begun) - step_at > 0.0015:
            case.problem("steps", f"calls of step {index} began at {begun}")
        if step_at + 0.0015 < before:
            case.problem("steps", f"step {index} began at {step_at}, before the end at {before}")
        elif step_at - before > 1000 * case.slack(case.ask.begun + step_at / 1000) and \
                not (before == 0 and waits_at_first(case)):
            case.problem("steps", f"step {index} began at {step_at}, long after {before}")
        for head in step:
            for call in links(head):
                judge_grant(case, call, index, step_at)
                entry = case.entries.get(call.name)
                if entry and entry["outcome"] != "skipped":
                    before = max(before, end_of(entry))


def waits_at_first(case):
    """The first step does not begin at once."""
    return len(case.route.passes_through()) > 1 or case.ask.waits_behind or case.ask.head_pieces > 1


def judge_grant(case, call, index, step_at):
    entry = case.entries.get(call.name)
    if entry is None:
        return
    if entry["outcome"] == "skipped":
        at = entry["begun_ms"] or step_at
        room = case.budget.grant(call, index, step_at, step_at)
        if not call.stands_in and room > max(call.min_ms, 0) + 0.003:
            case.problem("skipped", f"{call.name}, for which there was time at {at}")
        return
    expected = case.budget.grant(call, index, entry["begun_ms"], step_at)
    if abs(expected - entry["granted_ms"]) > 0.004:
        case.problem("grant", f"{call.name} was granted {entry['granted_ms']}, not {expected:.3f}")
    if entry["granted_ms"] < call.min_ms - 0.002:
        case.problem("grant", f"{call.name} was granted less than its min")
    room = case.budget.whole - case.budget.reserve - case.budget.minima(index + 1)
    if entry["begun_ms"] + entry["granted_ms"] > room + 0.004:
        case.problem("grant", f"{call.name} may go on until after {room}")
    # What goes to the client may go on until the budget ends.
    relayed = case.route.answer in [head.name for head in heads_of(call)]
    if entry["outcome"] == "ok" and entry["used_ms"] > entry["granted_ms"] + 0.002 and not relayed:
        case.problem("used", f"{call.name} used more than it was granted, and is ok")
    late = entry["used_ms"] - entry["granted_ms"]
    if late > 100 + 1000 * case.slack(case.ask.begun + end_of(entry) / 1000):
        case.problem("used", f"{call.name} used {late:.1f} ms more than it was granted")


def judge_number(case, call, entry, attempts):
    method = call.method or case.ask.method
    retriable = method in SAFE or "unsafe" in call.retry_on
    most = 1 + (call.retries if retriable else 0) + (1 if call.hedge and method in SAFE else 0)
    resent = 0
    if method in RESENT and (call.method or case.ask.body_size is None or method == "HEAD"):
        resent = sum(1 for a in attempts if a.on_reused and not a.answered and a.closed_by_us)
    if len(attempts) > most + resent:
        case.problem("attempts", f"{call.name}: {len(attempts)} seen, {most} are allowed")
    if len(attempts) > entry["attempts"]:
        case.problem("attempts", f"{call.name}: {len(attempts)} seen, "
                                 f"{entry['attempts']} in the log")
    if method == "HEAD" and call.read:
        method = "GET"  # whose body is wanted
    if any(attempt.method != method for attempt in attempts):
        case.problem("attempts", f"{call.name} with another method than {method}")


def judge_told(case, call, attempts):
    for number, attempt in enumerate(attempts):
        for header, _ in case.current.plan.forms:
            if attempt.get(header.lower()):
                case.problem("told", f"{call.name} got the client's {header}")
        for header, form in call.upstream.tell:
            text = attempt.get(header.lower())
            told = told_ms(form, text) if text else None
            if text is None:
                case.problem("told", f"{call.name} was not told {header}")
            elif told is not None:
                judge_value(case, call, number, told)


def judge_value(case, call, number, told):
    """It is told what is left: no more than the log allows, and not much less."""
    entry, attempts = case.entries[call.name], case.of(call)
    attempt = attempts[number]
    begun = entry["begun_ms"] / 1000
    spent = 0
    if number and not call.hedge and not call.attempt_ms:
        before = attempts[number - 1]
        failed = before.answered or (before.closed if before.closed_by_us else 0)
        spent = failed - (case.latest_start() + begun)
    queued = entry["queued_ms"] if entry["attempts"] == 1 and not call.retries else 0
    most = entry["granted_ms"] - max(0, spent * 1000) - queued
    if told > most + 0.004 or told <= 0:
        case.problem("told", f"{call.name}.{number} {told} of at most {most:.3f}")
    parent = case.budget.whole - case.budget.reserve
    if told > parent + 0.004:
        case.problem("told", f"{call.name}.{number} {told}, more than {parent} of its parent")
    least = entry["granted_ms"] - (attempt.seen - case.ask.begun - begun) * 1000 - 1.01
    if call.attempt_ms and not case.observed:
        least = min(least, call.attempt_ms - 1000 * case.slack(attempt.seen))
    resent = number and attempts[number - 1].on_reused and attempts[number - 1].closed_by_us
    if told < least and not case.ask.waits_behind and not resent:
        case.problem("told", f"{call.name}.{number} only {told}, {least:.3f} were left")


def judge_ends(case, call, entry, attempts):
    """No attempt begins after the end; what is cut is closed at once."""
    _, latest = case.end_of(entry)
    if latest is None:
        return
    last = latest
    # Its end cannot be told from half a close, or lies behind a body that nobody has wanted yet.
    hidden = case.ask.left_how in ("close", "half") and (
        case.route.half_close == "continue" or (case.ask.body_size or 0) >= 60000)
    if case.ask.left and case.line["outcome"] == "client_gone" and not hidden:
        last = min(last, case.ask.left)
    for attempt in attempts:
        if attempt.seen > last + case.slack(last):
            case.problem("begun late", f"{call.name} seen {(attempt.seen - last) * 1000:.1f} ms "
                                       "after its end")
        if hidden or attempt.finished_well and attempt.done < last + 0.1:
            continue
        by = last + 0.1 + case.slack(last)
        if call.upstream.drains and entry["outcome"] == "timeout":
            by += call.upstream.drain_ms / 1000
            by += case.slack(by)
            if attempt.finished_well:
                continue
        if attempt.finished_well and attempt.sent and attempt.done < by:
            continue
        if not attempt.closed or attempt.closed > by:
            after = f"{(attempt.closed - last) * 1000:.1f} ms" if attempt.closed else "not at all"
            case.problem("cancel", f"{call.name}.{attempt.number}, which is {entry['outcome']}, "
                                   f"closed after its end: {after}")
