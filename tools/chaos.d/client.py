"""Clients: connections that send what asks say, and read what comes, and note when."""

import asyncio
import socket
import struct
import time

from asks import body_pieces, head_bytes
from bodies import Message

now = time.monotonic
PATIENCE = 8  # seconds for an answer, beyond any budget and drain


class Client(asyncio.Protocol):
    def __init__(self):
        self.asks = []  # those that wait for their answer, in order
        self.news = asyncio.Event()
        self.closed = None  # "end" or "reset"
        self.spare = bytearray()
        self.paused = False

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=1 << 24)

    def connection_lost(self, error):
        self.closed = self.closed or ("reset" if error else "end")
        self.settle()

    def eof_received(self):
        self.closed = "end"
        self.settle()
        return False

    def data_received(self, data):
        while data:
            if not self.asks:
                self.spare += data
                return
            ask = self.asks[0]
            ask.first = ask.first or now()
            if ask.message is None:
                ask.message = Message(is_response=True, head_only=ask.method == "HEAD")
            ask.message.feed(data)
            data = b""
            if ask.message.whole:
                data = bytes(ask.message.bytes)
                ask.message.bytes.clear()
                self.end(ask, "whole")
        self.news.set()

    def settle(self):
        """The stream is over: so are all that wait."""
        while self.asks:
            ask = self.asks[0]
            if ask.message and ask.message.line:
                if self.closed == "end":
                    ask.message.end()
                self.end(ask, "whole" if ask.message.whole else "cut")
            else:
                self.end(ask, "closed" if self.closed == "end" else "reset")
        self.news.set()

    def end(self, ask, fate):
        ask.fate, ask.ended = ask.fate or fate, now()
        self.asks.pop(0)
        self.news.set()

    def leave(self, how):
        for ask in self.asks:
            ask.left, ask.left_how, ask.fate = now(), how, "left" if how != "half" else ""
        if how == "half":
            try:
                self.transport.write_eof()
            except (OSError, RuntimeError):
                pass
            return
        if how == "reset":
            sock = self.transport.get_extra_info("socket")
            if sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.abort()  # an orderly end, unless there is something to read


async def write(client, ask):
    """All of the request, at its pace. False: the connection is gone."""
    loop = asyncio.get_running_loop()
    head = head_bytes(ask)
    ask.begun = now()
    size = -(-len(head) // ask.head_pieces)
    for at in range(0, len(head), size):
        if at:
            await asyncio.sleep(ask.head_interval / 1000)
        if client.closed or ask.fate or ask.left:
            return False
        client.transport.write(head[at:at + size])
    ask.head_sent = now()
    if ask.expects and ask.version == "1.1":
        by = loop.time() + 0.3
        while not (ask.message or client.closed) and loop.time() < by:
            await asyncio.sleep(0.005)
    for number, piece in enumerate(body_pieces(ask)):
        if number:
            await asyncio.sleep(ask.body_interval / 1000)
        if client.closed or ask.fate or ask.left:
            return False
        client.transport.write(piece)
    ask.sent = now()
    return True


async def leave_later(client, ask):
    """Leaves when the ask says so, unless it is over by then."""
    event, after, how = ask.leave
    while not getattr(ask, event):
        if ask.fate or client.closed:
            return
        await asyncio.sleep(0.002)
    await asyncio.sleep(after / 1000)
    if not ask.fate and not client.closed:
        client.leave(how)


async def wait(client, ask):
    try:
        async with asyncio.timeout(PATIENCE):
            while not ask.ended and not (ask.fate == "left"):
                client.news.clear()
                await client.news.wait()
    except TimeoutError:
        ask.fate = "lost"


async def exchange(client, ask):
    tasks = []
    client.asks.append(ask)
    if ask.leave:
        tasks.append(asyncio.ensure_future(leave_later(client, ask)))
    if ask.pause_ms:
        client.transport.pause_reading()
        asyncio.get_running_loop().call_later(ask.pause_ms / 1000, resume, client)
    await write(client, ask)
    await wait(client, ask)
    for task in tasks:
        task.cancel()
    return ask.fate == "whole" and not ask.left


def resume(client):
    if not client.transport.is_closing():
        client.transport.resume_reading()


async def pipeline(client, asks):
    """All at once, answers as they come."""
    for ask in asks:
        ask.leave, ask.expects, ask.closes = None, False, False
        ask.head_pieces = ask.body_pieces = 1
        ask.version, ask.waits_behind = "1.1", ask is not asks[0]
        client.asks.append(ask)
        await write(client, ask)
    for ask in asks:
        await wait(client, ask)


def whole_request(client, ask):
    """May another request go out behind this one? Not when the request was answered early."""
    last = ask.message.get("connection") == "close" or ask.closes or ask.version == "1.0"
    return ask.sent and not last and not client.closed


async def visit(address, asks, pipelined):
    """One connection and its requests. Those that were not sent have the fate "unsent"."""
    loop = asyncio.get_running_loop()
    client = Client()
    try:
        if isinstance(address, str):
            await loop.create_unix_connection(lambda: client, address)
        else:
            await loop.create_connection(lambda: client, *address)
    except OSError:
        for ask in asks:
            ask.fate = "unsent"
        return client
    if pipelined:
        await pipeline(client, asks)
    else:
        for position, ask in enumerate(asks):
            ask.position = position
            if not await exchange(client, ask) or not whole_request(client, ask):
                break
    for ask in asks:
        if not ask.begun:
            ask.fate = "unsent"
    if not client.transport.is_closing():
        client.transport.close()
    return client
