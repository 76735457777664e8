"""Upstreams that do as a script says, and write down what they have seen and when."""

import asyncio
import random
import socket
import struct
import time
from dataclasses import dataclass, field

from bodies import Message, body, chunks

now = time.monotonic
GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello"


@dataclass
class Deed:
    """What an upstream does with one attempt. Times in ms."""
    delay: float = 0
    status: int = 200
    size: int = 60
    framing: str = "length"  # chunked, close
    pieces: int = 1
    interval: float = 0  # between pieces
    ends: str = "well"  # cut_head reset_head half_head never garbage cut_body reset_body stall_body
    early: bool = False  # does not wait for the request's body
    interim: int = 0  # 1xx before it
    retry_after: int | None = None
    then: str = "keep"  # what becomes of the connection: keep, say_close, drop (silently, later)
    drop_after: float = 0

    def takes(self):
        return self.delay + self.interval * (self.pieces - 1)


@dataclass
class Attempt:
    token: str
    key: str
    number: int
    deed: Deed
    upstream: object
    method: str
    target: str
    headers: list
    connection: int
    on_reused: bool
    seen: float  # the head was read
    sent: float = 0  # the body was read
    body_ok: bool | None = None
    answered: float = 0  # the first byte of the final head was written
    done: float = 0  # the script is over
    closed: float = 0  # our connection was found closed, or we closed it
    closed_by_us: bool = False
    finished_well: bool = False
    drained: bool = False  # all that was written has gone to the kernel

    def get(self, name):
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Board:
    """What is to be done and what was seen, of all upstreams."""
    scripts: dict = field(default_factory=dict)  # (token, key) -> list of Deeds
    attempts: dict = field(default_factory=dict)  # token -> list of Attempts
    problems: list = field(default_factory=list)
    connections: set = field(default_factory=set)
    made: int = 0
    short_keys: dict = field(default_factory=dict)  # route -> key

    def deed(self, token, key, number):
        script = self.scripts.get((token, key)) or [Deed()]
        return script[min(number, len(script) - 1)]


