"""What is measured: a scenario measures one party for some seconds, and says what counts of it."""

import time
import urllib.request
from dataclasses import dataclass, field

import aborts
import load
from report import LESS, MORE, Column

NEVER_MS = 500  # as in the configurations of the proxies: what /never may take

REQUESTS = Column("rate", "requests/s", "{:,.0f}", MORE)
CPU = Column("cpu", "CPU us/request", "{:.1f}", LESS)
MIB_RATE = Column("mib_rate", "MiB/s", "{:,.0f}", MORE)
MIB_CPU = Column("mib_cpu", "CPU us/MiB", "{:,.0f}", LESS)
P50 = Column("p50", "p50 ms", "{:.2f}", LESS, 1000)
P99 = Column("p99", "p99 ms", "{:.2f}", LESS, 1000)
P999 = Column("p999", "p99.9 ms", "{:.2f}", LESS, 1000)
OPENED = Column("opened", "opened", "{:,.0f}")
RSS = Column("rss", "peak RSS MiB", "{:.1f}", LESS)


@dataclass
class Ground:
    """What scenarios stand on: the upstreams beside the party that is measured."""

    origin: object
    silent: object
    sink: object
    questions: int = 0

    def cpu_seconds(self):
        """Of all upstreams; two of them are threads of ours."""
        return self.origin.cpu_seconds() + time.process_time()

    def connections(self):
        """That the origin has accepted up to now, without the one of this question."""
        url = f"http://127.0.0.1:{self.origin.port}/status"
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.questions += 1
            return int(answer.read().split()[7]) - self.questions


def watched(party, ground, run):
    """The figures of run(), with what the party and the upstreams used meanwhile."""
    opened = ground.connections()
    party.forget_peak()
    upstreams, used, started = ground.cpu_seconds(), party.cpu_seconds(), time.monotonic()
    figures = run()
    wall = time.monotonic() - started
    used, upstreams = party.cpu_seconds() - used, ground.cpu_seconds() - upstreams
    requests = figures["requests"]
    if requests == 0:
        figures.update({key: None for key in ("p50", "p99", "p999", "most")})
    return {
        **figures, "rate": requests / figures["seconds"], "cpu_seconds": used,
        "cpu": 1e6 * used / requests if requests else None, "rss": party.peak_mib(),
        "opened": None if party is ground.origin else ground.connections() - opened,
        "busy": [100 * used / wall, 100 * upstreams / wall, 100 * figures["load_cpu"] / wall],
    }


@dataclass
class Scenario:
    """As many requests as go, on connections that are kept."""

    name: str
    title: str
    path: str = "/"
    connections: int = 64
    options: dict = field(default_factory=dict)  # for wrk.lua
    columns: tuple = (REQUESTS, CPU, P50, P99, P999, OPENED, RSS)
    spread_of: str = "cpu"
    is_quick: bool = True
    only: str = ""  # the one proxy that can do it
    with_direct: bool = False  # the origin is measured as well, without a proxy

    def url(self, party):
        return f"http://127.0.0.1:{party.port}{self.path}"

    def measure(self, party, ground, seconds):
        load.warm_up(self.url(party), self.connections)
        return watched(party, ground, lambda: load.wrk(
            self.url(party), self.connections, seconds, self.options))

    def finish_round(self, _figures):
        """All parties' figures of one round, by name, before they are kept."""

    def wrong(self, figures):
        """How many answers were not as they should be."""
        return figures["failed"] + figures["status"]

    def notes(self, _medians):
        return []


@dataclass
class Transfer(Scenario):
    """Large bodies: what counts is the bytes."""

    columns: tuple = (MIB_RATE, MIB_CPU, P50, P99, RSS)
    spread_of: str = "mib_cpu"

    def measure(self, party, ground, seconds):
        uploaded = ground.sink.received
        figures = watched(party, ground, lambda: load.wrk(
            self.url(party), self.connections, seconds, self.options))
        # All that moved, also of requests that the end of the run has cut off.
        mib = (figures["bytes"] + ground.sink.received - uploaded) / (1 << 20)
        figures["mib_rate"] = mib / figures["seconds"]
        figures["mib_cpu"] = 1e6 * figures["cpu_seconds"] / mib if mib else None
        return figures


@dataclass
class Paced(Scenario):
    """The same number of requests/s through each."""

    rate: int = 10000
    connections: int = 50
    with_direct: bool = True

    def measure(self, party, ground, seconds):
        load.warm_up(self.url(party), self.connections)
        return watched(party, ground, lambda: load.paced(
            self.url(party), self.connections, seconds, self.rate))


