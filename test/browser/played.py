"""A proxy that is only played: the page of a real one, with /routes and /requests as a test wants
them. So a test knows every number that the page should show."""

import json
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LE_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000]
LE_RATIO = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]
OUTCOMES = ["ok", "upstream_5xx", "timeout", "failed", "overload", "refused", "client_gone", "cut"]


def histogram(values, bounds=LE_MS, sum_name="sum_ms"):
    buckets = [0] * (len(bounds) + 1)
    for value in values:
        buckets[next((i for i, bound in enumerate(bounds) if value <= bound), len(bounds))] += 1
    return {"count": len(values), sum_name: sum(values), "buckets": buckets}


def call_totals(name, upstream, used, granted, late=(), optional=False, **others):
    return {
        "name": name, "upstream": upstream, "optional": optional,
        "outcomes": {"ok": len(used) - len(late), "timeout": len(late)},
        "granted": histogram([granted] * len(used)), "used": histogram(used),
        "left": histogram([granted - each for each in used]), "attempts": len(used),
        "late": histogram(list(late)), **others,
    }


def route_totals(name, calls, elapsed, budget=1200, timeouts=None, whose=None, **others):
    timeouts = timeouts or {}
    requests = dict.fromkeys(OUTCOMES, 0)
    requests.update(others, timeout=sum(timeouts.values()))
    requests["ok"] = len(elapsed) - sum(requests.values())
    return {
        "name": name, "match": f"GET /{name}/*", "mode": "enforce", "default_ms": budget,
        "max_ms": 30000, "in_flight": 0,
        "requests": requests, "timeouts": timeouts,
        "timeouts_whose": whose or {"call": sum(timeouts.values())}, "elapsed": histogram(elapsed),
        "budget": histogram([budget] * len(elapsed)),
        "used_ratio": histogram([each / budget for each in elapsed], LE_RATIO, "sum"),
        "local": histogram([0.1] * len(elapsed)), "calls": calls,
    }


def upstream_now(name, in_flight=0):
    return {"name": name, "in_flight": in_flight, "queued": 0, "connections": in_flight + 1,
            "retries": 0, "hedges": 0, "hedges_won": 0}


def call_of(name, outcome, begun, granted, used, **others):
    return {"name": name, "upstream": name, "outcome": outcome, "attempts": 1, "begun_ms": begun,
            "granted_ms": granted, "used_ms": used, "queued_ms": 0, **others}


def request_of(request_id, outcome="ok", status=200, elapsed=120.0, calls=(), **others):
    return {
        "time": "2026-11-22T14:11:50.123Z", "request_id": request_id,
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "client": "127.0.0.1", "route": "order",
        "method": "GET", "path": "/order/7", "status": status, "outcome": outcome,
        "termination": "--" if outcome == "ok" else "BH", "elapsed_ms": elapsed, "upload_ms": 0,
        "bytes_up": 0, "bytes_down": 32, "mode": "enforce", "budget_ms": 1200, "source": "default",
        "local_ms": 0.1, "queue_ms": 0, "calls": list(calls), **others,
    }


class Played:
    """On a port of its own. Change its attributes, and the page shows that within a second."""

    def __init__(self, page_address):
        self.page_address = page_address
        self.started_ms = 1795356710123
        self.uptime_ms = 600000
        self.routes = []
        self.unrouted = {}
        self.upstreams = []
        self.requests = []
        self.loop_lag = []
        self.deadline_lateness = []
        self.is_silent = False
        self.queries = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.address = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def start_anew(self, uptime_ms=0):
        """Another process, which has run for so long, and would have counted from nothing."""
        self.started_ms += self.uptime_ms + 500
        self.uptime_ms = uptime_ms

    def routes_answer(self):
        return {
            "time_ms": self.started_ms + self.uptime_ms, "uptime_ms": self.uptime_ms, "version": "0.1.0",
            "le_ms": LE_MS, "le_ratio": LE_RATIO,
            "process": {"workers": 2, "in_flight": 3, "connections": 5, "max_connections": 10000,
                        "memory_bytes": 1234567, "memory_max_bytes": 536870912,
                        "log_lines_dropped": 0, "loop_lag": histogram(self.loop_lag),
                        "deadline_lateness": histogram(self.deadline_lateness)},
            "unrouted": self.unrouted, "routes": self.routes, "upstreams": self.upstreams,
        }

    def requests_answer(self, query):
        def is_wanted(each):
            known = {"route": [each["route"] or "(none)"], "outcome": [each["outcome"]],
                     "id": [each["request_id"]], "call": [call["name"] for call in each["calls"]],
                     "would": [each.get("would")], "whose": [each.get("whose")],
                     "reason": [each.get("reason")]}
            return all(query[name] in known[name] for name in known if name in query)

        wanted = [each for each in self.requests if is_wanted(each)]
        return {"time_ms": 1795356710123, "kept": len(self.requests), "skipped": 0,
                "requests": wanted}

    def handler(played):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path, _, query = self.path.partition("?")
                if played.is_silent:
                    self.close_connection = True
                elif path == "/":
                    played.send_page(self)
                elif path == "/routes":
                    played.uptime_ms += 1000
                    self.send_json(played.routes_answer())
                elif path == "/requests":
                    asked = dict(urllib.parse.parse_qsl(query))
                    played.queries.append(asked)
                    self.send_json(played.requests_answer(asked))
                else:
                    self.send_error(404)

            def send_json(self, value):
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def send_page(self, handler):
        with urllib.request.urlopen(self.page_address + "/") as page:
            handler.send_response(page.status)
            for name in ("Content-Type", "Content-Length", "Content-Security-Policy",
                         "X-Content-Type-Options", "Referrer-Policy"):
                handler.send_header(name, page.headers[name])
            handler.end_headers()
            handler.wfile.write(page.read())
