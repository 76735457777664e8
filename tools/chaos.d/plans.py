"""A random configuration within what hourglass.ini(5) allows, and the same as objects."""

from dataclasses import dataclass, field

SAFE = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
BUDGET_FORMS = {"X-T-Ms": "ms", "X-T-S": "s", "X-T-Dur": "duration", "grpc-timeout": "grpc",
                "X-T-Epoch": "epoch-ms"}

# Of steps: how many calls each has.
SHAPES = [[1], [1, 1], [2], [1, 2], [2, 1], [1, 2, 1], [3], [2, 2], [1, 1, 1], [3, 2, 1]]


@dataclass
class Upstream:
    name: str
    connections: int
    queue: int
    tell: list  # of (header, format)
    drains: bool
    drain_ms: int
    retry_share: int
    hedge_share: int
    refuses: bool  # is not there now and then
    url: str = ""
    open_windows: list = field(default_factory=list)  # of (from, to) in which it refused


@dataclass
class Call:
    route: str
    name: str
    upstream: Upstream
    method: str | None = None  # None: the client's request passes through
    budget: tuple = ("rest", 0)  # fixed ms, share %, rest
    min_ms: float = 0
    optional: bool = False
    fallback: object = None  # None, "json", or a Call
    stands_in: object = None  # for this Call
    retries: int = 0
    retry_on: list = field(default_factory=lambda: ["connect", "timeout", "502", "503", "504"])
    attempt_ms: float | None = None
    backoff_ms: float = 5
    hedge: str | None = None
    own_body: bool = False
    uses: list = field(default_factory=list)  # (call name, what, default) in templates
    max_body: int = 1 << 20
    read: bool = False  # its body is kept, for a merge or a template

    @property
    def key(self):
        return f"{self.route}.{self.name}"


@dataclass
class Route:
    name: str
    steps: list  # of lists of Calls
    stand_ins: list
    answer: str
    default_ms: float
    max_ms: float
    local: tuple
    reply: tuple
    malformed: str
    scale: str
    mode: str
    half_close: str
    buffer_first: int
    expose: str
    short: bool = False

    def calls(self):
        return [call for step in self.steps for call in step] + self.stand_ins

    def call(self, name):
        return next((call for call in self.calls() if call.name == name), None)

    def passes_through(self):
        return [call for call in self.calls() if call.method is None]


@dataclass
class Plan:
    workers: int
    drain_ms: int
    header_ms: int
    upstreams: list
    routes: list
    unix: bool
    forms: list


def pick_upstream(dice, number):
    narrow = dice.random() < 0.25
    forms = dice.sample(["ms", "s", "duration", "grpc", "epoch-ms"], dice.choice([1, 1, 1, 2]))
    return Upstream(
        name=f"u{number}",
        connections=dice.choice([1, 2, 4]) if narrow else dice.choice([256, 1024]),
        queue=dice.choice([0, 2, 8, 1024]) if narrow else 1024,
        tell=[] if dice.random() < 0.1 else [(f"X-Left-{form}", form) for form in forms],
        drains=dice.random() < 0.3, drain_ms=dice.choice([100, 300, 1000]),
        retry_share=dice.choice([0, 20, 100, 100]), hedge_share=dice.choice([5, 100, 100]),
        refuses=dice.random() < 0.15)


def pick_limits(dice, call, default_ms):
    roll = dice.random()
    if roll < 0.35:
        call.budget = ("fixed", dice.randint(10, max(11, int(default_ms))))
    elif roll < 0.6:
        call.budget = ("share", dice.randint(10, 100))
    if dice.random() < 0.3:
        call.min_ms = dice.choice([1, 5, 20, 50])
    if dice.random() < 0.4:
        call.retries = dice.choice([1, 1, 2, 3])
        extra = dice.choice([[], ["500"], ["unsafe"], ["429", "503"], ["500", "unsafe"]])
        if extra:
            call.retry_on = sorted({"connect", "timeout", *extra})
        call.backoff_ms = dice.choice([1, 5, 20])
    if dice.random() < 0.3:
        call.attempt_ms = dice.randint(10, 300)
    if dice.random() < 0.25 and (call.method is None or call.method in SAFE):
        call.hedge = dice.choice(["10ms", "40ms", "100ms", "p50", "p95"])


