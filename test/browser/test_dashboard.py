#!/usr/bin/python3
"""The admin listener's page, in a real browser.
usage: HOURGLASS_PROGRAM=build/release/hourglass test/browser/test_dashboard.py [unittest's options]
With SCREENSHOT=FILE.png, a picture of the page with real traffic is written there."""

import base64
import concurrent.futures
import os
import unittest

from selenium.webdriver.common.keys import Keys

from browser import Browser
from played import LE_MS, Played, call_of, call_totals, request_of, route_totals, upstream_now
from proxy import Proxy, program

browser = None
proxy = None

HOSTILE = """/"'><script>window.ran=1</script><img/src=x/onerror=window.ran=1>&amp;"""


def setUpModule():
    global browser, proxy
    proxy = Proxy(program())
    browser = Browser()


def tearDownModule():
    browser.stop()
    proxy.stop()


def rows():
    return browser.run("return [...document.querySelectorAll('#list .row')]"
                       ".map((row) => row.innerText)")


def saved():
    """How many 504s so much more time would have saved, from little to much."""
    return [row.split()[3] for row in browser.texts("#saved tbody tr")]


def picture():
    """Of the whole page, as it is."""
    return base64.b64decode(browser.devtools("Page.captureScreenshot", format="png")["data"])


class PlayedPage(unittest.TestCase):
    """With numbers that the test has made up."""

    def setUp(self):
        browser.look()
        self.played = Played(proxy.admin)
        self.addCleanup(self.played.stop)

    def open(self, fragment=""):
        browser.open(self.played.address + "/" + fragment)
        browser.wait_for_text("#status-text", "Live")

    def open_for_a_minute(self):
        self.open()
        self.played.uptime_ms += 60000
        browser.wait_for_text("#routes-note", "last minute")

    def test_without_any_request_it_says_so(self):
        self.played.routes = [route_totals("order", [call_totals("db", "db", [], 300)], [])]
        self.open()
        browser.wait_for_text("#requests-empty", "No request yet")
        browser.wait_for_text("#routes-empty", "No request yet")
        self.played.uptime_ms += 60000
        browser.wait_for_text("#routes-empty", "No request in this time")
        browser.choose("#window", "0")
        browser.wait_for_text("#routes-empty", "No request yet")
        self.assertEqual(browser.complaints(), [])

    def test_at_first_sight_all_since_the_start_is_shown_and_said_to_be_that(self):
        calls = [call_totals("db", "db", [300] * 3, 300, [30] * 2)]
        self.played.routes = [route_totals("order", calls, [310] * 3, timeouts={"call": 2})]
        self.open()
        browser.wait_for_text("#tiles", "504\n2\n67 % of 3")
        self.assertRegex(browser.text("#tiles-note"), "^504, budget used, lateness: since the start"
                         r", 10 min ago; the last minute can be told in \d+ s$")
        self.assertEqual(browser.text("#routes-note"), "times in ms, since the start, 10 min ago")
        self.assertIn("since the start", browser.text("#spending-note"))
        self.assertIn("Its 2 504s", browser.text("#spending-timeouts"))
        self.assertEqual(browser.text("#routes-empty"), "")
        self.played.uptime_ms += 60000
        browser.wait_for_text("#tiles", "504\n0\n")
        self.assertTrue(browser.text("#tiles-note").endswith(": last minute"))
        browser.choose("#window", "300000")
        browser.wait_for_text("#tiles", "504\n2\n67 % of 3")
        self.assertIn("; the last 5 min can be told in 4 min", browser.text("#tiles-note"))

    def test_a_time_in_which_the_page_did_not_look_is_not_said_to_be_shorter_than_it_was(self):
        self.played.routes = [route_totals("order", [], [40] * 50)]
        self.open()
        browser.choose("#window", "10000")
        self.played.uptime_ms += 60000
        browser.wait_for_text("#routes-note", "times in ms, last 6")

    def test_what_is_shown_is_what_happened_in_the_chosen_time(self):
        self.played.routes = [route_totals("order", [], [40] * 50)]
        self.open_for_a_minute()
        self.played.routes = [route_totals("order", [], [40] * 50 + [170] * 40)]
        browser.wait_for_text("#tiles", "of 40")
        # All 40 are in one bucket, from 100 to 200 ms, and it cannot be known where in it.
        cells = browser.text("#routes tbody tr").split()
        self.assertIn("150", cells)
        self.assertIn("199", cells)
        browser.choose("#window", "0")
        browser.wait_for_text("#routes-note", "since the start")
        self.assertIn("47", browser.text("#routes tbody tr").split())

    def test_a_proxy_that_has_been_started_anew_counts_from_nothing(self):
        self.played.routes = [route_totals("order", [], [40] * 500)]
        self.open_for_a_minute()
        self.played.routes = [route_totals("order", [], [40] * 3)]
        self.played.start_anew()
        browser.wait_for_text("#tiles", "0 % of 3")
        self.assertIn("since the start", browser.text("#tiles-note"))
        self.played.routes = [route_totals("order", [], [40] * 5)]
        browser.wait_for_text("#tiles", "0 % of 5")
        self.assertNotIn("-", browser.text("#tiles"))

    def test_a_proxy_that_runs_for_longer_than_the_one_before_has_been_started_anew_too(self):
        self.played.routes = [route_totals("order", [], [40] * 500)]
        self.open_for_a_minute()
        self.played.routes = [route_totals("order", [], [40] * 3)]
        self.played.start_anew(uptime_ms=self.played.uptime_ms + 30000)
        browser.wait_for_text("#tiles", "0 % of 3")
        self.assertIn("since the start", browser.text("#tiles-note"))

    def test_whose_time_the_504s_were_and_what_more_time_would_have_changed(self):
        late = [15, 18, 40, 90, 90, 150, 900]
        calls = [call_totals("db", "db", [300] * 20, 300, late,
                             outcomes={"ok": 10, "timeout": 7, "connect_timeout": 3}),
                 call_totals("ads", "ads", [50] * 20, 100, [10] * 5, optional=True)]
        self.played.routes = [route_totals(
            "order", calls, [320] * 40,
            timeouts={"call": 10, "infeasible": 3, "arrival": 1, "local": 0},
            whose={"call": 4, "client": 7, "default": 0, "max": 1, "proxy": 2, "drain": 0})]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#spending-title", "order")
        self.assertIn("Its 14 504s", browser.text("#spending-timeouts"))
        self.assertEqual(browser.text("#whose tbody").replace("\t", " ").split("\n"), [
            "The client’s budget 7 50 %", "An upstream: over its call’s own budget 4 29 %",
            "The proxy itself: it was late 2 14 %", "max of the route 1 7 %"])
        reasons = [row.split("\n") for row in browser.texts("#reasons tbody tr")]
        self.assertEqual([reason[0] for reason in reasons], ["call", "infeasible", "arrival"])
        self.assertTrue(reasons[0][-1].endswith("10 71 %"), reasons)
        self.assertEqual(saved(), ["2", "3", "5", "6"])
        self.assertIn("Known for 7 of 14 504s", browser.text("#spending-timeouts"))

    def test_a_late_proxy_says_so(self):
        self.played.routes = [route_totals("order", [], [40] * 9)]
        self.open()
        self.assertIn("Proxy itself late\n–", browser.text("#tiles"))
        self.played.loop_lag, self.played.deadline_lateness = [0.2] * 9 + [1.5], [0.4]
        browser.wait_for_text("#tiles", "≤ 2.0 ms")
        self.assertEqual(browser.all("#tiles .warn"), [])
        self.played.loop_lag, self.played.deadline_lateness = [0.2] * 9 + [1.5], [0.4, 70]
        browser.wait_for_text("#tiles .warn", "≤ 100 ms")
        self.assertIn("cutting a call", browser.text("#tiles .warn"))
        self.played.loop_lag = [90000]
        browser.wait_for_text("#tiles .warn", "> 60,000 ms")
        self.assertIn("in its event loop", browser.text("#tiles .warn"))

    def test_a_504_says_whose_time_it_was_and_that_the_proxy_was_late(self):
        late = [call_of("db", "ok", 0, 300, 120), call_of("api", "timeout", 120, 480, 517)]
        timely = [call_of("db", "timeout", 0, 300, 302)]
        drained = [call_of("db", "ok", 0, 300, 340)]
        ended = {"outcome": "timeout", "status": 504, "reason": "call"}
        self.played.routes = [route_totals("order", [], [40] * 9)]
        self.played.requests = [
            request_of("r1", calls=late, call="api", whose="proxy", **ended),
            request_of("r2", calls=timely, call="db", whose="client", **ended),
            request_of("r3", calls=timely, call="db", whose="call", **ended),
            request_of("r4", calls=drained), request_of("r5", "failed", 502, reason="failed")]
        self.open("#request=r1")
        browser.wait_for_text("#request-body", "Whose time it was – the proxy itself: it was late. "
                              "The proxy noticed that the time of call api was up 37 ms late.")
        self.assertIn("cut 37 ms late", browser.text("#request-body .ledger"))
        for name, said in (("r2", "Whose time it was – the client’s budget."),
                           ("r3", "Whose time it was – an upstream: over its call’s own budget."),
                           ("r4", "Answered")):
            browser.run(f"location.hash = '#request={name}'")
            browser.wait_for_text("#request-body", said)
            self.assertNotIn("late", browser.text("#request-body"))
        browser.press(Keys.ESCAPE)
        marks = [row.split("GET")[0].split("timeout", 1)[-1].strip() for row in rows()[:3]]
        self.assertEqual(marks, ["in api, the proxy was late", "in db, the client’s budget",
                                 "in db"])
        browser.choose("#filter-whose", "client")
        browser.wait(lambda: len(rows()) == 1, "only the client's")
        browser.choose("#filter-whose", "")
        browser.choose("#filter-reason", "failed")
        browser.wait(lambda: len(rows()) == 1 and "502" in rows()[0], "only what failed")
        self.assertEqual(self.played.queries[-1]["reason"], "failed")

    def test_a_504_of_two_late_calls_takes_the_answers_of_both(self):
        calls = [call_totals("stock", "stock", [300] * 10, 300, [30] * 10),
                 call_totals("price", "price", [300] * 10, 300, [70] * 6 + [150] * 4)]
        self.played.routes = [route_totals("order", calls, [320] * 10, timeouts={"call": 10})]
        self.open()
        browser.choose("#window", "0")
        browser.wait(lambda: browser.all("#saved"), "what more time would have changed")
        self.assertEqual(saved(), ["0", "0", "6", "10"])
        self.assertIn("Known for 10 of 10 504s", browser.text("#spending-timeouts"))

    def test_late_answers_of_requests_that_went_well_save_no_504(self):
        # Ten calls that another stood in for were late, and told how late; ten of 504s told nothing.
        calls = [call_totals("live", "live", [300] * 20, 300, [30] * 10,
                             outcomes={"ok": 0, "timeout": 20})]
        self.played.routes = [route_totals("order", calls, [320] * 20, timeouts={"call": 10})]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#spending-timeouts", "Nobody knows")

    def test_nobody_knows_what_more_time_would_have_changed_where_late_answers_are_not_read(self):
        self.played.routes = [route_totals("order", [call_totals("db", "db", [300] * 20, 300)],
                                           [320] * 20, timeouts={"call": 2})]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#spending-timeouts", "Nobody knows")

    def test_no_percentile_of_a_call_is_above_what_it_was_granted(self):
        # Buckets from 200 to 500 ms: without more knowledge, the 99th percentile would be 497.
        calls = [call_totals("db", "db", [295] * 100, 300)]
        self.played.routes = [route_totals("order", calls, [320] * 100)]
        self.open()
        browser.choose("#window", "0")
        browser.wait(lambda: browser.all("#spending-calls tbody tr"), "calls")
        cells = browser.texts("#spending-calls tbody tr:first-child td")
        self.assertEqual(cells[0], "300")
        self.assertEqual(cells[2], "300")
        few = [0] * (len(LE_MS) + 1)
        few[LE_MS.index(50)], few[LE_MS.index(500)] = 2, 98
        guess = ("return highest({ count: 100, sum: arguments[0], buckets: arguments[1] },"
                 " arguments[2])")
        self.assertAlmostEqual(browser.run(guess, 2 * 35 + 98 * 300, few, LE_MS), 300)
        self.assertEqual(browser.run(guess, 0, few, LE_MS), 200)
        few[0] = 200
        self.assertEqual(browser.run(guess.replace("100", "300"), 0, few, LE_MS), 500)

    def test_no_percentile_of_a_route_is_above_the_budget_that_was_kept(self):
        # Buckets from 1000 to 2000 ms: without more knowledge, the 99th percentile would be 1990.
        def cells():
            return browser.texts("#routes tbody tr:first-child td")

        self.played.routes = [route_totals("order", [], [1100] * 100)]
        self.open()
        browser.choose("#window", "0")
        browser.wait(lambda: len(cells()) > 6 and cells()[5] == "1,200", "the 99th percentile")
        self.assertEqual(cells()[6], "1,200")
        self.assertEqual(browser.all("#routes .word.bad"), [])
        self.played.routes = [route_totals("order", [], [1100] * 100 + [1300] * 100)]
        browser.wait(lambda: cells()[5] == "1,990", "the 99th percentile")
        self.assertEqual(len(browser.all("#routes .word.bad")), 1)

    def test_a_percentile_lies_within_its_bucket_in_proportion(self):
        self.open()
        # Ten values: five up to 10, four up to 20, one above all bounds.
        buckets = [0] * (len(LE_MS) + 1)
        buckets[LE_MS.index(10)], buckets[LE_MS.index(20)], buckets[-1] = 5, 4, 1
        quantiles = browser.run(
            "return [0.2, 0.5, 0.7, 0.9, 0.99].map((q) =>"
            " quantile({ buckets: arguments[0] }, arguments[1], q))", buckets, LE_MS)
        self.assertEqual(quantiles, [7, 10, 15, 20, LE_MS[-1]])
        nothing = "return Number.isNaN(quantile({ buckets: [0, 0] }, [1], 0.5))"
        self.assertTrue(browser.run(nothing))

    def test_the_calls_of_a_request_are_drawn_on_one_axis(self):
        calls = [call_of("db", "ok", 0, 300, 120),
                 call_of("api", "timeout", 120, 480, 480, queued_ms=240)]
        self.played.requests = [request_of("r1", "timeout", 504, 600, calls, reason="call",
                                           call="api", budget_ms=1200)]
        self.open()
        browser.wait(lambda: len(rows()) == 1, "a row")
        shapes = browser.run("""
            return [...document.querySelectorAll('#list .lane > *')].map((shape) => [
                shape.getAttribute('class'),
                parseFloat(shape.getAttribute('x') || shape.getAttribute('x1')),
                parseFloat(shape.getAttribute('width'))])""")
        axis = 1200 * 1.04
        expected = [["grant", 0, 300], ["use good", 0, 120], ["deadline", 1200, None],
                    ["grant", 120, 480], ["use bad", 120, 240], ["use bad", 360, 240],
                    ["deadline", 1200, None]]
        self.assertEqual([shape[0] for shape in shapes], [shape[0] for shape in expected])
        for (_, left, width), (_, begun, lasted) in zip(shapes, expected):
            self.assertAlmostEqual(left, begun / axis * 100, 2)
            if lasted is not None:
                self.assertAlmostEqual(width, lasted / axis * 100, 2)
        self.assertIn("504 timeout", rows()[0])
        self.assertIn("api timeout", rows()[0])

    def test_each_route_says_how_many_requests_it_has_in_flight(self):
        self.played.routes = [dict(route_totals("order", [], [40] * 9), in_flight=7)]
        self.open()
        browser.wait_for_text("#routes tbody tr > :nth-child(3)", "7")

    def test_routes_in_trouble_come_first_and_say_what_it_is(self):
        seen = dict(route_totals("seen", [], [40] * 20), mode="observe",
                    would_time_out={"call": 4, "local": 1})
        self.played.routes = [route_totals("busy", [], [40] * 90, client_gone=30), seen,
                              route_totals("broken", [], [40] * 9, failed=8, refused=1),
                              route_totals("late", [], [40] * 9, timeouts={"call": 1})]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#routes tbody", "8 failed, 1 refused")
        names = browser.texts("#routes tbody button")
        self.assertEqual(names, ["late", "broken", "seen", "busy"])
        self.assertIn("5 would be 504", browser.text("#routes tbody"))
        browser.look(width=390, height=844)
        self.assertIn("8 failed, 1 refused", browser.text("#routes tbody"))

    def test_of_very_many_routes_all_can_be_shown_and_hidden_again(self):
        self.played.routes = [route_totals(f"r{i}", [], [40] * 3) for i in range(100)]
        self.open()
        count = "return document.querySelectorAll('#routes tbody tr').length"
        browser.wait(lambda: browser.run(count) == 25, "25 rows")
        browser.click("#routes-all")
        browser.wait(lambda: browser.run(count) == 100, "100 rows")
        browser.click("#routes-all")
        browser.wait(lambda: browser.run(count) == 25, "25 rows again")

    def test_requests_that_no_route_took_have_a_line_when_there_were_any(self):
        self.played.routes = [route_totals("order", [], [40] * 9)]
        self.played.unrouted = {"ok": 0, "refused": 3}
        self.played.requests = [request_of("r1"), request_of("r2", "refused", 404, route=None,
                                                             path="/nowhere", budget_ms=0)]
        self.open_for_a_minute()
        browser.wait(lambda: len(rows()) == 2, "two rows")
        self.assertNotIn("no route", browser.text("#routes tbody"))
        self.played.unrouted = {"ok": 0, "refused": 5}
        browser.wait_for_text("#routes tbody tr:last-child", "2 refused")
        browser.wait_for_text("#tiles", "of 2")
        browser.click("#routes tbody tr:last-child button")
        browser.wait(lambda: len(rows()) == 1 and "/nowhere" in rows()[0], "only what had no route")
        self.assertEqual(self.played.queries[-1]["route"], "(none)")

    def test_an_observed_request_says_what_would_have_become_of_it(self):
        calls = [call_of("db", "ok", 0, 300, 900), call_of("ads", "ok", 900, 100, 20)]
        observed = {"mode": "observe", "calls": calls}
        self.played.routes = [dict(route_totals("order", [], [40] * 9), mode="observe")]
        self.played.requests = [
            request_of("r1", **observed, would="time_out", would_reason="call", would_call="db",
                       would_cut=["db"], would_skip=["ads"]),
            request_of("r2", **observed, would="go_on", would_cut=["ads"], would_skip=[]),
            request_of("r3", **observed, would="break_off", would_reason="local", would_cut=[],
                       would_skip=[])]
        self.open()
        browser.wait(lambda: len(rows()) == 3, "three rows")
        self.assertIn("would be 504 in db", rows()[0])
        self.assertNotIn("would", rows()[1])
        self.assertIn("would be broken off", rows()[2])
        browser.choose("#filter-would", "time_out")
        browser.wait(lambda: len(rows()) == 1, "one row")
        self.assertEqual(self.played.queries[-1]["would"], "time_out")
        browser.click("#list .row")
        browser.wait_for_text("#request-body", "it would have been answered 504: a call used up its "
                              "grant (db). Calls that would have been cut: db. Calls that would "
                              "have been skipped: ads.")
        browser.run("location.hash = '#request=r2'")
        browser.wait_for_text("#request-body", "it would have gone on. Calls that would have been "
                              "cut: ads.")
        ledger = browser.texts("#request-body .ledger tbody tr")
        self.assertEqual(["would have been cut" in row for row in ledger], [False, True])

    def test_what_would_be_is_only_asked_for_where_requests_are_observed(self):
        self.played.routes = [route_totals("order", [], [40] * 9)]
        self.open()
        browser.wait_for_text("#routes tbody", "order")
        self.assertEqual(browser.text("#filter-would"), "")

    def test_a_fragment_opens_a_request_and_one_that_is_not_kept_is_said_to_be_gone(self):
        self.played.requests = [request_of("first/one?", path="/order/1"), request_of("twice"),
                                request_of("twice")]
        self.open("#request=first%2Fone%3F")
        browser.wait_for_text("#request-body", "first/one?")
        self.assertIn("/order/1", browser.text("#request-body"))
        browser.run("location.hash = '#request=twice'")
        browser.wait_for_text("#request-title", "2 requests with one id")
        browser.run("location.hash = '#request=100%'")
        browser.wait_for_text("#request-body", "No request with the id 100%")
        browser.click("#request-close")
        browser.wait(lambda: browser.run("return location.hash") == "", "an address without it")

    def test_it_says_when_the_proxy_does_not_answer_and_goes_on_when_it_does(self):
        self.played.requests = [request_of("r1")]
        self.open()
        browser.wait(rows, "a row")
        self.played.is_silent = True
        browser.wait_for_text("#trouble", "cannot be reached")
        self.assertEqual(browser.text("#status-text"), "No answer")
        self.assertEqual(len(rows()), 1)
        self.played.is_silent = False
        browser.wait_for_text("#status-text", "Live")
        self.assertEqual(browser.text("#trouble"), "")

    def test_pause_asks_for_nothing_and_changes_nothing(self):
        self.open()
        browser.click("#pause")
        self.assertEqual(browser.one("#pause").get_attribute("aria-pressed"), "true")
        self.assertEqual(browser.text("#status-text"), "Paused")
        asked = len(self.played.queries)
        self.played.requests = [request_of("r1")]
        browser.run("return new Promise((resolve) => setTimeout(resolve, 2500))")
        self.assertLessEqual(len(self.played.queries), asked + 1)  # one may have been on its way
        self.assertEqual(rows(), [])
        browser.click("#pause")
        browser.wait(rows, "a row")

    def test_all_that_clients_can_choose_is_shown_as_text(self):
        calls = [call_of("db", HOSTILE, 0, 300, 120, upstream=HOSTILE)]
        names = ("whose", "path", "method", "client", "trace_id", "source", "route", "reason", "time")
        self.played.requests = [request_of(HOSTILE, HOSTILE, 200, calls=calls, call="db",
                                           termination="<b", **dict.fromkeys(names, HOSTILE))]
        self.played.routes = [route_totals(HOSTILE, [call_totals(HOSTILE, HOSTILE, [30], 300)],
                                           [40], timeouts={HOSTILE: 1, "constructor": 1},
                                           whose={HOSTILE: 1, "toString": 1})]
        self.played.upstreams = [upstream_now(HOSTILE)]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#list .target", HOSTILE)
        browser.wait_for_text("#routes tbody", HOSTILE)
        browser.click("#list .row")
        browser.wait_for_text("#request-body", HOSTILE)
        self.assertIsNone(browser.run("return window.ran"))
        self.assertEqual(browser.all("main script, main img, dialog script, dialog img"), [])
        self.assertEqual(browser.complaints(), [])

    def test_neither_scripts_nor_html_can_be_put_into_the_page(self):
        self.open()
        ran = browser.run("""
            const refused = [];
            const tries = {
                html: () => { document.body.innerHTML = '<img src=x onerror="window.ran=1">'; },
                script: () => {
                    const script = document.createElement('script');
                    script.textContent = 'window.ran = 1';
                    document.body.append(script);
                },
            };
            for (const [what, attempt] of Object.entries(tries))
                try { attempt(); } catch { refused.push(what); }
            return [window.ran, refused];""")
        self.assertEqual(ran, [None, ["html", "script"]])
        browser.complaints()  # which there are, this time


