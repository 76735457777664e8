"""The load: wrk for as much as goes, h2load for bursts, and of our own paced for a rate and budgets
for deadlines. Each returns figures of one run."""

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


def bursts(url, connections, seconds, rate):
    """So many requests/s in all. h2load lets them go each 10 ms, all connections at once. The
    latencies, in us, are those of every request."""
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
        "status": wrong, "failed": rate * seconds - len(rows),
        "p50": percentile(latencies, 0.5), "p99": percentile(latencies, 0.99),
        "p999": percentile(latencies, 0.999), "load_cpu": children_cpu() - before,
    }


def compiled(name, scratch):
    """The path of one of our own programs."""
    program = os.path.join(scratch, name)
    if not os.path.exists(program):
        run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", program,
             os.path.join(HERE, name + ".c"), os.path.join(HERE, "meter.c"), "-lm"], 60)
    return program


def measured(command, seconds):
    """The figures that one of our own programs prints."""
    before = children_cpu()
    figures = json.loads(run([command[0], *map(str, command[1:])], seconds))
    return {**figures, "load_cpu": children_cpu() - before}


def paced(port, connections, seconds, rate, scratch):
    """So many requests/s in all, at random instants; in us, how long they took."""
    return measured([compiled("paced", scratch), port, "/", connections, rate, seconds], seconds)


def budgets(port, connections, seconds, shortest_ms, longest_ms, scratch):
    """Each request has a budget of its own, between these, and an upstream that never answers. How
    late the answers are, in us, is counted for so many seconds in which all are in flight."""
    return measured([compiled("budgets", scratch), port, UPSTREAM_PORTS["budgets"], connections,
                     seconds, shortest_ms, longest_ms], seconds)
