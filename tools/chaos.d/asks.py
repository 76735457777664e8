"""What clients ask for: random requests, with the scripts of the upstreams that serve them."""

import time
from dataclasses import dataclass, field

from bodies import body, chunks
from origin import Deed

METHODS = ["GET"] * 6 + ["HEAD", "POST", "POST", "POST", "PUT", "DELETE", "OPTIONS"]


@dataclass
class Ask:
    token: str
    route: object
    method: str
    version: str
    headers: list  # budget headers, as sent
    asked_ms: float | None  # None: no valid one
    malformed: int
    epoch: bool
    body_size: int | None
    chunked: bool
    expects: bool
    head_pieces: int
    head_interval: float
    body_pieces: int
    body_interval: float
    leave: tuple | None  # (what happens first, ms after it, how)
    pause_ms: float  # before it reads the answer
    closes: bool  # Connection: close
    # what happened
    begun: float = 0  # before its first byte was written
    head_sent: float = 0
    sent: float = 0  # after its last byte
    first: float = 0  # of the answer
    ended: float = 0
    left: float = 0
    left_how: str = ""
    fate: str = ""  # whole, cut, reset, closed (no byte), left, unsent
    message: object = None
    position: int = 0  # on its connection
    waits_behind: bool = False  # pipelined behind another
    late: float = 0
    notes: list = field(default_factory=list)


def spell(dice, form, ms):
    if form == "ms":
        return str(max(1, int(ms)))
    if form == "s":
        return f"{ms / 1000:.3f}"
    if form == "duration":
        return dice.choice([f"{ms:.3f}ms", f"{ms / 1000:.6f}s", f"{int(ms * 1000)}us"])
    if form == "grpc":
        return f"{int(ms)}m" if ms == int(ms) else f"{int(ms * 1000)}u"
    return spell_instant(ms)


def spell_instant(ms):
    return str(int(time.time() * 1000 + ms))


BAD = {"ms": ["", "abc", "1.5", "+5", "0x10", "1e3"], "s": ["abc", "+5", "1e3"],
       "duration": ["5", "5x", "+5ms"], "grpc": ["5", "5x", "1.5m"]}


def pick_budget(dice, forms):
    """(headers, asked in ms or None, how many malformed, from an instant)"""
    roll = dice.random()
    if roll < 0.15:
        return [], None, 0, False
    if roll < 0.19:
        name, form = dice.choice([pair for pair in forms if pair[1] in ("ms", "duration", "grpc")])
        value = {"ms": ["0", "-5"], "duration": ["0ms", "0s"], "grpc": ["0m"]}[form]
        return [(name, dice.choice(value))], 0, 0, False
    if roll < 0.23:
        name, form = dice.choice([pair for pair in forms if pair[1] in BAD])
        return [(name, dice.choice(BAD[form]))], None, 1, False
    if roll < 0.25:
        us = dice.choice([900, 500, 100])
        return [("X-T-Dur", f"{us}us")], us / 1000, 0, False
    if roll < 0.28:
        return [("X-T-Ms", dice.choice(["99999999999999999999", "100000"]))], 100000, 0, False
    many = dice.sample(forms[:4], dice.choice([1] * 8 + [2, 3]))
    if dice.random() < 0.08:
        many = [forms[4]]
    asked, headers = [], []
    for name, form in many:
        ms = float(int(min(2000, 5 * 2 ** dice.uniform(0, 8.7))))
        headers.append((name, spell(dice, form, ms)))
        asked.append(ms)
    return headers, min(asked), 0, many == [forms[4]]


def pick_leave(dice, scale):
    if dice.random() > 0.12:
        return None
    how = dice.choice(["close", "close", "reset", "half"])
    return (dice.choice(["begun", "sent", "sent", "first"]), dice.uniform(0, scale), how)