class Appearance(unittest.TestCase):
    """What can be seen, heard and reached; with made up numbers that show all there is to show."""

    def setUp(self):
        self.played = Played(proxy.admin)
        self.addCleanup(self.played.stop)
        calls = [call_totals("db", "db", [30] * 40 + [300] * 10, 300, [10, 60, 150])]
        self.played.routes = [
            route_totals("order", calls, [40] * 40 + [1300] * 10, failed=2,
                         timeouts={"call": 5, "infeasible": 1}),
            dict(route_totals("seen", calls, [40] * 9), mode="observe", in_flight=3,
                 would_time_out={"call": 2})]
        self.played.unrouted = {"refused": 4}
        self.played.upstreams = [dict(upstream_now("db"), queued=3)]
        ended = [("ok", 200), ("upstream_5xx", 503), ("timeout", 504), ("failed", 502),
                 ("refused", 404), ("client_gone", 499), ("cut", 200), ("overload", 503)]
        would = {"mode": "observe", "would": "time_out", "would_reason": "call",
                 "would_call": "ok", "would_cut": ["ok"], "would_skip": ["status"]}
        answered = ["ok", "timeout", "skipped", "cancelled", "status"]
        self.played.requests = [
            request_of("r-" + outcome, outcome, status, 1300, [
                call_of(each, each, 100 * i, 300, 90, queued_ms=20)
                for i, each in enumerate(answered)],
                call="timeout", reason="call",
                **(would if outcome == "ok" else {}))
            for outcome, status in ended]

    def open(self):
        browser.open(self.played.address + "/")
        browser.wait(lambda: len(rows()) == 8, "eight rows")
        browser.choose("#window", "0")
        browser.wait(lambda: browser.all("#saved"), "what more time would have changed")

    def expect_contrast(self):
        judged, pale = browser.pale()
        self.assertGreater(judged, 60)
        self.assertEqual(pale, [])

    def check_scheme(self, scheme):
        browser.look(color_scheme=scheme, reduced_motion="reduce")
        self.open()
        self.expect_contrast()
        browser.click("#list .row")
        browser.wait_for_text("#request-body", "Ledger")
        self.expect_contrast()
        browser.press(Keys.ESCAPE)
        self.played.is_silent = True
        browser.wait_for_text("#trouble", "cannot be reached")
        self.expect_contrast()

    def test_contrast_is_enough_in_light_colours(self):
        self.check_scheme("light")

    def test_contrast_is_enough_in_dark_colours(self):
        self.check_scheme("dark")
        ground = "return getComputedStyle(document.body).backgroundColor"
        self.assertEqual(browser.run(ground), "rgb(18, 21, 25)")

    def test_nothing_moves_for_those_who_want_no_motion(self):
        moving = "return getComputedStyle(document.getElementById('status-dot')).animationName"
        browser.look()
        self.open()
        self.assertEqual(browser.run(moving), "breathe")
        browser.look(reduced_motion="reduce")
        self.assertEqual(browser.run(moving), "none")

    def test_everything_that_can_be_used_has_a_name(self):
        browser.look()
        self.open()
        names = browser.names()
        self.assertEqual([role for role, name in names if not name.strip() and role != "table"], [])
        said = {name for _, name in names}
        self.assertLessEqual({"Show", "Pause", "Order", "Route", "Outcome", "Whose time", "Reason",
                              "Call", "Request id",
                              "Clear", "order"}, said)

    def test_on_a_phone_nothing_is_wider_than_the_screen(self):
        browser.look(width=390, height=844)
        self.open()
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 390)
        browser.click("#list .row")
        browser.wait_for_text("#request-body", "Ledger")
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 390)
        width = "return document.querySelector('dialog').scrollWidth"
        self.assertLessEqual(browser.run(width), 390)

    def test_the_keyboard_is_enough(self):
        focused = ("return document.activeElement.closest('[id], a, button').id ||"
                   " document.activeElement.className")
        outline = "return getComputedStyle(document.activeElement).outlineStyle"
        dialog = "const dialog = document.querySelector('dialog'); return dialog."
        browser.look()
        self.open()
        browser.press(Keys.TAB)
        self.assertEqual(browser.run(focused), "skip")
        browser.press(Keys.ENTER, Keys.TAB)
        self.assertEqual(browser.run(focused), "order")
        for _ in range(12):
            browser.press(Keys.TAB)
            self.assertNotEqual(browser.run(outline), "none")
            if browser.run(focused) == "row":
                break
        browser.wait_for_text("#requests-note", "held while you are in the list")
        browser.press(Keys.TAB, Keys.ENTER)
        browser.wait_for_text("#request-body", "r-upstream_5xx")
        self.assertTrue(browser.run(dialog + "contains(document.activeElement)"))
        browser.press(Keys.TAB)
        self.assertEqual(browser.run(focused), "request-close")
        browser.press(Keys.ESCAPE)
        browser.wait(lambda: not browser.run(dialog + "open"), "the dialog closes")
        self.assertIn("r-upstream_5xx", browser.run("return document.activeElement.href"))

    def test_filters_are_asked_of_the_proxy(self):
        browser.look()
        self.open()
        browser.choose("#filter-outcome", "failed")
        browser.wait(lambda: len(rows()) == 1, "one row")
        browser.choose("#filter-call", "db")
        browser.wait_for_text("#requests-empty", "No recent request is like that")
        browser.choose("#order", "newest")
        browser.wait(lambda: "worst" not in self.played.queries[-1], "another order")
        self.assertEqual(self.played.queries[-1],
                         {"limit": "60", "outcome": "failed", "call": "db"})
        browser.click("#filters [type=reset]")
        browser.wait(lambda: len(rows()) == 8, "all rows")
        self.assertEqual(self.played.queries[-1], {"limit": "60", "worst": "1"})


