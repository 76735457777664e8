"""Each request, as its client, its upstreams and the log saw it, against the contract."""

import json

from bodies import body
from calls import judge_calls, links
from contract import Budget, expected_budget
from duties import judge_duties
from outcomes import judge_outcome

SLACK = 0.06  # seconds that anything may take on a machine that is not late


class Case:
    """One request and all that is known of it."""

    def __init__(self, current, ask):
        self.current, self.ask = current, ask
        self.route = ask.route
        self.line = current.lines.get(ask.token)
        self.attempts = current.board.attempts.get(ask.token, [])
        self.entries = {entry["name"]: entry for entry in (self.line or {}).get("calls", [])}
        self.observed = bool(self.line) and self.line.get("mode") == "observe"
        self.budget = None
        if self.line and "budget_ms" in self.line:
            self.budget = Budget(self.route, self.line["budget_ms"], self.observed)

    def problem(self, kind, text):
        self.current.problem(kind, self.ask, f"{self.ask.token} {text}")

    def slack(self, at):
        late = self.current.vigil.late(at)
        # Who was stopped for as long as this may be late by anything.
        return SLACK + late if late < 0.25 else 10

    def of(self, call):
        return [attempt for attempt in self.attempts if attempt.key == call.key]

    def latest_start(self):
        """The request cannot have started after this: its attempts were seen so long after."""
        bounds = [attempt.seen - self.entries[name]["begun_ms"] / 1000 for attempt in self.attempts
                  if (name := attempt.key.split(".")[1]) in self.entries]
        return min(bounds, default=None)

    def end_of(self, entry):
        """(earliest, latest) instant at which the call can have ended."""
        after = (entry["begun_ms"] + entry["used_ms"]) / 1000
        latest = self.latest_start()
        return self.ask.begun + after, None if latest is None else latest + after


def judge_all(current):
    for ask in current.asks:
        case = Case(current, ask)
        judge_fate(case)
        if case.line and case.line.get("route"):
            judge_line(case)
            judge_time(case)
            judge_calls(case)
            judge_outcome(case)
            if case.budget:
                judge_duties(case)
        judge_answer(case)
        judge_uploads(case)


def judge_fate(case):
    ask, line = case.ask, case.line
    if ask.fate == "lost":
        case.problem("lost", "was not answered at all")
    elif ask.fate in ("closed", "reset"):
        judge_unanswered(case)
    elif ask.fate == "whole":
        judge_whole(case)
    elif ask.fate == "cut":
        if line and line["outcome"] not in ("cut", "client_gone"):
            case.problem("cut", f"broken off, in the log it is {line['outcome']}")
        if not line:
            case.problem("cut", "broken off, without a line in the log")
    elif ask.fate == "unsent" and (case.attempts or line):
        case.problem("unsent", "was never sent, and yet seen")


def judge_whole(case):
    ask, line, status = case.ask, case.line, case.ask.message.status
    if not line:
        if status not in (400, 408, 503):
            case.problem("log", f"{status}, and no line in the log")
        return
    if line["status"] != status and not gone_at_end(ask, line):
        case.problem("status", f"{status} at the client, {line['status']} in the log")
    # Of a unix socket, a close that breaks off looks as one that ends.
    orderly = line["client"] == "unix" and ask.message.until_end
    if line["outcome"] == "cut" and not ask.left and not orderly:
        case.problem("cut", "the log says cut, the client saw a whole answer")
    if line["outcome"] == "client_gone" and not ask.left and not gone_at_end(ask, line):
        case.problem("gone", "the log says that the client left, which it did not")


def gone_at_end(ask, line):
    """It had all of the answer, and has closed without sending the rest of its body."""
    return not ask.sent and line["outcome"] == "client_gone"


def judge_unanswered(case):
    ask, current = case.ask, case.current
    draining = current.term_at and ask.ended > current.term_at - 0.05
    if ask.left or ask.waits_behind:
        return  # its own doing, or the one before it closed the connection
    if case.line and case.line["outcome"] == "cut" and (ask.version == "1.0" or ask.pause_ms):
        return
    if ask.position == 0 and case.current.vigil.late(ask.begun, around=1.5) > 0.8:
        return  # it may have been idle for too long before it was sent
    if ask.position == 0 and not draining:
        case.problem("unanswered", f"{ask.fate} without a byte")
    elif case.line and not (draining and case.line["outcome"] == "cut"):
        case.problem("unanswered", f"{ask.fate} without a byte, though the log says "
                                   f"{case.line['status']}")
    elif case.attempts:
        case.problem("unanswered", "without a byte, though an upstream was asked")


