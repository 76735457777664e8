"""How a request and its calls ended, against what the upstreams did and what the contract says."""

from calls import links
from contract import Budget, amount

TIME = {"timeout", "queue_timeout", "unsent", "upload_timeout", "dns_timeout", "connect_timeout"}
STATUS = {"failed": {502}, "timeout": {504}, "overload": {503}, "client_gone": {499},
          "refused": {400, 404, 405, 408, 413}}
REASONS = {"timeout": "call", "queue_timeout": "queue", "unsent": "infeasible",
           "upload_timeout": "upload", "connect_timeout": "call"}
CUTS = {"cut_head", "reset_head", "half_head", "cut_body", "reset_body"}


def judge_outcome(case):
    line, route = case.line, case.route
    outcome = line["outcome"]
    if outcome in STATUS and line["status"] not in STATUS[outcome]:
        case.problem("outcome", f"{outcome} with {line['status']}")
    for call in route.calls():
        entry = case.entries.get(call.name)
        if entry:
            judge_call(case, call, entry)
    if line.get("reason") in ("drain",) or outcome in ("refused", "client_gone"):
        judge_stopped(case)
        return
    judge_verdict(case)
    judge_whose(case)
    if case.observed:
        judge_would(case)


def judge_stopped(case):
    ask, line = case.ask, case.line
    stayed = not ask.left and not ask.pause_ms and ask.position == 0 and not ask.waits_behind
    if line["outcome"] == "client_gone" and stayed and not case.current.term_at:
        case.problem("gone", "the client had not left")
    if line.get("reason") == "drain" and not case.current.storm:
        case.problem("drain", "but nobody had stopped it")
    by = case.current.term_at + case.current.plan.drain_ms / 1000
    if line.get("reason") == "drain" and ask.ended < by - 0.01 and not ask.left:
        case.problem("drain", f"ended {(by - ask.ended) * 1000:.0f} ms before the drain did")


def judge_call(case, call, entry):
    """Its outcome is one that what the upstream did can have led to."""
    outcome, attempts = entry["outcome"], case.of(call)
    if outcome == "timeout":
        judge_timeout(case, call, entry)
    elif outcome in CAN_BE and not CAN_BE[outcome](case, call, entry):
        did = [(attempt.deed.status, attempt.deed.ends) for attempt in attempts]
        case.problem("call", f"{call.name} is {outcome}, its upstream did {did}")
    elif outcome in ("too_large", "no_memory", "dns_error", "dns_timeout"):
        case.problem("call", f"{call.name} is {outcome}")


def can_be_ok(case, call, entry):
    good = [attempt.deed.status for attempt in case.of(call) if attempt.finished_well]
    return entry.get("status", 200) in good or any(status < 300 for status in good)


def can_be_broken(case, call, _entry):
    attempts = case.of(call)
    stale = any(a.on_reused or a.deed.then == "drop" for a in attempts)
    cut = any(a.deed.ends in CUTS or a.deed.early for a in attempts)
    return cut or stale or call.upstream.refuses or not attempts


def can_be_invalid(case, call, _entry):
    odd = any(a.deed.ends in ("garbage", "half_head") or a.deed.status == 204
              for a in case.of(call))
    return odd or case.ask.method == "HEAD"


def can_be_connect_timeout(case, _call, entry):
    return entry["granted_ms"] <= 50 + 1000 * case.slack(case.ask.begun)


def is_narrow(_case, call, _entry):
    return call.upstream.connections <= 4


CAN_BE = {
    "ok": can_be_ok,
    "broken": can_be_broken,
    "invalid": can_be_invalid,
    "status": lambda case, call, _: any(a.deed.status >= 300 for a in case.of(call)),
    "refused": lambda _case, call, _: call.upstream.refuses,
    "unfilled": lambda _case, call, _: any(not default for _, _, default in call.uses),
    "connect_timeout": can_be_connect_timeout,
    "queue_full": is_narrow,
    "queue_timeout": is_narrow,
}