@dataclass
class Light(Paced):
    """Hardly any load: what a proxy adds to the time of a request."""

    rate: int = 500
    connections: int = 2
    columns: tuple = (
        P50, P99, Column("added50", "added p50 us", "{:.0f}", LESS),
        Column("added99", "added p99 us", "{:.0f}", LESS), CPU, RSS)
    spread_of: str = "p50"

    def finish_round(self, figures):
        direct = figures["direct"]
        for party in figures.values():
            party["added50"] = party["p50"] - direct["p50"]
            party["added99"] = party["p99"] - direct["p99"]


@dataclass
class Never(Scenario):
    """An upstream that does not answer: how late are the 504s?"""

    columns: tuple = (
        Column("rate", "504/s", "{:,.0f}"), Column("late50", "late p50 ms", "{:+.1f}"),
        Column("late99", "late p99 ms", "{:+.1f}"), Column("late", "late at most ms", "{:+.1f}"),
        CPU, RSS)

    def measure(self, party, ground, seconds):
        # Apart by chance, since 504s that are all due in one millisecond are another question.
        options = {"expect": 504, "delay": NEVER_MS // 2}
        figures = watched(party, ground, lambda: load.wrk(
            self.url(party), self.connections, max(3, seconds), options))
        for key, late in (("p50", "late50"), ("p99", "late99"), ("most", "late")):
            figures[late] = figures[key] / 1000 - NEVER_MS if figures["requests"] else None
        return figures

    def wrong(self, figures):
        return figures["failed"] + figures["wrong"]

    def notes(self, _medians):
        return [f"late: behind the {NEVER_MS} ms that each is configured with. Hourglass means to"
                " be early, by what it keeps back for the reply to travel."]


@dataclass
class Aborts(Scenario):
    """Clients that leave: is their work upstream ended?"""

    columns: tuple = (
        Column("close_ended", "closed: ended %", "{:.0f}"), Column("close_p50", "p50 ms", "{:.2f}"),
        Column("close_most", "at most ms", "{:.2f}"),
        Column("reset_ended", "reset: ended %", "{:.0f}"), Column("reset_p50", "p50 ms", "{:.2f}"),
        Column("reset_most", "at most ms", "{:.2f}"))
    spread_of: str = ""

    def measure(self, party, ground, _seconds):
        figures = {"requests": 2 * aborts.CLIENTS, "failed": 0}
        for way in ("close", "reset"):
            run = aborts.leave(party.port, ground.silent, way == "reset")
            figures["failed"] += run.pop("failed")
            figures.update({f"{way}_{key}": value for key, value in run.items()})
        return figures

    def wrong(self, figures):
        return figures["failed"]

    def notes(self, _medians):
        return [f"ended: of {aborts.CLIENTS} requests, within {aborts.PATIENCE:.0f} s of their"
                " client's going; p50 and at most: how long after it."]


@dataclass
class Plan(Scenario):
    """Four calls in three steps, and a plain request, for comparison."""

    path: str = "/plan/7"
    only: str = "hourglass"

    def measure(self, party, ground, seconds):
        plain = Scenario("plain", "", path="/7").measure(party, ground, seconds)
        figures = super().measure(party, ground, seconds)
        figures["plain_cpu"] = plain["cpu"]
        figures["times"] = figures["cpu"] / plain["cpu"]
        return figures

    def notes(self, medians):
        return [f"a plan costs {medians['hourglass']['times']:.2f} times a single pass-through of"
                f" the same run ({medians['hourglass']['plain_cpu']:.1f} us): four would be 4.00."]


SCENARIOS = [
    Scenario("get", "small GET, 64 connections"),
    Scenario("headers", "GET with 11 headers, 64 connections", options={"headers": 10}),
    Scenario("conns16", "small GET, 16 connections", connections=16, is_quick=False),
    Scenario("conns512", "small GET, 512 connections", connections=512),
    Scenario("post", "POST of 1 KiB, 64 connections", options={"method": "POST", "body": 1024}),
    Transfer("64k", "responses of 64 KiB, 64 connections", "/files/64k"),
    Transfer("1m", "responses of 1 MiB, 64 connections", "/files/1m"),
    Transfer("download", "responses of 64 MiB, 4 connections", "/files/64m", 4, is_quick=False),
    Transfer("upload", "uploads of 64 MiB, 4 connections", "/upload", 4, is_quick=False,
             options={"method": "POST", "body": 64 << 20}),
    Paced("paced", "small GET, 10,000 requests/s on 50 connections"),
    Light("light", "small GET, 500 requests/s on 2 connections: latency added", is_quick=False),
    Never("never", f"an upstream that never answers, {NEVER_MS} ms, 512 connections", "/never",
          512),
    Never("never5000", "the same, 5000 connections", "/never", 5000, is_quick=False),
    Aborts("aborts", "clients that leave while their request is worked on"),
    Plan("plan", "four calls in three steps (only hourglass can), 64 connections"),
]