def judge_line(case):
    ask, line = case.ask, case.line
    expected = expected_budget(ask)
    if expected is None:
        if line["status"] != 400:
            case.problem("malformed", f"is not refused: {line['status']}")
        return
    budget, source = expected
    room = 1100 if ask.epoch else 0.002  # an instant says nothing of when the request was read
    if abs(line["budget_ms"] - budget) > room:
        case.problem("budget", f"is {line['budget_ms']}, {budget} was asked for")
    if (line["source"] == "default") != (source == "default"):
        case.problem("budget", f"comes from {line['source']}, not {source}")
    if ask.fate == "whole" and not ask.left and ask.method != "HEAD" and \
            line["bytes_down"] != len(ask.message.body):
        case.problem("bytes", f"down {line['bytes_down']}, the client got {len(ask.message.body)}")
    refused = line["status"] in (504, 499) and line.get("reason") == "arrival"
    if case.budget.whole == 0 and (case.attempts or not refused):
        case.problem("arrival", f"had expired: {line['status']} {line.get('reason')}")


def judge_time(case):
    """Nobody hears of anything after the client's own timer."""
    ask, line = case.ask, case.line
    whole = case.budget.whole
    over = line["elapsed_ms"] - whole
    slow = ask.pause_ms or ask.left or ask.waits_behind or ask.head_pieces > 1
    if over > 1000 * case.slack(ask.ended) and not slow and line["outcome"] != "client_gone":
        case.problem("late", f"took {line['elapsed_ms']} of {whole} ms by the log")
    if ask.fate not in ("whole", "cut") or slow or ask.epoch:
        return
    late = ask.ended - ask.begun - whole / 1000
    ask.late = late
    outside = (ask.ended - ask.begun) * 1000
    unheard = outside - line["elapsed_ms"]  # before it was read, and on the way back
    if late > case.slack(ask.ended) + min(unheard / 1000, 0.25):
        case.problem("late", f"ended {late * 1000:.1f} ms after the client's timer, machine late by"
                             f" {case.current.vigil.late(ask.ended) * 1000:.0f}")
    # One that was answered before its body was whole goes on, until its client leaves.
    if ask.sent and line["elapsed_ms"] > outside + 1000 * case.slack(ask.ended):
        case.problem("elapsed", f"{line['elapsed_ms']} in the log, {outside:.1f} outside")


def judge_answer(case):
    """It is its own."""
    ask = case.ask
    message = ask.message
    if message is None or message.line is None:
        return
    if message.bad:
        case.problem("framing", message.bad)
    whose = message.get("x-request-id")
    if whose != ask.token and not (whose is None and message.status in (400, 408, 503)):
        case.problem("foreign", f"answer has the id {whose}")
    for name in ("content-length", "date", "x-request-id"):
        if len(message.all(name)) > 1:
            case.problem("header", f"{name} twice")
    if message.get("x-token"):
        judge_relayed(case, message)
    elif message.get("content-type") == "application/problem+json":
        judge_problem(case, message)
    elif case.route.answer == "merge" and message.status == 200:
        judge_merged(case, message)
    elif message.status not in (100,):
        case.problem("answer", f"of nobody: {message.line}")


def judge_relayed(case, message):
    if message.get("x-token") != case.ask.token:
        case.problem("foreign", f"answer of {message.get('x-token')}")
        return
    full = body(case.ask.token, message.get("x-answer"), int(message.get("x-size")))
    got = bytes(message.body)
    if case.line and case.line["outcome"] == "cut" and full.startswith(got):
        return
    if not full.startswith(got) or case.ask.fate == "whole" and not message.head_only and \
            message.status not in (204, 304) and got != full:
        case.problem("body", f"of {len(got)} bytes, sent {len(full)}, "
                             f"{'whole' if message.whole else 'cut'}")


def judge_problem(case, message):
    if case.ask.fate != "whole" or message.head_only:
        return
    problem = json.loads(message.body)
    if problem["status"] != message.status:
        case.problem("problem", f"says {problem['status']}")
    if case.line and case.line.get("route"):
        for key in ("reason", "call"):
            told = problem.get(key)
            hidden = key == "call" and case.route.expose == "none"
            if told != case.line.get(key) and not hidden and message.status in (502, 503, 504):
                case.problem("problem", f"{key} {told}, in the log {case.line.get(key)}")


def judge_merged(case, message):
    if case.ask.fate != "whole" or message.head_only:
        return
    merged = json.loads(message.body)
    partial = merged.pop("_partial", [])
    heads = [call for step in case.route.steps for call in step]
    if set(merged) != {call.name for call in heads}:
        case.problem("merge", f"has members {sorted(merged)}")
        return
    for call in heads:
        value = merged[call.name]
        own = isinstance(value, dict) and value.get("token") == case.ask.token
        gap = {"token": "gap"} if any(c.fallback == "json" for c in links(call)) else None
        if own == (call.name in partial) or not own and value != gap:
            case.problem("merge", f"{call.name} is {str(value)[:80]}, partial {partial}")
        if not own and not call.optional:
            case.problem("merge", f"{call.name} is a gap, and required")


def judge_uploads(case):
    for attempt in case.attempts:
        wanted = "HEAD" not in (attempt.method, case.ask.method)
        if attempt.sent and attempt.body_ok is False and wanted:
            case.problem("upload", f"{attempt.key} got another body")
        if attempt.get("x-request-id") != case.ask.token:
            case.problem("foreign", f"{attempt.key} got the id {attempt.get('x-request-id')}")