def judge_timeout(case, call, entry):
    if entry["used_ms"] < entry["granted_ms"] - 0.003 and not call.attempt_ms:
        case.problem("call", f"{call.name} timed out after {entry['used_ms']} of "
                             f"{entry['granted_ms']}")
    earliest, _ = case.end_of(entry)
    for attempt in case.of(call):
        if not attempt.finished_well:
            continue
        slow = case.ask.pause_ms or call.attempt_ms or not attempt.drained \
            or attempt.deed.size > 50000
        wanted = attempt.deed.status < 300
        if wanted and not slow and attempt.done + case.slack(attempt.done) < earliest \
                and attempt.sent and not case.ask.waits_behind:
            case.problem("call", f"{call.name} timed out, though it was answered "
                                 f"{(earliest - attempt.done) * 1000:.1f} ms before")


def final(case, head):
    """(call, entry) that counts for the head of a chain; (head, None): not begun."""
    found = (head, case.entries.get(head.name))
    for call in links(head)[1:]:
        entry = case.entries.get(call.name)
        if entry and entry["outcome"] != "skipped":
            found = (call, entry)
    return found


def accepted(case, entry):
    """Is the call good enough for the request to go on?"""
    if entry is None:
        return False
    if case.ask.method == "HEAD" and entry["outcome"] == "cancelled":
        return "status" in entry  # nobody waits for the rest
    return entry["outcome"] == "ok"


def judge_verdict(case):
    """The end of the request follows from the ends of its calls."""
    line, route = case.line, case.route
    outcome, blamed = line["outcome"], line.get("call")
    required = [call for step in route.steps for call in step if not call.optional]
    failed = [(head, *final(case, head)) for head in required]
    failed = [one for one in failed if not accepted(case, one[2])]
    if outcome in ("ok", "upstream_5xx"):
        judge_answered(case, failed)
        return
    if outcome == "timeout" and line["reason"] in ("arrival", "infeasible", "upload", "local"):
        judge_infeasible(case)
        return
    entry = case.entries.get(blamed)
    if entry is None and outcome == "cut" and not failed and line["termination"] == "BT":
        return  # all that the client was late to read, or we to send
    if entry is None:
        case.problem("verdict", f"{outcome} {line.get('reason')} blames {blamed}")
        return
    innocent = {"skipped", "cancelled"} if outcome == "cut" else {"ok", "skipped", "cancelled"}
    if entry["outcome"] in innocent:
        case.problem("verdict", f"{outcome} blames {blamed}, which is {entry['outcome']}")
    if case.route.call(blamed).optional:
        case.problem("verdict", f"{outcome} blames {blamed}, which is optional")
    judge_kind(case, outcome, entry)


def judge_kind(case, outcome, entry):
    line = case.line
    kind = entry["outcome"]
    if outcome == "timeout" and (kind not in TIME or line["reason"] != REASONS.get(kind)):
        if not (kind == "status" or line["reason"] == "drain"):
            case.problem("verdict", f"504 {line['reason']}, the call is {kind}")
    if outcome == "failed" and kind not in ("refused", "broken", "invalid", "unfilled"):
        case.problem("verdict", f"502, the call is {kind}")
    if outcome == "overload" and kind not in ("queue_full", "no_memory"):
        case.problem("verdict", f"503, the call is {kind}")


def judge_answered(case, failed):
    line, route = case.line, case.route
    errors = [entry for _, _, entry in failed if entry and entry["outcome"] == "status"]
    if case.ask.method == "HEAD" and line.get("call"):
        return  # the error of a call, of which nobody wants the body
    if failed and not errors:
        case.problem("verdict", f"answered {line['status']}, though {failed[0][0].name} did not "
                                f"end well: {failed[0][2]}")
        return
    if errors:
        if line["status"] not in [entry.get("status") for entry in errors]:
            case.problem("verdict", f"answered {line['status']}, the calls say {errors[0]}")
        return
    if route.answer == "merge":
        if line["status"] != 200:
            case.problem("verdict", f"merged with {line['status']}")
    else:
        _, entry = final(case, route.call(route.answer))
        if entry.get("status", line["status"]) != line["status"]:
            case.problem("verdict", f"answered {line['status']}, the answer is {entry}")
    judge_partial(case)


