#!/usr/bin/env python3
"""Random configurations, clients and upstreams against a model of what hourglass promises."""

import argparse
import asyncio
import os
import resource
import shutil
import signal
import sys
import tempfile
import time

import report
from rounds import Round
from subject import Broken

SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def positive(kind):
    def read(text):
        number = kind(text)
        if not 0 < number < 1e6:
            raise argparse.ArgumentTypeError("must be above 0")
        return number
    read.__name__ = "number"  # what argparse calls it
    return read


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/chaos", description=__doc__, epilog="Exit code 1: something was found.")
    parser.add_argument("--build", choices=["release", "asan"], help="which build: release")
    parser.add_argument("--program", default="build/release/hourglass",
                        help="instead of building one")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000,
                        help="of the first round: by the time of day")
    parser.add_argument("--rounds", type=positive(int), default=5, help="how many: 5")
    parser.add_argument("--seconds", type=positive(float), default=8,
                        help="of traffic in a round: 8")
    parser.add_argument("--clients", type=positive(int), default=16, help="at once: 16")
    parser.add_argument("--show", type=positive(int), default=3, help="of each kind found: 3")
    parser.add_argument("--bad", default="build/chaos-bad",
                        help="the folder for rounds in which something was found: build/chaos-bad")
    return parser.parse_args()


async def guarded(current):
    """Runs it; a signal ends it in an orderly way."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, task.cancel)
    await current.run()


def run_round(seed, chosen):
    """How many problems it has."""
    folder = tempfile.mkdtemp(prefix="hourglass-chaos.")
    try:
        current = Round(seed, chosen, folder)
        asyncio.run(guarded(current))
        report.tell(current, chosen.show)
        if current.problems:
            report.keep(current, chosen.bad)
        return len(current.problems)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    chosen = arguments()
    chosen.program = os.path.abspath(chosen.program)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = []
    try:
        for seed in range(chosen.seed, chosen.seed + chosen.rounds):
            if run_round(seed, chosen):
                found.append(seed)
    except Broken as error:
        print(f"chaos: seed {seed}: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        print(f"chaos: seed {seed}: interrupted", file=sys.stderr)
        return 130
    if found:
        print(f"chaos: FOUND something in {len(found)} of {chosen.rounds} rounds: seed "
              f"{', '.join(map(str, found))}")
        return 1
    print(f"chaos: nothing found in {chosen.rounds} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