def pick_ask(dice, token, plan):
    route = dice.choice(plan.routes)
    method = dice.choice(METHODS)
    headers, asked, malformed, epoch = pick_budget(dice, plan.forms)
    scale = min(asked or route.default_ms, 2000)
    has_body = method in ("POST", "PUT") or dice.random() < 0.05
    size = dice.choice([0, 10, 500, 5000, 60000, 70000, 300000]) if has_body else None
    slow = has_body and dice.random() < 0.2
    slow_head = dice.random() < 0.05
    return Ask(token=token, route=route, method=method,
               version="1.0" if dice.random() < 0.04 else "1.1", headers=headers, asked_ms=asked,
               malformed=malformed, epoch=epoch, body_size=size,
               chunked=has_body and dice.random() < 0.4, expects=has_body and dice.random() < 0.1,
               head_pieces=dice.randint(2, 5) if slow_head else 1,
               head_interval=dice.uniform(1, scale / 2) if slow_head else 0,
               body_pieces=dice.randint(2, 6) if slow else 1,
               body_interval=dice.uniform(1, scale / 2) if slow else 0,
               leave=pick_leave(dice, scale),
               pause_ms=dice.uniform(5, min(scale, 600)) if dice.random() < 0.05 else 0,
               closes=dice.random() < 0.15)


def pick_deed(dice, scale):
    delays = [0, 0, 1, 5, scale * dice.uniform(0, 0.3), scale * dice.uniform(0, 1.3)]
    deed = Deed(delay=dice.choice(delays),
                size=dice.choice([0, 60, 60, 500, 5000, 70000, 300000]),
                framing=dice.choice(["length", "length", "chunked", "close"]))
    roll = dice.random()
    if roll < 0.18:
        deed.status = dice.choice([201, 204, 302, 401, 404, 429, 500, 500, 502, 503, 503, 504])
    elif roll < 0.36:
        deed.ends = dice.choice(["cut_head", "reset_head", "half_head", "never", "never", "garbage",
                                 "cut_body", "reset_body", "stall_body"])
    if dice.random() < 0.15:
        deed.pieces, deed.interval = dice.randint(2, 8), dice.uniform(0, scale / 5)
    deed.early = dice.random() < 0.1
    deed.interim = 1 if dice.random() < 0.05 else 0
    if deed.status in (429, 503) and dice.random() < 0.4:
        deed.retry_after = dice.choice([0, 1, 5])
    roll = dice.random()
    if roll < 0.1:
        deed.then = "say_close"
    elif roll < 0.2:
        deed.then, deed.drop_after = "drop", dice.choice([0, 1, 5, 30])
    return deed


def pick_scripts(dice, ask, board):
    scale = min(ask.asked_ms if ask.asked_ms else ask.route.default_ms, 2000)
    for call in ask.route.calls():
        deeds = [pick_deed(dice, scale) for _ in range(4)]
        if dice.random() < 0.5:
            deeds = [Deed(delay=dice.choice([0, 1, 3, scale / 20]))]
        board.scripts[(ask.token, call.key)] = deeds


def head_bytes(ask):
    lines = [f"{ask.method} /{ask.route.name}/{ask.token} HTTP/{ask.version}", "Host: chaos.test",
             f"X-Request-Id: {ask.token}", f"X-Token: {ask.token}"]
    if ask.epoch:  # an instant is of now
        ask.headers = [(ask.headers[0][0], spell_instant(ask.asked_ms))]
    lines += [f"{name}: {value}" for name, value in ask.headers]
    if ask.body_size is not None:
        lines.append(f"X-Up: {ask.body_size}")
        chunked = ask.chunked and ask.version == "1.1"
        length = len(body(ask.token, "up", ask.body_size))
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}")
        if ask.expects and ask.version == "1.1":
            lines.append("Expect: 100-continue")
    if ask.closes:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def body_pieces(ask):
    if ask.body_size is None:
        return []
    data = body(ask.token, "up", ask.body_size)
    if ask.chunked and ask.version == "1.1":
        made = chunks(data, ask.body_pieces)
        return made[:-1] + [made[-1] + b"0\r\n\r\n"]
    size = max(1, -(-len(data) // ask.body_pieces))
    return [data[i:i + size] for i in range(0, len(data), size)]
