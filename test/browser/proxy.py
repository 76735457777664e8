"""A hourglass that runs, with upstreams that it plays itself: one of them is late."""

import http.client
import os
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """
[proxy]
listen  = 127.0.0.1:{listen}
admin   = 127.0.0.1:{admin}
workers = 2
log     = off

[budget]
header  = X-Request-Timeout-Ms: ms
default = 1200ms

[upstream session]
url = http://127.0.0.1:{session}
[upstream stock]
url = http://127.0.0.1:{stock}
[upstream price]
url = http://127.0.0.1:{price}
[upstream orders]
url        = http://127.0.0.1:{orders}
on-expiry  = drain
drain-time = 1s
[upstream tardy]
url        = http://127.0.0.1:{tardy}
on-expiry  = drain
drain-time = 5s
[upstream sleeper]
url = http://127.0.0.1:{sleeper}

[route order]
match = /order/*
steps = session, stock + price, order
[call order.session]
upstream = session
request  = GET /session
budget   = 200ms
[call order.stock]
upstream = stock
request  = GET /stock
budget   = 300ms
[call order.price]
upstream = price
request  = GET /price
budget   = 200ms
optional = yes
[call order.order]
upstream = orders
budget   = 400ms

[route late]
match = /late/*
steps = session, sleeper
[call late.session]
upstream = session
request  = GET /session
[call late.sleeper]
upstream = sleeper
budget   = 100ms

[route page]
match    = /page/*
upstream = session
default  = 500ms

[route tardy]
match    = /tardy/*
steps    = tardy
[call tardy.tardy]
upstream = tardy
budget   = 100ms

[route seen]
match    = /seen/*
mode     = observe
steps    = tardy
[call seen.tardy]
upstream = tardy
budget   = 100ms

[stub session]
listen  = 127.0.0.1:{session}
latency = 20ms..40ms
[stub stock]
listen  = 127.0.0.1:{stock}
latency = lognormal(60ms, 280ms)
[stub price]
listen  = 127.0.0.1:{price}
latency = lognormal(60ms, 280ms)
[stub orders]
listen  = 127.0.0.1:{orders}
latency = lognormal(180ms, 700ms)
[stub tardy]
listen  = 127.0.0.1:{tardy}
latency = 215ms
[stub sleeper]
listen  = 127.0.0.1:{sleeper}
latency = 2s
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Proxy:
    def __init__(self, program):
        names = ("listen", "admin", "session", "stock", "price", "orders", "tardy", "sleeper")
        self.ports = dict(zip(names, free_ports(len(names))))
        self.file = tempfile.NamedTemporaryFile("w", suffix=".ini")
        self.file.write(CONFIGURATION.format(**self.ports))
        self.file.flush()
        self.process = subprocess.Popen([program, "-c", self.file.name], stderr=subprocess.DEVNULL)
        self.admin = "http://127.0.0.1:%d" % self.ports["admin"]
        self.await_ready()

    def await_ready(self):
        for _ in range(500):
            try:
                if self.ask("/readyz", port="admin")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError("hourglass did not start")

    def ask(self, target, port="listen", **headers):
        """GET; returns the status and the headers. Underscores in names of headers are hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=10)
        try:
            connection.request("GET", target, headers={
                name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            response.read()
            return response.status, response.headers
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.file.close()
        assert code == 0, f"hourglass ended with {code}"


def program():
    return os.environ.get("HOURGLASS_PROGRAM", "build/release/hourglass")
