"""The load: wrk for as much as goes, h2load for a rate, budgets (ours) for deadlines. Each returns
figures of one run."""

import json
import os
import resource
import subprocess
import tempfile

from parties import HERE, UPSTREAM_PORTS, Failure


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command, seconds):
    """What it printed. It runs where we run, and ends with us."""
    try:
        done = subprocess.run(["setpriv", "--pdeathsig", "KILL", *command], capture_output=True,
                              text=True, check=False, timeout=seconds + 60)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not end: {' '.join(command)}") from None
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def warm_up(url, connections):
    """Opens the connections on both sides of the proxy, and lets caches fill."""
    run(["h2load", "--h1", "-t", "1", "-c", str(connections), "-n", str(20 * connections), url], 60)


def wrk(url, connections, seconds, options):
    """options: those of wrk.lua. Latencies are in us."""
    before = children_cpu()
    output = run(["wrk", "-t", "1", "-c", str(connections), "-d", str(seconds), "--timeout", "30s",
                  "-s", os.path.join(HERE, "wrk.lua"), url, "--",
                  *(f"{name}={value}" for name, value in options.items())], seconds)
    figures = json.loads(output.rpartition("JSON ")[2])
    figures["load_cpu"] = children_cpu() - before
    return figures


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def paced(url, connections, seconds, rate):
    """So many requests/s in all, evenly; the latencies, in us, are those of every request."""
    before = children_cpu()
    with tempfile.NamedTemporaryFile("r", suffix=".h2load") as log:
        run(["h2load", "--h1", "-t", "1", "-c", str(connections), "-n", str(rate * seconds),
             "--rps", str(rate / connections), "--log-file", log.name, url], seconds)
        rows = [line.split("\t") for line in log]
    # Without the first tenth, in which connections open.
    begin = int(rows[0][0]) + seconds * 100000
    latencies = sorted(int(row[2]) for row in rows if int(row[0]) >= begin)
    ends = [int(row[0]) + int(row[2]) for row in rows]
    wrong = sum(row[1] != "200" for row in rows)
    return {
        "requests": len(rows), "seconds": (max(ends) - int(rows[0][0])) / 1e6,
        "status": wrong, "failed": rate * seconds - len(rows), "wrong": wrong,
        "p50": percentile(latencies, 0.5), "p99": percentile(latencies, 0.99),
        "p999": percentile(latencies, 0.999), "load_cpu": children_cpu() - before,
    }


def budgets(port, connections, seconds, shortest_ms, longest_ms, scratch):
    """Each request has a budget of its own, between these, and an upstream that never answers. How
    late the answers are, in us, is counted for so many seconds in which all are in flight."""
    program = os.path.join(scratch, "budgets")
    if not os.path.exists(program):
        run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", program,
             os.path.join(HERE, "budgets.c")], 60)
    before = children_cpu()
    output = run([program, *map(str, (port, UPSTREAM_PORTS["budgets"], connections, seconds,
                                      shortest_ms, longest_ms))], seconds)
    return {**json.loads(output), "load_cpu": children_cpu() - before}