def pick_use(dice, call, earlier):
    if not earlier or dice.random() < 0.4:
        return
    source = dice.choice(earlier)
    what = dice.choice(["status", "body/token", "header.x-token"])
    call.uses.append((source.name, what, source.optional or dice.random() < 0.5))
    if what.startswith("body"):
        source.read = True


def pick_call(dice, route, number, upstreams, default_ms, may_pass):
    call = Call(route, f"c{number}", dice.choice(upstreams))
    if not may_pass or dice.random() < 0.6:
        call.method = dice.choice(["GET", "GET", "GET", "POST", "PUT", "DELETE"])
        call.own_body = call.method in ("POST", "PUT")
    pick_limits(dice, call, default_ms)
    return call


def pick_steps(dice, name, upstreams, default_ms):
    shape = dice.choice(SHAPES)
    steps, number = [], 0
    for index, width in enumerate(shape):
        steps.append([])
        for _ in range(width):
            number += 1
            last = index == len(shape) - 1
            call = pick_call(dice, name, number, upstreams, default_ms, last or dice.random() < 0.2)
            call.optional = dice.random() < 0.3
            steps[-1].append(call)
    return steps


def pick_stand_ins(dice, name, steps, upstreams, default_ms, merge):
    made = []
    for call in [call for step in steps for call in step]:
        head = call
        while dice.random() < 0.2 and len(made) < 4:
            other = pick_call(dice, name, 20 + len(made), upstreams, default_ms,
                              call.method is None)
            if merge and other.method == "HEAD":
                other.method = "GET"
            call.fallback, other.stands_in, other.optional = other, call, head.optional
            other.read = head.read
            made.append(other)
            call = other
        if head.optional and call.fallback is None and dice.random() < 0.5:
            call.fallback = "json"
    return made


def pick_keys(dice):
    """What any route has."""
    return dict(
        default_ms=dice.choice([40, 100, 250, 600, 1200]), max_ms=dice.choice([1500, 2000, 3000]),
        local=dice.choice([("fixed", 0), ("fixed", 5), ("fixed", 20), ("share", 5), ("share", 30)]),
        reply=dice.choice([("auto", 0), ("auto", 0), ("fixed", 2), ("fixed", 15), ("share", 4)]),
        malformed=dice.choice(["default", "reject"]), scale=dice.choice(["cap", "proportional"]),
        mode=dice.choice(["enforce"] * 4 + ["observe"]),
        half_close=dice.choice(["abort", "abort", "continue"]),
        buffer_first=dice.choice([0, 0, 0, 1024, 65536]),
        expose=dice.choice(["ledger"] * 3 + ["reason", "none"]))


def pick_route(dice, number, upstreams):
    name, common = f"r{number}", pick_keys(dice)
    default_ms = common["default_ms"]
    if dice.random() < 0.2:
        upstream = dice.choice(upstreams)
        return Route(name=name, steps=[[Call(name, upstream.name, upstream)]], stand_ins=[],
                     answer=upstream.name, short=True, **common)
    steps = pick_steps(dice, name, upstreams, default_ms)
    merge = dice.random() < 0.25
    if merge:
        answer = "merge"
        for call in (call for step in steps for call in step):
            call.read = True
    else:
        answering = dice.choice(steps[-1])
        answering.optional, answer = False, answering.name
    stand_ins = pick_stand_ins(dice, name, steps, upstreams, default_ms, merge)
    for index, step in enumerate(steps):
        for call in step:
            pick_use(dice, call, [other for one in steps[:index] for other in one])
    for other in stand_ins:
        head = other
        while head.stands_in:
            head = head.stands_in
        other.read = head.read
    return Route(name=name, steps=steps, stand_ins=stand_ins, answer=answer, **common)


