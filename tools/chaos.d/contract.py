"""What the contract says of a budget: arithmetic, from its text alone. All times in ms."""

INFINITE = float("inf")


def expected_budget(ask):
    """(budget, source kind) or None where the request is refused."""
    route = ask.route
    if ask.malformed and route.malformed == "reject":
        return None
    if ask.asked_ms is None:
        return route.default_ms, "default"
    return min(ask.asked_ms, route.max_ms), "client"


def amount(value, whole):
    kind, number = value
    if kind == "fixed":
        return number
    if kind == "share":
        return whole * number / 100
    if kind == "auto":
        return max(1, min(whole * 0.02, 20))
    return INFINITE


class Budget:
    def __init__(self, route, asked, observed):
        self.route, self.observed = route, observed
        self.whole = route.max_ms if observed else asked
        self.reply = amount(route.reply, self.whole)
        self.local = self.reply if observed else self.scaled(route.local)
        self.reserve = max(self.local, self.reply)

    def scaled(self, value):
        shrinks = (self.route.scale == "proportional" and value[0] == "fixed"
                   and self.whole < self.route.default_ms)
        return amount(value, self.whole) * (self.whole / self.route.default_ms if shrinks else 1)

    def minima(self, first):
        """Kept back for the steps from the first on."""
        return sum(max((call.min_ms for call in step if not call.optional), default=0)
                   for step in self.route.steps[first:])

    def least(self):
        return self.reserve + self.minima(0)

    def available(self, index, at):
        """For the calls of a step that begins so long after the start."""
        return self.whole - at - self.reserve - self.minima(index + 1)

    def wish(self, call):
        return INFINITE if self.observed else max(self.scaled(call.budget), call.min_ms)

    def step_time(self, index, at):
        """How long the step may take: its required calls."""
        room = self.available(index, at)
        required = [call for call in self.route.steps[index] if not call.optional]
        wishes = [min(self.wish(call), room) for call in required]
        return max(wishes) if wishes else room

    def grant(self, call, index, at, step_at):
        """Of a call that begins then, in a step that has begun at step_at."""
        if call.optional:
            room = self.step_time(index, step_at) - (at - step_at)
        else:
            room = self.available(index, at)
        return min(self.wish(call), room)
