"""What one request costs in user-space instructions and system calls. Noise does not touch these.

Each proxy is run twice, for a few requests and for many; the difference is the requests alone.
"""

import os
import re
import shutil
from collections import Counter

import load
import parties

FEW, MANY = 500, 2500
RECORD = os.path.join(parties.HERE, "INSTRUCTIONS.md")
HEADERS = [argument for number in range(1, 10)
           for argument in ("-H", f"X-Bench-{number}: abcdefghijklmnopqrst{number}")]

# Title, path, connections, arguments of h2load (which sends two headers of its own), only for.
REQUESTS = [
    ("GET, 2 headers", "/7", 1, [], ""),
    ("GET, 11 headers", "/7", 1, HEADERS, ""),
    ("GET, 11 headers, 64 connections", "/7", 64, HEADERS, ""),
    ("POST of 1 KiB", "/7", 1, ["-d", "body"], ""),
    ("response of 64 KiB", "/files/64k", 1, [], ""),
    ("four calls in three steps", "/plan/7", 1, [], "hourglass"),
]


def serve(party, request, count, scratch, wrapper):
    """The proxy answers so many requests, inside the wrapper, and ends."""
    _, path, connections, extra, _ = request
    extra = [os.path.join(scratch, "body") if word == "body" else word for word in extra]
    party.start(scratch, None, wrapper)
    try:
        said = load.run(["h2load", "--h1", "-t", "1", "-c", str(connections), "-n", str(count),
                         *extra, f"http://127.0.0.1:{party.port}{path}"], 300)
    finally:
        party.stop(patience=60)
    if f"{count} 2xx" not in said:
        raise parties.Failure(f"{party.name} did not answer all of {request[0]}:\n{said}")


def instructions(party, request, scratch):
    totals = []
    for count in (FEW, MANY):
        output = os.path.join(scratch, "callgrind.out")
        serve(party, request, count, scratch,
              ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}"])
        with open(output, encoding="utf-8", errors="replace") as lines:
            found = re.search(r"^(?:summary|totals): (\d+)", lines.read(), re.MULTILINE)
        totals.append(int(found[1]))
    return (totals[1] - totals[0]) / (MANY - FEW)


def system_calls(party, request, scratch):
    """By name, per request; those that are made for less than 5 of 100 requests are left out."""
    counts = []
    for count in (FEW, MANY):
        output = os.path.join(scratch, "strace.out")
        serve(party, request, count, scratch, ["strace", "-f", "-c", "-o", output])
        calls = Counter()
        with open(output, encoding="ascii", errors="replace") as lines:
            for line in lines:
                fields = line.split()
                if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                    calls[fields[-1]] = int(fields[3])
        counts.append(calls)
    each = {name: (counts[1][name] - counts[0][name]) / (MANY - FEW) for name in counts[1]}
    return {name: value for name, value in each.items() if value >= 0.05}


def single(party):
    """nginx without its master, since what is counted is the worker."""
    if party.name == "nginx":
        party.command += ["-g", "master_process off;"]
    return party


def count_all(proxies, scratch):
    """Yields title, name, instructions (or None) and system calls."""
    for request in REQUESTS:
        for party in proxies:
            if request[4] not in ("", party.name):
                continue
            # Go's threads and collector would drown in valgrind, and mean little.
            counted = instructions(party, request, scratch) if party.name != "caddy" else None
            calls = system_calls(party, request, scratch)
            print(f"bench: {request[0]}: {party.name} counted", flush=True)
            yield request[0], party.name, counted, calls


def as_markdown(rows, versions):
    load_average = f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
    lines = [
        "# What one request costs", "",
        "Written by `tools/bench instructions --record`; see [README.md](README.md). The"
        " instructions are those in user space.", "",
        f"Taken on {versions}; load average {load_average}.", "",
        "| | proxy | instructions | system calls | of these |", "|---|---|--:|--:|---|"]
    for title, name, counted, calls in rows:
        names = ", ".join(f"{call} {value:.1f}" for call, value in
                          sorted(calls.items(), key=lambda pair: (-round(pair[1], 1), pair[0])))
        figure = f"{counted:,.0f}" if counted is not None else "-"
        lines.append(f"| {title} | {name} | {figure} | {sum(calls.values()):.1f} | {names} |")
    return "\n".join(lines) + "\n"


def run(chosen):
    for tool in ("valgrind", "strace"):
        if shutil.which(tool) is None:
            raise parties.Failure(f"{tool} is not installed")
    with open(os.path.join(chosen.scratch, "body"), "w", encoding="ascii") as body:
        body.write("x" * 1024)
    proxies = [single(proxy) for proxy in parties.make_proxies(chosen.program, chosen.scratch)]
    origin = parties.make_origin(chosen.scratch)
    try:
        origin.start(chosen.scratch)
        text = as_markdown(list(count_all(proxies, chosen.scratch)),
                           parties.versions(chosen.program))
    finally:
        origin.stop()
    print("\n" + text)
    if chosen.record:
        with open(RECORD, "w", encoding="utf-8") as record:
            record.write(text)
        print(f"bench: written to {os.path.relpath(RECORD)}")
    return 0