def pick_plan(dice):
    upstreams = [pick_upstream(dice, number) for number in range(dice.randint(1, 4))]
    routes = [pick_route(dice, number, upstreams) for number in range(dice.randint(2, 5))]
    return Plan(workers=dice.choice([1, 2]), drain_ms=dice.choice([300, 1000, 3000]),
                header_ms=dice.choice([150, 400, 5000]), upstreams=upstreams, routes=routes,
                unix=dice.random() < 0.25, forms=list(BUDGET_FORMS.items()))


def amount(value):
    kind, number = value
    return {"fixed": f"{number}ms", "share": f"{number}%"}.get(kind, kind)


def call_lines(call):
    yield f"[call {call.key}]"
    yield f"upstream = {call.upstream.name}"
    yield f"header = X-Call: {call.key}"
    if call.method:
        yield f"request = {call.method} /{call.route}/{call.name}/{{id}}"
        if call.own_body:
            yield 'body = {{"token": "{id}"}}'
    for number, (name, what, default) in enumerate(call.uses):
        yield f"header = X-Use-{number}: {{{name}.{what}{'|none' if default else ''}}}"
    if call.budget[0] != "rest":
        yield f"budget = {amount(call.budget)}"
    if call.min_ms:
        yield f"min = {call.min_ms}ms"
    if call.optional and not call.stands_in:
        yield "optional = yes"
    if call.fallback == "json":
        yield 'fallback = {"token": "gap"}'
    elif call.fallback:
        yield f"fallback = call {call.fallback.name}"
    if call.retries:
        yield f"retries = {call.retries}"
        yield f"retry-on = {', '.join(call.retry_on)}"
        yield f"backoff = {call.backoff_ms}ms"
    if call.attempt_ms:
        yield f"attempt = {call.attempt_ms}ms"
    if call.hedge:
        yield f"hedge = {call.hedge}"


def route_lines(route):
    yield f"[route {route.name}]"
    if route.short:
        yield f"match = /{route.name}/*"
        yield f"upstream = {route.steps[0][0].upstream.name}"
    else:
        yield f"match = /{route.name}/{{id}}"
        yield "steps = " + ", ".join(" + ".join(call.name for call in step) for step in route.steps)
        yield f"answer = {route.answer}"
    for key, value in (("default", f"{route.default_ms}ms"), ("max", f"{route.max_ms}ms"),
                       ("local", amount(route.local)), ("reply", amount(route.reply)),
                       ("malformed", route.malformed), ("scale", route.scale), ("mode", route.mode),
                       ("half-close", route.half_close), ("buffer-first", route.buffer_first or 0),
                       ("expose", route.expose)):
        yield f"{key} = {value}{'B' if key == 'buffer-first' and value else ''}"
    if not route.short:
        for call in route.calls():
            yield from call_lines(call)


def upstream_lines(upstream):
    yield f"[upstream {upstream.name}]"
    yield f"url = {upstream.url}"
    yield f"connections = {upstream.connections}"
    yield f"queue = {upstream.queue}"
    for header, form in upstream.tell:
        yield f"tell = {header}: {form}"
    if not upstream.tell:
        yield "tell = none"
    yield f"retry-budget = {upstream.retry_share}%"
    yield f"hedge-budget = {upstream.hedge_share}%"
    if upstream.drains:
        yield f"on-expiry = drain\ndrain-time = {upstream.drain_ms}ms"


def ini(plan, listen, admin):
    lines = ["[proxy]", f"listen = {listen}", f"admin = {admin}", f"workers = {plan.workers}",
             f"drain = {plan.drain_ms}ms", f"header-timeout = {plan.header_ms}ms",
             "idle-timeout = 1s", "log = ./log", "log-format = json", "recent = 10000", "[budget]"]
    lines += [f"header = {name}: {form}" for name, form in plan.forms]
    lines += ["default = 1s"]
    for upstream in plan.upstreams:
        lines += upstream_lines(upstream)
    for route in plan.routes:
        lines += route_lines(route)
    return "\n".join(lines) + "\n"