class RealPage(unittest.TestCase):
    """With a proxy that serves real requests."""

    def setUp(self):
        browser.look()

    def open(self, fragment=""):
        browser.open(proxy.admin + "/" + fragment)
        browser.wait_for_text("#status-text", "Live")

    def some_traffic(self, count=120):
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(proxy.ask, f"/order/{i}") for i in range(count)]
            asked += [clients.submit(proxy.ask, f"/{route}/{i}")
                      for route in ("page", "seen") for i in range(count // 4)]
            return [each.result()[0] for each in asked]

    def test_a_504_that_was_just_made_is_shown_found_and_opened(self):
        self.open()
        proxy.ask("/page/1")
        status, headers = proxy.ask("/late/77", X_Request_Timeout_Ms="1100",
                                    X_Request_Id="made-just-now")
        self.assertEqual(status, 504)
        browser.wait(lambda: any("/late/77" in row for row in rows()), "the row of the 504")
        row = next(row for row in rows() if "/late/77" in row)
        self.assertIn("504 timeout in sleeper", row)
        self.assertIn("of 1,100 ms", row)

        browser.choose("#filter-id", "made-just-now")
        browser.wait(lambda: len(rows()) == 1, "only that row")
        browser.click("#list .row")
        browser.wait_for_text("#request-body", headers["X-Request-Id"])
        self.assertEqual(browser.run("return location.hash"), "#request=made-just-now")
        cells = browser.texts("#request-body .ledger tbody tr > :nth-child(2) .word")
        self.assertEqual(cells, ["ok", "timeout"])
        said = browser.text("#request-body")
        self.assertIn("Call sleeper used up the 100 ms that it was granted", said)
        self.assertIn("an upstream: over its call’s own budget", said)
        self.assertIn("1,100 ms, from X-Request-Timeout-Ms", said)
        self.assertEqual(browser.complaints(), [])

    def test_filters_leave_only_what_they_name(self):
        proxy.ask("/page/1")
        proxy.ask("/order/1", X_Request_Timeout_Ms="60")
        proxy.ask("/order/2", X_Request_Timeout_Ms="1")
        self.open()
        for field, value, shown in (("route", "page", "/page/"),
                                    ("outcome", "timeout", "504 timeout"),
                                    ("call", "session", "session")):
            select = "#filter-" + field
            browser.wait(lambda: browser.all(f"{select} option[value={value}]"), value)
            browser.choose(select, value)
            browser.wait(lambda: rows() and all(shown in row for row in rows()), shown)
            browser.choose(select, "")

    def test_it_changes_by_itself_while_requests_are_made(self):
        self.open()
        browser.choose("#order", "newest")
        for i in range(3):
            proxy.ask(f"/page/live-{i}")
            browser.wait_for_text("#list .target", f"/page/live-{i}")
        browser.wait(lambda: "0" != browser.text("#tiles strong"), "a rate")

    def test_hostile_targets_and_ids_are_text(self):
        proxy.ask("/page" + HOSTILE, X_Request_Id="\"'><b>id</b>")
        self.open()
        browser.choose("#order", "newest")
        browser.wait_for_text("#list", "<script>window.ran=1</script>")
        browser.run("[...document.querySelectorAll('#list .row')].find((row) => "
                    "row.innerText.includes('<script>')).click()")
        browser.wait_for_text("#request-body", "<script>window.ran=1</script>")
        self.assertIsNone(browser.run("return window.ran"))
        self.assertEqual(browser.complaints(), [])

    def test_what_more_time_would_have_saved_is_what_a_late_upstream_took(self):
        # Its answers come 115 ms after the end of their grant, or a little later.
        for i in range(8):
            self.assertEqual(proxy.ask(f"/tardy/{i}")[0], 504)
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#routes tbody", "tardy")
        browser.click("#routes tbody button", "tardy")
        browser.wait_for_text("#spending-timeouts", "Known for 8 of 8 504s")
        self.assertEqual(saved()[:3], ["0", "0", "0"])
        self.assertGreaterEqual(int(saved()[3]), 4)  # all, but where this machine is very slow

    def test_requests_that_are_only_observed_say_what_would_have_been(self):
        self.assertEqual(proxy.ask("/seen/1")[0], 200)
        self.assertEqual(proxy.ask("/nowhere")[0], 404)
        self.open()
        browser.wait(lambda: any("would be 504 in tardy" in row for row in rows()), "a mark")
        browser.choose("#filter-would", "time_out")
        browser.wait(lambda: len(rows()) == 1, "only that row")
        browser.click("#list .row")
        browser.wait_for_text("#request-body", "it would have been answered 504: a call used up")
        browser.press(Keys.ESCAPE)
        browser.choose("#window", "0")
        browser.wait_for_text("#routes tbody tr:last-child", "no route")
        self.assertEqual(browser.complaints(), [])

    def expect_calls_one_after_another(self):
        begun = browser.run("""
            return requestsAnswer.requests
                .find((request) => request.route === 'order' && request.outcome === 'ok')
                .calls.map((call) => call.begun_ms)""")
        self.assertEqual(len(begun), 4)
        self.assertEqual(begun[1], begun[2])
        self.assertLess(begun[0], begun[1])
        self.assertLess(begun[2], begun[3])

    def test_the_picture_of_the_readme(self):
        self.open()
        statuses = self.some_traffic()
        self.assertIn(200, statuses)
        for i in range(4):
            self.assertEqual(proxy.ask(f"/order/{i}", X_Request_Timeout_Ms="120")[0], 504)
        browser.wait(lambda: "order" in browser.text("#spending-title"), "where the time goes")
        browser.wait(lambda: len(rows()) > 20, "rows")
        self.expect_calls_one_after_another()
        browser.choose("#window", "0")
        browser.wait_for_text("#spending-note", "since the start")
        browser.wait_for_text("#whose", "The client’s budget")
        browser.look(width=1200, height=1600)
        image = picture()
        self.assertGreater(len(image), 50000)
        if "SCREENSHOT" in os.environ:
            with open(os.environ["SCREENSHOT"], "wb") as file:
                file.write(image)


if __name__ == "__main__":
    unittest.main()
