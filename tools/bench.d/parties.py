"""The processes that take part: the proxies, and the origin behind them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROXIES = os.path.join(HERE, "proxies")  # their configurations
TICKS = os.sysconf("SC_CLK_TCK")
UPSTREAM_PORTS = {"origin": 9710, "silent": 9711, "sink": 9712, "echo": 9713, "budgets": 9714}


class Failure(Exception):
    """Ends the run, with a sentence."""


def is_taken(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def family(pid):
    """The process and all that it has started."""
    found = [pid]
    for member in found:
        try:
            with open(f"/proc/{member}/task/{member}/children", encoding="ascii") as children:
                found += [int(child) for child in children.read().split()]
        except OSError:
            pass
    return found


def status_kib(pid, field):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            return int(re.search(rf"^{field}:\s+(\d+)", status.read(), re.MULTILINE)[1])
    except (OSError, TypeError):
        return 0


def cpu_seconds_of(pid):
    """User and system time. The scheduler's own count has it in ns, and not in ticks of 10 ms."""
    try:
        total = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as schedstat:
                total += int(schedstat.read().split()[0])
        return total / 1e9
    except OSError:
        pass
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    except OSError:
        return 0


def signal_to(pid, number):
    """A process of ours, which may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def config(name):
    return os.path.join(PROXIES, name)


class Party:
    """One server: how it is started, and what it uses."""

    def __init__(self, name, port, command, worker="", environment=None):
        """worker: the line of its configuration that asks for one worker, and ends with 1."""
        self.name = name
        self.port = port
        self.command = command
        self.worker = worker
        self.environment = environment or {}
        self.process = None
        self.is_traced = False
        self.scratch = None
        self.cores = None
        self.resting_kib = None

    def start(self, scratch, cores=None, wrapper=(), workers=1):
        """Returns when it listens. With cores, it runs on the first of them, one for a worker."""
        if is_taken(self.port):
            raise Failure(f"port {self.port}, which {self.name} needs, is taken by another program")
        self.scratch, self.cores, self.resting_kib = scratch, cores, None
        self.is_traced = "strace" in wrapper
        # It ends with us, even if we are killed.
        prefix = ["setpriv", "--pdeathsig", "TERM", *wrapper]
        if cores is not None:
            prefix = ["taskset", "-c", ",".join(map(str, cores[:workers])), *prefix]
        with open(self.log(), "wb") as output:
            self.process = subprocess.Popen(
                prefix + self.command_for(workers), stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, cwd=scratch, env={
                    **os.environ, "GOMAXPROCS": str(workers), **self.environment})
        deadline = time.monotonic() + 30
        while not is_taken(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                with open(self.log(), encoding="utf-8", errors="replace") as said:
                    raise Failure(f"{self.name} did not start; it says:\n{said.read()[-2000:]}")
            time.sleep(0.001)

    def restart(self, wrapper=(), workers=1):
        self.stop()
        self.start(self.scratch, self.cores, wrapper, workers)

    def log(self):
        """The file of what it says."""
        return os.path.join(self.scratch, f"{self.name}.out")

    def command_for(self, workers):
        """Its command; for several workers, with a copy of its configuration that says so."""
        if workers == 1 or not self.worker:
            return self.command
        source = next(word for word in self.command if os.path.dirname(word) == PROXIES)
        with open(source, encoding="utf-8") as text:
            before, found, after = text.read().partition(self.worker)
        if not found:
            raise Failure(f"{source} does not say {self.worker}")
        copy = os.path.join(self.scratch, f"{self.name}.workers")
        with open(copy, "w", encoding="utf-8") as text:
            text.write(f"{before}{self.worker[:-1]}{workers}{after}")
        return [copy if word == source else word for word in self.command]

    def stop(self, patience=5):
        """In order if it ends within so many seconds, else by force."""
        if self.process is None:
            return
        members = family(self.process.pid)
        # Inside strace, it is the server that has to end: strace follows, and says what it saw.
        first = members[1] if self.is_traced and len(members) > 1 else members[0]
        signal_to(first, signal.SIGTERM)
        try:
            self.process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            for member in members:
                signal_to(member, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def cpu_seconds(self):
        """User and system time of all its processes up to now."""
        return sum(cpu_seconds_of(pid) for pid in family(self.process.pid))

    def rss_kib(self):
        return sum(status_kib(pid, "VmRSS") for pid in family(self.process.pid))

    def rest_kib(self):
        """Its memory when nothing had happened to it yet: to be asked before anything does."""
        if self.resting_kib is None:
            time.sleep(0.1)  # it listens, but may not have got to the end of its start
            self.resting_kib = self.rss_kib()
        return self.resting_kib

    def forget_peak(self):
        for pid in family(self.process.pid):
            try:
                with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as control:
                    control.write("5")
            except OSError:
                pass

    def peak_mib(self):
        """The most memory that its processes have had since forget_peak()."""
        return sum(status_kib(pid, "VmHWM") for pid in family(self.process.pid)) / 1024


def make_proxies(program, scratch):
    """Hourglass first; of the others those that are installed. Missing ones are said."""
    proxies = [Party("hourglass", 9721, [program, "-c", config("hourglass.ini")], "workers = 1")]
    others = [
        Party("nginx", 9722,
              ["nginx", "-e", "nginx.log", "-p", scratch, "-c", config("nginx.conf")],
              "worker_processes 1"),
        Party("haproxy", 9723, ["haproxy", "-f", config("haproxy.cfg")], "nbthread 1"),
        Party("caddy", 9724,
              ["caddy", "run", "--config", config("Caddyfile"), "--adapter", "caddyfile"],
              environment={"XDG_DATA_HOME": scratch, "XDG_CONFIG_HOME": scratch}),
    ]
    for other in others:
        path = shutil.which(other.name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if path is None:
            print(f"bench: {other.name} is not installed, so it has no rows")
            continue
        other.command[0] = path
        proxies.append(other)
    return proxies


def make_origin(scratch):
    files = os.path.join(scratch, "files")
    os.makedirs(files, exist_ok=True)
    for name, size in (("64k", 64 << 10), ("1m", 1 << 20), ("64m", 64 << 20)):
        with open(os.path.join(files, name), "wb") as file:
            file.write(b"x" * size)
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if nginx is None:
        raise Failure("nginx, which plays the origin, is not installed")
    return Party("origin", UPSTREAM_PORTS["origin"],
                 [nginx, "-e", "origin.log", "-p", scratch, "-c", config("origin.conf")])


def said_by(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout + done.stderr


def versions(program):
    """What was measured, in one line."""
    patterns = [
        ("hourglass", (program, "--version"), r"hourglass (\S+)"),
        ("libcurl", (program, "--version"), r"(?i)libcurl[/ ](\S+)"),
        ("nginx", ("nginx", "-v"), r"nginx/(\S+)"),
        ("HAProxy", ("haproxy", "-v"), r"version (\S+)"),
        ("Caddy", ("caddy", "version"), r"v?(\d\S*)"),
        ("gcc", ("gcc", "--version"), r"gcc.* (\d+\.\d+\.\d+)"),
        ("Linux", ("uname", "-r"), r"(\S+)"),
    ]
    found = [(name, re.search(pattern, said_by(*command))) for name, command, pattern in patterns]
    return ", ".join(f"{name} {match[1].rstrip(',')}" for name, match in found if match)
