"""What every scenario stands on: its columns, the upstreams, and the plain one."""

import time
import urllib.request
from dataclasses import dataclass, field

import load
from report import LESS, MORE, Column

REQUESTS = Column("rate", "requests/s", "{:,.0f}", MORE)
CPU = Column("cpu", "CPU us/request", "{:.1f}", LESS)
MIB_RATE = Column("mib_rate", "MiB/s", "{:,.0f}", MORE)
MIB_CPU = Column("mib_cpu", "CPU us/MiB", "{:,.0f}", LESS)
P50 = Column("p50", "p50 ms", "{:.2f}", LESS, 1000)
P99 = Column("p99", "p99 ms", "{:.2f}", LESS, 1000)
P999 = Column("p999", "p99.9 ms", "{:.2f}", LESS, 1000)
OPENED = Column("opened", "opened", "{:,.0f}")
EACH = Column("each", "KiB/request", "{:.1f}", LESS)
RSS = Column("rss", "peak RSS MiB", "{:.1f}", LESS)


@dataclass
class Ground:
    """What scenarios stand on: the upstreams beside the party that is measured."""

    scratch: str
    origin: object
    silent: object
    sink: object
    echo: object
    questions: int = 0

    def cpu_seconds(self):
        """Of all upstreams; all but the origin are threads of ours."""
        return self.origin.cpu_seconds() + time.process_time()

    def connections(self):
        """That the origin has accepted up to now, without the one of this question."""
        url = f"http://127.0.0.1:{self.origin.port}/status"
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.questions += 1
            return int(answer.read().split()[7]) - self.questions


def grown_kib(party, count):
    """How much more memory it has had at most than at rest, for each of so many."""
    return (1024 * party.peak_mib() - party.rest_kib()) / count


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
    only: tuple = ()  # the proxies that can do it, if not all can
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