def judge_partial(case):
    message = case.ask.message
    if message is None or message.line is None:
        return
    gaps = []
    for head in (call for step in case.route.steps for call in step if call.optional):
        _, entry = final(case, head)
        if entry is None or entry["outcome"] != "ok":
            gaps.append(head.name)
    said = message.get("x-budget-partial")
    expected = ", ".join(gaps) if case.route.expose != "none" else str(len(gaps))
    if (said or "") != (expected if gaps else ""):
        case.problem("partial", f"says {said}, the gaps are {gaps}")


def judge_infeasible(case):
    line, budget = case.line, case.budget
    if line["reason"] == "infeasible" and not case.entries and not line.get("call"):
        if budget.whole - line["elapsed_ms"] >= budget.least() + 0.003 and line["upload_ms"] == 0:
            case.problem("verdict", f"infeasible, though {budget.whole} hold {budget.least()}")
        if case.attempts:
            case.problem("verdict", "infeasible, and yet calls were made")
    ask = case.ask
    at_once = ask.sent and ask.body_pieces == 1 and ask.head_pieces == 1 and not ask.expects
    small = (ask.body_size or 0) < 60000
    if line["reason"] == "upload" and at_once and small and line["elapsed_ms"] > 100:
        case.problem("verdict", "upload, though the body was sent at once")


def judge_whose(case):
    """Whose limit it was."""
    line = case.line
    whose = line.get("whose")
    if line["outcome"] != "timeout":
        return
    entry, call = case.entries.get(line.get("call")), case.route.call(line.get("call") or "")
    own = amount(call.budget, case.route.default_ms) if call else 0
    had_all = entry and not case.observed and entry["granted_ms"] >= own - 0.003
    if whose == "call":
        if not had_all and not call.attempt_ms and entry["outcome"] != "connect_timeout":
            granted = entry and entry["granted_ms"]
            case.problem("whose", f"the call's, which was granted {granted} of {own}")
    elif whose in ("client", "default", "max"):
        expected = "max" if case.observed else "default" if line["source"] == "default" else \
            "max" if line["budget_ms"] >= case.route.max_ms else "client"
        if whose != expected and line.get("reason") != "upload":
            case.problem("whose", f"{whose}, not {expected}")
        if had_all and line["reason"] == "call":
            case.problem("whose", f"{whose}, though the call had all of its own budget")
    elif whose == "proxy" and entry and entry["used_ms"] < entry["granted_ms"] + 20:
        late = entry["used_ms"] - entry["granted_ms"]
        case.problem("whose", f"the proxy's, which was late by {late:.1f} ms")


def judge_would(case):
    """What would have become of it, where that is simple: one call, made once."""
    line, calls = case.line, case.route.calls()
    held = Budget(case.route, line["budget_ms"], False)
    least = min(held.whole - held.least(), held.whole)
    would = line.get("would")
    if line["local_ms"] < 0.001 and least < -0.002 and would != "time_out":
        case.problem("would", f"{would}, though {held.whole} cannot hold {held.least()}")
    if len(calls) != 1 or calls[0].name not in case.entries or calls[0].retries or calls[0].hedge \
            or calls[0].attempt_ms or line["outcome"] != "ok" or line["upload_ms"] > 1:
        return
    entry = case.entries[calls[0].name]
    grant = held.grant(calls[0], 0, entry["begun_ms"], entry["begun_ms"])
    over = entry["used_ms"] - grant
    if over > 0.01 and would == "go_on" or over < -0.01 and least > 0.002 and would != "go_on":
        case.problem("would", f"{would}, the call took {entry['used_ms']}, and would have been "
                              f"granted {grant:.3f}")
    if over > 0.01 and grant > 0.1 and would == "time_out" and line.get("would_reason") != "call":
        case.problem("would", f"{would} {line.get('would_reason')}, the call alone was late")
