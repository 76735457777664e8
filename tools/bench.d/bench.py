"""Hourglass beside other proxies. Started by tools/bench, which builds it: see there."""

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile

import instructions
import parties
import report
from scenario import Ground
from scenarios import SCENARIOS
from upstreams import Echo, Silent, Sink

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
LEGEND = """\
In brackets: times the best of the others. More is better for rates, less for all else.
busy %: of one core, the proxy / the upstreams / the load. Where a proxy has not about 100 in a run
without a pace, somebody else was the limit, and its requests/s or MiB/s are not its own.
opened: connections to the origin during the run, of which there ought to be hardly any.
hourglass loses: how many times it is worse than the best of the others, if by more than 5 %.
spread: between rounds, half of the range, in % of the median, of CPU (light: p50)."""


def arguments():
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(
        prog="tools/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures hourglass beside nginx, HAProxy and Caddy, on loopback.",
        epilog="scenarios:\n" + "\n".join(f"  {s.name:<10} {s.title}" for s in SCENARIOS)
        + "\n  instructions  instead: instructions and system calls of a request, counted")
    parser.add_argument("scenario", nargs="*", help="all, if none is named")
    parser.add_argument("--rounds", type=int, metavar="N", help="each party so often, in turn (3)")
    parser.add_argument("--seconds", type=int, metavar="N", help="each time so long (2)")
    parser.add_argument("--quick", action="store_true", help="fewer scenarios, one round of 1 s")
    parser.add_argument("--program", help="this hourglass, instead of building one")
    parser.add_argument("--record", action="store_true",
                        help="instructions: write the table to tools/bench.d/INSTRUCTIONS.md")
    chosen = parser.parse_args()
    for name in chosen.scenario:
        if name not in names + ["instructions"]:
            parser.error(f"there is no scenario {name}: {', '.join(names)}, instructions")
    counts = "instructions" in chosen.scenario
    if counts and len(chosen.scenario) > 1:
        parser.error("instructions stands alone")
    if chosen.record and not counts:
        parser.error("--record belongs to instructions")
    for value in (chosen.rounds, chosen.seconds):
        if value is not None and value < 1:
            parser.error("rounds and seconds are 1 at least")
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    chosen.seconds = chosen.seconds or (1 if chosen.quick else 2)
    return chosen


def share_cores():
    """The proxy has one core to itself; we, the load and the origin have the others.

    With four cores or more, the second is for a second worker, and nobody else."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("bench: one core only, which the proxy shares with the load and the origin")
        return None
    os.sched_setaffinity(0, cores[1:] if len(cores) < 4 else cores[2:])
    return cores


def measure(scenario, proxies, ground, chosen):
    """By party, a list of its figures in each round. The parties take turns."""
    measured = [ground.origin] if scenario.with_direct else []
    measured += [proxy for proxy in proxies if not scenario.only or proxy.name in scenario.only]
    rounds = {}
    for _ in range(chosen.rounds):
        figures = {}
        for party in measured:
            name = "direct" if party is ground.origin else party.name
            figures[name] = scenario.measure(party, ground, chosen.seconds)
        scenario.finish_round(figures)
        for name, value in figures.items():
            rounds.setdefault(name, []).append(value)
    return rounds


def run_scenario(scenario, proxies, ground, chosen):
    """With fresh proxies, so that memory is this scenario's. Returns how many requests failed,
    and where hourglass loses."""
    try:
        for proxy in proxies:
            proxy.start(chosen.scratch, chosen.cores)
        return report.show(scenario, measure(scenario, proxies, ground, chosen))
    finally:
        for proxy in proxies:
            proxy.stop()


def run_scenarios(chosen):
    picked = [s for s in SCENARIOS
              if s.name in chosen.scenario
              or not chosen.scenario and (s.is_quick or not chosen.quick)]
    proxies = parties.make_proxies(chosen.program, chosen.scratch)
    origin = parties.make_origin(chosen.scratch)
    chosen.cores = share_cores()
    upstreams = Silent(), Sink(), Echo()
    print(f"\n{parties.versions(chosen.program)}")
    print(f"{chosen.rounds} rounds of {chosen.seconds} s, medians; load average before:"
          f" {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n{LEGEND}")
    wrong, losses = 0, []
    try:
        origin.start(chosen.scratch)
        ground = Ground(chosen.scratch, origin, *upstreams)
        for scenario in picked:
            bad, lost = run_scenario(scenario, proxies, ground, chosen)
            wrong += bad
            losses += lost
            sys.stdout.flush()
    finally:
        origin.stop()
        for upstream in upstreams:
            upstream.stop()
    report.show_losses(losses)
    print(f"\nload average after: {os.getloadavg()[0]:.1f}")
    return 1 if wrong else 0


def on_signal(number, _frame):
    """Ends what runs, by way of the finally clauses, which a second signal may not interrupt."""
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def main():
    chosen = arguments()
    for number in SIGNALS:
        signal.signal(number, on_signal)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    chosen.scratch = tempfile.mkdtemp(prefix="hourglass-bench.")
    os.chmod(chosen.scratch, 0o755)  # nginx, started by root, works as somebody else
    chosen.program = os.path.abspath(chosen.program)
    try:
        if "instructions" in chosen.scenario:
            return instructions.run(chosen)
        return run_scenarios(chosen)
    except parties.Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(chosen.scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
