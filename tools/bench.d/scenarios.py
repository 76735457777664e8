"""What is measured: a scenario measures one party for some seconds, and says what counts of it."""

import socket
import statistics
import time
from dataclasses import dataclass

import aborts
import crowd
import duplex
import load
from report import LESS, MORE, Column
from scenario import (CPU, EACH, MIB_CPU, MIB_RATE, OPENED, P50, P99, P999, REQUESTS, RSS,
                      Scenario, grown_kib, watched)

NEVER_MS = 500  # as in the configurations of the proxies: what /never may take
BUDGETS_MS = 300, 1500  # the shortest and the longest that a client brings
STARTS = 7  # in each round
EACH_NOTE = "KiB/request: by how much its memory was more than at rest, at most, for each of them."
# Says when it becomes the program behind it, in us since 1970.
TIMED = ["bash", "-c", 'echo "${EPOCHREALTIME/[^0-9]/}"; exec "$@"', "start"]


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
    """The same number of requests/s through each, which come at random instants."""

    rate: int = 10000
    connections: int = 50
    with_direct: bool = True

    def measure(self, party, ground, seconds):
        load.warm_up(self.url(party), self.connections)
        return watched(party, ground, lambda: load.paced(
            party.port, self.connections, seconds, self.rate, ground.scratch))


