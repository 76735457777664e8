#!/usr/bin/python3
"""The admin listener's page, in a real browser.
usage: HOURGLASS_PROGRAM=build/release/hourglass test/browser/test_dashboard.py [-v] [unittest's options]"""""

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
    return browser.run("return [...document.querySelectorAll('#list .row')].map((row) => row.innerText)")


class PlayedPage(unittest.TestCase):
    """With numbers that the test has made up."""

    def setUp(self):
        browser.look()
        self.played = Played(proxy.admin)
        self.addCleanup(self.played.stop)

    def open(self, fragment=""):
        browser.open(self.played.address + "/" + fragment)
        browser.wait_for_text("#status-text", "Live")

    def test_without_any_request_it_says_so(self):
        self.played.routes = [route_totals("order", [call_totals("db", "db", [], 300)], [])]
        self.open()
        browser.wait_for_text("#requests-empty", "No request yet")
        browser.wait_for_text("#routes-empty", "No request in this time")
        browser.choose("#window", "0")
        browser.wait_for_text("#routes-empty", "No request yet")
        self.assertEqual(browser.complaints(), [])

    def test_what_is_shown_is_what_happened_since_the_page_was_opened(self):
        self.played.routes = [route_totals("order", [call_totals("db", "db", [30] * 50, 300)], [40] * 50)]
        self.open()
        self.played.routes = [route_totals(
            "order", [call_totals("db", "db", [30] * 50 + [150] * 40, 300)], [40] * 50 + [170] * 40)]
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
        self.open()
        self.played.routes = [route_totals("order", [], [40] * 3)]
        self.played.uptime_ms = 1000
        browser.wait_for_text("#version", "up 2 s")
        self.played.routes = [route_totals("order", [], [40] * 5)]
        browser.wait_for_text("#tiles", "0 % of 2")
        self.assertNotIn("-", browser.text("#tiles"))

    def test_whose_time_the_504s_were_and_what_more_time_would_have_changed(self):
        late = [15, 18, 40, 90, 90, 150, 900]
        calls = [call_totals("db", "db", [300] * 20, 300, late),
                 call_totals("ads", "ads", [50] * 20, 100, [10] * 5, optional=True)]
        self.played.routes = [route_totals("order", calls, [320] * 40, timeouts={
            "call": 10, "infeasible": 3, "arrival": 1, "local": 0})]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#spending-title", "order")
        self.assertIn("Its 14 504s", browser.text("#spending-timeouts"))
        whose = browser.text("#whose tbody").split("\n")
        self.assertTrue(whose[0].startswith("An upstream"), whose)
        self.assertTrue(any("71 %" in line for line in whose), whose)
        self.assertIn("infeasible 3", browser.text("#whose"))
        saved = [row.text.split()[3] for row in browser.all("#saved tbody tr")]
        self.assertEqual(saved, ["2", "3", "5", "6"])
        self.assertIn("Known for 7 of 14 only", browser.text("#spending-timeouts"))

    def test_nobody_knows_what_more_time_would_have_changed_where_late_answers_are_not_read(self):
        self.played.routes = [route_totals("order", [call_totals("db", "db", [300] * 20, 300)],
                                           [320] * 20, timeouts={"call": 2})]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#spending-timeouts", "Nobody knows")

    def test_a_percentile_lies_within_its_bucket_in_proportion(self):
        self.open()
        # Ten values: five up to 10, four up to 20, one above all bounds.
        buckets = [0] * (len(LE_MS) + 1)
        buckets[LE_MS.index(10)], buckets[LE_MS.index(20)], buckets[-1] = 5, 4, 1
        quantiles = browser.run(
            "return [0.2, 0.5, 0.7, 0.9, 0.99].map((q) => quantile({ buckets: arguments[0] }, arguments[1], q))",
            buckets, LE_MS)
        self.assertEqual(quantiles, [7, 10, 15, 20, LE_MS[-1]])
        self.assertTrue(browser.run("return Number.isNaN(quantile({ buckets: [0, 0] }, [1], 0.5))"))

    def test_the_calls_of_a_request_are_drawn_on_one_axis(self):
        calls = [call_of("db", "ok", 0, 300, 120), call_of("api", "timeout", 120, 480, 480, queued_ms=240)]
        self.played.requests = [request_of("r1", "timeout", 504, 600, calls, reason="call", call="api",
                                           budget_ms=1200)]
        self.open()
        browser.wait(lambda: len(rows()) == 1, "a row")
        shapes = browser.run("""return [...document.querySelectorAll('#list .lane > *')].map((shape) =>
            [shape.getAttribute('class'), parseFloat(shape.getAttribute('x') || shape.getAttribute('x1')),
             parseFloat(shape.getAttribute('width'))])""")
        axis = 1200 * 1.04
        expected = [["grant", 0, 300], ["use good", 0, 120], ["deadline", 1200, None],
                    ["grant", 120, 480], ["use bad", 120, 240], ["use bad", 360, 240], ["deadline", 1200, None]]
        self.assertEqual([shape[0] for shape in shapes], [shape[0] for shape in expected])
        for (_, left, width), (_, begun, lasted) in zip(shapes, expected):
            self.assertAlmostEqual(left, begun / axis * 100, 2)
            if lasted is not None:
                self.assertAlmostEqual(width, lasted / axis * 100, 2)
        self.assertIn("504 timeout", rows()[0])
        self.assertIn("api timeout", rows()[0])

    def test_a_fragment_opens_a_request_and_one_that_is_not_kept_is_said_to_be_gone(self):
        self.played.requests = [request_of("first/one?", path="/order/1"), request_of("twice"), request_of("twice")]
        self.open("#request=first%2Fone%3F")
        browser.wait_for_text("#request-body", "first/one?")
        self.assertIn("/order/1", browser.text("#request-body"))
        browser.run("location.hash = '#request=twice'")
        browser.wait_for_text("#request-title", "2 requests with one id")
        browser.run("location.hash = '#request=100%'")
        browser.wait_for_text("#request-body", "No request with the id 100%")
        browser.one("#request-close").click()
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
        browser.one("#pause").click()
        self.assertEqual(browser.one("#pause").get_attribute("aria-pressed"), "true")
        self.assertEqual(browser.text("#status-text"), "Paused")
        asked = len(self.played.queries)
        self.played.requests = [request_of("r1")]
        browser.run("return new Promise((resolve) => setTimeout(resolve, 2500))")
        self.assertLessEqual(len(self.played.queries), asked + 1)  # one may have been on its way
        self.assertEqual(rows(), [])
        browser.one("#pause").click()
        browser.wait(rows, "a row")

    def test_all_that_clients_can_choose_is_shown_as_text(self):
        calls = [call_of("db", HOSTILE, 0, 300, 120, upstream=HOSTILE)]
        self.played.requests = [request_of(HOSTILE, HOSTILE, 200, calls=calls, path=HOSTILE, method=HOSTILE,
                                           client=HOSTILE, trace_id=HOSTILE, source=HOSTILE, route=HOSTILE,
                                           reason=HOSTILE, call="db", termination="<b", time=HOSTILE)]
        self.played.routes = [route_totals(HOSTILE, [call_totals(HOSTILE, HOSTILE, [30], 300)], [40],
                                           timeouts={HOSTILE: 1, "constructor": 1})]
        self.played.upstreams = [upstream_now(HOSTILE)]
        self.open()
        browser.choose("#window", "0")
        browser.wait_for_text("#list .target", HOSTILE)
        browser.wait_for_text("#routes tbody", HOSTILE)
        browser.one("#list .row").click()
        browser.wait_for_text("#request-body", HOSTILE)
        self.assertIsNone(browser.run("return window.ran"))
        self.assertEqual(browser.run("return document.querySelectorAll('main script, main img, dialog img').length"), 0)
        self.assertEqual(browser.complaints(), [])

    def test_neither_scripts_nor_html_can_be_put_into_the_page(self):
        self.open()
        ran = browser.run("""
            try { document.body.innerHTML = '<img src=x onerror="window.ran=1">'; } catch { window.refused = 1; }
            try { const script = document.createElement('script'); script.textContent = 'window.ran = 1';
                  document.body.append(script); } catch { window.refusedToo = 1; }
            return [window.ran, window.refused, window.refusedToo];""")
        self.assertEqual(ran, [None, 1, 1])
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
            dict(route_totals("seen", calls, [40] * 9), mode="observe")]
        self.played.upstreams = [dict(upstream_now("db"), queued=3)]
        ended = [("ok", 200), ("upstream_5xx", 503), ("timeout", 504), ("failed", 502), ("refused", 404),
                 ("client_gone", 499), ("cut", 200), ("overload", 503)]
        answered = ["ok", "timeout", "skipped", "cancelled", "status"]
        self.played.requests = [
            request_of("r-" + outcome, outcome, status, 1300, [
                call_of(each, each, 100 * i, 300, 90, queued_ms=20) for i, each in enumerate(answered)],
                call="timeout", reason="call")
            for outcome, status in ended]

    def open(self):
        browser.open(self.played.address + "/")
        browser.wait(lambda: len(rows()) == 8, "eight rows")
        browser.choose("#window", "0")
        browser.wait(lambda: browser.all("#saved"), "the table of what more time would have changed")

    def expect_contrast(self):
        judged, pale = browser.pale()
        self.assertGreater(judged, 60)
        self.assertEqual(pale, [])

    def check_scheme(self, scheme):
        browser.look(color_scheme=scheme, reduced_motion="reduce")
        self.open()
        self.expect_contrast()
        browser.one("#list .row").click()
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
        self.assertIn("rgb(18, 21, 25)", browser.run("return getComputedStyle(document.body).backgroundColor"))

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
        for name in ("Show", "Pause", "Order", "Route", "Outcome", "Call", "Request id", "Clear", "order"):
            self.assertIn(name, said)

    def test_on_a_phone_nothing_is_wider_than_the_screen(self):
        browser.look(width=390, height=844)
        self.open()
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 390)
        browser.one("#list .row").click()
        browser.wait_for_text("#request-body", "Ledger")
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 390)
        self.assertLessEqual(browser.run("return document.querySelector('dialog').scrollWidth"), 390)

    def test_the_keyboard_is_enough(self):
        focused = "return document.activeElement.closest('[id], a, button').id || document.activeElement.className"
        browser.look()
        self.open()
        browser.press(Keys.TAB)
        self.assertEqual(browser.run(focused), "skip")
        browser.press(Keys.ENTER, Keys.TAB)
        self.assertEqual(browser.run(focused), "order")
        for _ in range(12):
            browser.press(Keys.TAB)
            self.assertNotEqual(browser.run("return getComputedStyle(document.activeElement).outlineStyle"), "none")
            if browser.run(focused) == "row":
                break
        browser.wait_for_text("#requests-note", "held while you are in the list")
        browser.press(Keys.TAB, Keys.ENTER)
        browser.wait_for_text("#request-body", "r-upstream_5xx")
        self.assertTrue(browser.run("return document.querySelector('dialog').contains(document.activeElement)"))
        browser.press(Keys.TAB)
        self.assertEqual(browser.run(focused), "request-close")
        browser.press(Keys.ESCAPE)
        browser.wait(lambda: not browser.run("return document.querySelector('dialog').open"), "the dialog closes")
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
        self.assertEqual(self.played.queries[-1], {"limit": "60", "outcome": "failed", "call": "db"})
        browser.one("#filters [type=reset]").click()
        browser.wait(lambda: len(rows()) == 8, "all rows")
        self.assertEqual(self.played.queries[-1], {"limit": "60", "worst": "1"})


if __name__ == "__main__":
    unittest.main()
