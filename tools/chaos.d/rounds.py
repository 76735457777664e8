"""A round: one configuration, its upstreams, its clients, and the program between them."""

import asyncio
import os
import random
import signal
import time

import audit
import ledger
from asks import pick_ask, pick_scripts
from client import visit
from origin import Board, Origin
from plans import ini, pick_plan
from subject import HOST, Broken, Subject, accepts
from vigil import Vigil

MOST_PLANS = 500  # that the program may refuse, until one is accepted


class Round:
    def __init__(self, seed, chosen, folder):
        self.seed, self.chosen, self.folder = seed, chosen, folder
        self.dice = random.Random(seed)
        self.board = Board()
        self.origins, self.asks, self.problems, self.log = [], [], [], []
        self.lines = {}  # of the log, by token
        self.vigil = Vigil()
        self.over = self.storm = self.crashed = False
        self.metrics = None  # as text, by name: at rest, if there was one
        self.term_at = 0

    def problem(self, kind, ask, text):
        self.problems.append((kind, ask, text))

    async def prepare(self):
        """A plan that the program accepts, and its upstreams."""
        path = os.path.join(self.folder, "proxy.ini")
        for _ in range(MOST_PLANS):
            self.plan = pick_plan(self.dice)
            self.origins = [Origin(self.board, upstream, HOST) for upstream in self.plan.upstreams]
            for origin in self.origins:
                await origin.open()
            with open(path, "w", encoding="ascii") as file:
                listen = f"{HOST}:0" + (", unix:front" if self.plan.unix else "")
                file.write(ini(self.plan, listen, f"{HOST}:0"))
            if accepts(self.chosen.program, path):
                break
            self.close_origins()
        else:
            raise Broken(f"{self.chosen.program} has refused {MOST_PLANS} configurations")
        for route in self.plan.routes:
            if route.short:
                self.board.short_keys[route.name] = route.steps[0][0].key

    def close_origins(self):
        for origin in self.origins:
            origin.close()

    async def roam(self, number):
        """One client after another, each with a few requests."""
        dice = random.Random(self.seed * 1000 + number)
        count = 0
        while not self.over and not self.subject.has_ended():
            asks = []
            for _ in range(dice.choice([1, 1, 2, 4])):
                count += 1
                ask = pick_ask(dice, f"t{self.seed}-{number}-{count}", self.plan)
                pick_scripts(dice, ask, self.board)
                asks.append(ask)
            self.asks += asks
            address = self.subject.address
            if self.plan.unix and dice.random() < 0.5:
                address = os.path.join(self.folder, "front")
            await visit(address, asks, len(asks) > 1 and dice.random() < 0.15)
            await asyncio.sleep(dice.choice([0, 0, 0.01, 0.1]))

    async def drive(self):
        flaps = [asyncio.ensure_future(origin.flap(self.seed + number))
                 for number, origin in enumerate(self.origins) if origin.upstream.refuses]
        clients = [asyncio.ensure_future(self.roam(number))
                   for number in range(self.chosen.clients)]
        await asyncio.sleep(self.chosen.seconds / 2)
        self.subject.signal(self.dice.choice([signal.SIGHUP, signal.SIGUSR1]))
        await asyncio.sleep(self.chosen.seconds / 2)
        self.over, self.storm = True, self.dice.random() < 0.4
        if self.storm:
            await self.stop(clients, self.plan.drain_ms / 1000 + 1)
        await asyncio.gather(*clients)
        for flap in flaps:
            flap.cancel()
        if not self.storm:
            await asyncio.sleep(2.3)  # idle-timeout, and the longest answer that is drained
            await self.look()
            await self.stop([], 1)

    async def look(self):
        """Nothing is under way."""
        if self.subject.has_ended():
            return
        try:
            await ledger.look_at_rest(self)
        except OSError as error:
            self.problem("admin", None, f"the admin listener does not answer: {error}")

    async def stop(self, clients, limit):
        """By SIGTERM: within so many seconds, and with exit code 0."""
        self.term_at = time.monotonic()
        self.crashed = self.subject.has_ended()
        self.subject.signal(signal.SIGTERM)
        code, took = await self.subject.stop(limit + 14)
        await asyncio.gather(*clients)
        ledger.judge_stop(self, code, took, limit)

    async def run(self):
        self.vigil.start()  # before there are sockets that its process would hold too
        self.subject = Subject(self.chosen.program, self.folder)
        try:
            await self.prepare()
            await self.subject.start()
            await self.drive()
        finally:
            await self.subject.end()
            self.vigil.stop()
            self.close_origins()
        self.vigil.settle()
        if not self.crashed:  # of which the exit code says enough
            self.log = self.subject.log()
            ledger.judge_log(self)
            audit.judge_all(self)