@dataclass
class Bursts(Paced):
    """The same number of requests/s through each, many at once: who is slower lets all wait."""

    def measure(self, party, ground, seconds):
        load.warm_up(self.url(party), self.connections)
        return watched(party, ground, lambda: load.bursts(
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
        CPU, RSS, EACH)

    def measure(self, party, ground, seconds):
        party.rest_kib()
        # Apart by chance, since 504s that are all due in one millisecond are another question.
        options = {"expect": 504, "delay": NEVER_MS // 2}
        figures = watched(party, ground, lambda: load.wrk(
            self.url(party), self.connections, max(3, seconds), options))
        for key, late in (("p50", "late50"), ("p99", "late99"), ("most", "late")):
            figures[late] = figures[key] / 1000 - NEVER_MS if figures["requests"] else None
        figures["each"] = grown_kib(party, self.connections)
        return figures

    def wrong(self, figures):
        return figures["failed"] + figures["wrong"]

    def notes(self, _medians):
        return [f"late: behind the {NEVER_MS} ms that each is configured with. Hourglass means to"
                " be early, by what it keeps back for the reply to travel.", EACH_NOTE]


@dataclass
class Budgets(Scenario):
    """The same, where each client has its own timer: how late are the 504s behind that?"""

    connections: int = 5000
    only: tuple = ("hourglass", "haproxy")
    columns: tuple = (
        Column("rate", "504/s", "{:,.0f}"), Column("in_time", "in time %", "{:.2f}", MORE),
        Column("late50", "late p50 ms", "{:+.2f}", divisor=1000),
        Column("late99", "p99 ms", "{:+.2f}", divisor=1000),
        Column("late", "at most ms", "{:+.2f}", divisor=1000),
        Column("own99", "own p99 ms", "{:.2f}", divisor=1000),
        Column("own", "own at most ms", "{:.2f}", divisor=1000), CPU, EACH)

    def measure(self, party, ground, seconds):
        party.rest_kib()
        figures = watched(party, ground, lambda: load.budgets(
            party.port, self.connections, max(3, seconds), *BUDGETS_MS, ground.scratch))
        figures["each"] = grown_kib(party, self.connections)
        return figures

    def wrong(self, figures):
        return figures["failed"] + figures["wrong"]

    def notes(self, _medians):
        return ["late: behind the client's own timer, when the client's kernel has the answer. own:"
                " how late the client sees a timer itself, which is no part of it.",
                "HAProxy can take a timeout out of a header too; nginx and Caddy cannot.",
                EACH_NOTE]


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
class Workers(Bursts):
    """Two workers with twice the load: does a request cost what it costs one worker?"""

    connections: int = 64
    with_direct: bool = False
    columns: tuple = (
        Column("narrow", "1: CPU us/request", "{:.1f}"),
        Column("cpu", "2: CPU us/request", "{:.1f}"), Column("times", "times", "{:.3f}"), RSS)

    def measure(self, party, ground, seconds):
        half = Bursts("half", "", rate=self.rate // 2, connections=self.connections // 2)
        party.restart(workers=1)
        narrow = half.measure(party, ground, seconds)["cpu"]
        party.restart(workers=2)
        figures = super().measure(party, ground, seconds)
        return {**figures, "narrow": narrow, "times": figures["cpu"] / narrow}

    def notes(self, _medians):
        return [f"1: one worker with {self.rate // 2:,} requests/s. Where there are fewer than four"
                " cores, the second worker shares its own with the load."]


@dataclass
class Idle(Scenario):
    """Clients that keep their connections and say nothing, and an ordinary run beside them."""

    columns: tuple = (
        Column("each", "KiB/connection", "{:.2f}", LESS),
        Column("idle_cpu", "idle CPU ms/s", "{:.2f}", LESS),
        Column("alone", "alone: CPU us/request", "{:.1f}", LESS),
        Column("cpu", "beside: CPU us/request", "{:.1f}", LESS),
        Column("times", "times", "{:.2f}"))

    def measure(self, party, ground, seconds):
        party.rest_kib()
        alone = super().measure(party, ground, seconds)["cpu"]
        clients = crowd.Crowd(party.port)
        try:
            each = (party.rss_kib() - party.rest_kib()) / len(clients.clients)
            used, started = party.cpu_seconds(), time.monotonic()
            time.sleep(max(2, seconds))
            used = (party.cpu_seconds() - used) / (time.monotonic() - started)
            figures = super().measure(party, ground, seconds)
            figures["failed"] += clients.gone()
        finally:
            clients.leave()
        return {**figures, "each": each, "idle_cpu": 1000 * used, "alone": alone,
                "times": figures["cpu"] / alone}

    def notes(self, _medians):
        return [f"{crowd.count():,} idle connections. KiB/connection: by how much its memory has"
                " grown since it was at rest."]


@dataclass
class Start(Scenario):
    """From exec to the first answer, and the memory of a proxy that has done nothing else."""

    columns: tuple = (
        Column("start", "first answer ms", "{:.1f}", LESS), Column("most", "at most ms", "{:.1f}"),
        Column("rest", "RSS at rest MiB", "{:.1f}", LESS))
    spread_of: str = "start"

    def measure(self, party, _ground, _seconds):
        times, rests = [], []
        for _ in range(STARTS):
            party.restart(TIMED)
            with socket.create_connection(("127.0.0.1", party.port), 10) as client:
                client.sendall(crowd.REQUEST)
                client.recv(65536)
                answered = time.time()
            with open(party.log(), encoding="utf-8", errors="replace") as log:
                times.append(1000 * answered - int(log.readline()) / 1000)
            rests.append(party.rest_kib() / 1024)
        return {"requests": STARTS, "failed": 0, "status": 0, "start": statistics.median(times),
                "most": max(times), "rest": statistics.median(rests)}

    def notes(self, _medians):
        return [f"the median of {STARTS} starts in each round, and the slowest of them."]


@dataclass
class Duplex(Scenario):
    """One request after the other, whose body comes back while it goes up."""

    columns: tuple = (
        Column("back", "came back %", "{:.0f}", MORE), MIB_RATE, MIB_CPU, RSS)
    spread_of: str = "mib_cpu"

    def measure(self, party, ground, seconds):
        figures = watched(party, ground, lambda: self.exchange(party.port, seconds))
        mib = 2 * figures["requests"] * (duplex.SIZE >> 20)
        figures["mib_rate"] = mib / figures["seconds"] if mib else None
        figures["mib_cpu"] = 1e6 * figures["cpu_seconds"] / mib if mib else None
        return figures

    @staticmethod
    def exchange(port, seconds):
        """For so many seconds, or until one does not come back whole."""
        backs = []
        begin = time.monotonic()
        while time.monotonic() < begin + seconds and (not backs or backs[-1] == duplex.SIZE):
            backs.append(duplex.exchange(port))
        return {"requests": backs.count(duplex.SIZE), "seconds": time.monotonic() - begin,
                "back": 100 * min(backs) / duplex.SIZE, "load_cpu": 0}

    def wrong(self, _figures):
        return 0  # that a proxy cannot do it is what is shown

    def notes(self, _medians):
        return ["MiB/s: both ways together. Here the load is in the second figure of busy %. What"
                f" stood still for {duplex.PATIENCE:.0f} s has not come back."]


@dataclass
class Plan(Scenario):
    """Four calls in three steps, and a plain request, for comparison."""

    path: str = "/plan/7"
    only: tuple = ("hourglass",)

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
    Paced("paced", "small GET, 10,000 requests/s at random instants, 50 connections"),
    Bursts("bursts", "small GET, 10,000 requests/s, 50 at once, and again, each 10 ms",
           is_quick=False),
    Light("light", "small GET, 500 requests/s on 2 connections: latency added", is_quick=False),
    Never("never", f"an upstream that never answers, {NEVER_MS} ms, 512 connections", "/never",
          512),
    Never("never5000", "the same, 5000 connections", "/never", 5000, is_quick=False),
    Budgets("budgets", "the same, each client with a budget of its own, 300 to 1500 ms",
            is_quick=False),
    Workers("workers", "two workers on two cores, small GET, 10,000 requests/s", is_quick=False),
    Idle("idle", "many idle connections, and small GET on 64 others beside them", is_quick=False),
    Start("start", "from exec to the first answer"),
    Duplex("duplex", "64 MiB up and down at once in one request, one after the other"),
    Aborts("aborts", "clients that leave while their request is worked on"),
    Plan("plan", "four calls in three steps (only hourglass can), 64 connections"),
]