class Connection(asyncio.Protocol):
    def __init__(self, board, upstream):
        self.board, self.upstream = board, upstream
        board.made += 1
        self.id, self.count = board.made, 0
        self.message, self.attempt, self.task = None, None, None
        self.gone = self.body_there = None

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=1 << 24)
        self.board.connections.add(self)
        self.gone = asyncio.get_running_loop().create_future()
        sock = transport.get_extra_info("socket")
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _):
        self.board.connections.discard(self)
        if self.attempt and not self.attempt.closed:
            self.attempt.closed = now()
        if not self.gone.done():
            self.gone.set_result(None)
        if self.task:
            self.task.cancel()

    def data_received(self, data):
        if self.message is None:
            self.message = Message(is_response=False)
        self.message.feed(data)
        if self.attempt is None and self.message.line:
            self.begin()
        if self.message.whole and self.attempt and not self.attempt.sent:
            self.on_request_whole()
            if self.attempt.finished_well:  # it was answered early
                self.message, self.attempt = None, None
                return
        if self.message.whole and self.message.bytes:
            self.board.problems.append(("bytes behind a request", self.attempt.token,
                                        bytes(self.message.bytes[:80])))

    def begin(self):
        message = self.message
        method, target, _ = message.line.split(" ")
        path = target.split("?")[0].split("/")
        token = message.get("x-token") or path[-1]
        key = message.get("x-call") or self.board.short_keys.get(path[1], "?")
        seen = self.board.attempts.setdefault(token, [])
        number = sum(1 for other in seen if other.key == key)
        deed = self.board.deed(token, key, number)
        self.attempt = Attempt(token, key, number, deed, self.upstream, method, target,
                               message.headers, self.id, self.count > 0, now())
        self.count += 1
        self.body_there = asyncio.get_running_loop().create_future()
        seen.append(self.attempt)
        self.task = asyncio.ensure_future(self.play(self.attempt))

    def on_request_whole(self):
        attempt = self.attempt
        attempt.sent = now()
        size = attempt.get("x-up")
        own = attempt.target.count("/") >= 3
        if not own and size is not None:
            attempt.body_ok = bytes(self.message.body) == body(attempt.token, "up", int(size))
        if not self.body_there.done():
            self.body_there.set_result(None)

    async def play(self, attempt):
        deed = attempt.deed
        try:
            if not deed.early:
                await self.body_there
            await asyncio.sleep(deed.delay / 1000)
            if self.transport.is_closing():
                return
            await self.answer(attempt, deed)
        except asyncio.CancelledError:
            return
        attempt.done = attempt.done or now()

    async def answer(self, attempt, deed):
        if deed.ends in ("cut_head", "reset_head"):
            return self.close(attempt, reset=deed.ends == "reset_head")
        if deed.ends == "never":
            return await self.gone
        for _ in range(deed.interim):
            self.transport.write(b"HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n")
        if deed.ends == "half_head":
            self.transport.write(b"HTTP/1.1 200 OK\r\nX-To")
            await asyncio.sleep(0.002)
            return self.close(attempt, reset=False)
        if deed.ends == "garbage":
            attempt.answered = now()
            self.transport.write(GARBAGE)
            return await self.gone
        await self.send(attempt, deed)

    @staticmethod
    def head(attempt, deed, length):
        """length: of the body, None if there can be none."""
        lines = [f"HTTP/1.1 {deed.status} Chaos", f"X-Token: {attempt.token}",
                 f"X-Answer: {attempt.key}.{attempt.number}", f"X-Size: {deed.size}",
                 "Content-Type: application/json"]
        if deed.retry_after is not None:
            lines.append(f"Retry-After: {deed.retry_after}")
        if deed.then == "say_close" or deed.framing == "close":
            lines.append("Connection: close")
        if deed.framing == "length" and length is not None:
            lines.append(f"Content-Length: {length}")
        elif deed.framing == "chunked" and length is not None:
            lines.append("Transfer-Encoding: chunked")
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    async def send(self, attempt, deed):
        data = body(attempt.token, f"{attempt.key}.{attempt.number}", deed.size)
        bodiless = deed.status in (204, 304)
        head = self.head(attempt, deed, None if bodiless else len(data))
        pieces = [] if attempt.method == "HEAD" or bodiless else self.pieces(deed, data)
        cut = deed.ends in ("cut_body", "reset_body", "stall_body")
        if cut:
            half = len(pieces) // 2
            pieces = pieces[:half] if half else [piece[:len(piece) // 2] for piece in pieces]
        attempt.answered = now()
        self.transport.write(head + (pieces[0] if pieces else b""))
        for piece in pieces[1:]:
            await asyncio.sleep(deed.interval / 1000)
            self.transport.write(piece)
        if cut and pieces:
            if deed.ends == "stall_body":
                return await self.gone
            await asyncio.sleep(0.002)
            return self.close(attempt, reset=deed.ends == "reset_body" or deed.framing == "close")
        self.finish(attempt, deed)

    @staticmethod
    def pieces(deed, data):
        if deed.framing == "chunked":
            made = chunks(data, deed.pieces)
            return made[:-1] + [made[-1] + b"0\r\n\r\n"]
        size = max(1, -(-len(data) // deed.pieces))
        return [data[i:i + size] for i in range(0, len(data), size)]

    def finish(self, attempt, deed):
        attempt.done, attempt.finished_well = now(), True
        attempt.drained = self.transport.get_write_buffer_size() == 0
        if deed.framing == "close" or deed.then == "say_close":
            return self.close(attempt, reset=False)
        if not self.message.whole:  # answered early: no telling where the request ends
            return None
        self.message, self.attempt = None, None
        if deed.then == "drop":
            asyncio.get_running_loop().call_later(deed.drop_after / 1000, self.drop)
        return None

    def drop(self):
        """The stale kept connection: it goes, whatever is under way on it."""
        if self.attempt is None:
            self.transport.close()

    def close(self, attempt, reset):
        attempt.done = attempt.done or now()
        attempt.closed_by_us, attempt.closed = True, now()
        if reset:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


class Origin:
    """One upstream: a listener, which may close for a while."""

    def __init__(self, board, upstream, address):
        self.board, self.upstream, self.address = board, upstream, address
        self.server, self.port = None, 0

    async def open(self):
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Connection(self.board, self.upstream),
                                               self.address, self.port, backlog=1024,
                                               reuse_address=True)
        self.port = self.server.sockets[0].getsockname()[1]
        self.upstream.url = f"http://{self.address}:{self.port}"

    def close(self):
        self.server.close()

    async def flap(self, seed):
        """Refuses now and then, until cancelled."""
        dice = random.Random(seed)
        while True:
            await asyncio.sleep(dice.uniform(0.2, 1.5))
            begun = now()
            self.close()
            await asyncio.sleep(dice.uniform(0.02, 0.3))
            await self.open()
            self.upstream.open_windows.append((begun, now()))
