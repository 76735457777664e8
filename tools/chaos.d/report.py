"""What people are told of a round, and what is kept of one in which something was found."""

import collections
import json
import os
import shutil

from audit import Case


def summary(current):
    fates = collections.Counter(ask.fate for ask in current.asks)
    states = collections.Counter(line.get("status") for line in current.log)
    gaps = [end - begin for begin, end in current.vigil.gaps]
    kinds = collections.Counter(kind for kind, _, _ in current.problems)
    return (f"seed {current.seed}: {len(current.asks)} requests, {dict(fates)}, statuses "
            f"{dict(sorted(states.items(), key=str))}, machine late for {sum(gaps):.1f} s, at most "
            f"{max(gaps, default=0) * 1000:.0f} ms{', stopped amidst' if current.storm else ''}: "
            f"{'FOUND ' + str(dict(kinds)) if kinds else 'nothing found'}")


def tell(current, most):
    """Of each kind of problem so many."""
    print(summary(current), flush=True)
    shown = collections.Counter()
    for problem in current.problems:
        shown[problem[0]] += 1
        if shown[problem[0]] <= most:
            print("\n".join(describe(current, problem)), flush=True)


def keep(current, folder):
    """The configuration, log and words of the program, and all that was found."""
    place = os.path.join(folder, str(current.seed))
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(current.folder, place, ignore=shutil.ignore_patterns("front"))
    with open(os.path.join(place, "found"), "w", encoding="utf-8") as file:
        print(summary(current), file=file)
        for problem in current.problems:
            print("\n".join(describe(current, problem)), file=file)
    print(f"  kept in {place}: proxy.ini, log, stderr, found", flush=True)


def describe(current, problem):
    kind, ask, text = problem
    yield f"  {kind}: {text}"
    if ask is not None:
        yield from describe_client(ask)
        case = Case(current, ask)
        yield f"    log: {json.dumps(case.line)}"
        for attempt in case.attempts:
            yield from describe_attempt(attempt, ask.begun)


def since(begun, at):
    return f"{(at - begun) * 1000:.1f}" if at else "-"


def describe_client(ask):
    yield (f"    asked: {ask.method} {ask.route.name} HTTP/{ask.version} {ask.headers} "
           f"({ask.asked_ms} ms), body {ask.body_size} in {ask.body_pieces} x "
           f"{ask.body_interval:.0f} ms, leaves {ask.leave}, reads after {ask.pause_ms:.0f} ms, "
           f"{'behind another, ' if ask.waits_behind else ''}number {ask.position}")
    times = " ".join(f"{name} {since(ask.begun, getattr(ask, name))}"
                     for name in ("head_sent", "sent", "first", "ended", "left"))
    yield f"    client: {times} {ask.fate} {ask.message.line if ask.message else ''}"


def describe_attempt(attempt, begun):
    times = " ".join(f"{name} {since(begun, getattr(attempt, name))}"
                     for name in ("seen", "sent", "answered", "done", "closed"))
    told = [header for header in attempt.headers if header[0].startswith("x-left")]
    yield (f"    upstream: {attempt.key}.{attempt.number} {attempt.method} on connection "
           f"{attempt.connection}{', reused' if attempt.on_reused else ''}: {times}"
           f"{' by itself' if attempt.closed_by_us else ''}, told {told}, {attempt.deed}")
