"""A headless Chromium, and what tests ask of it. Nothing but this machine is reached."""

import json
import os
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PATIENCE = 15  # seconds, until something has to be so

# The text of a page whose contrast with what is behind it is too little (WCAG 2.1, 1.4.3), and
# bars and lines of pictures (1.4.11): as [ratio, what, colour, colour behind].
PALE = """
const parse = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\\d.]+/g).map(Number);
    return [red, green, blue, alpha];
};
const over = (front, back) =>
    [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
const luminance = (c) => [0, 1, 2].map((i) => c[i] / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ratio = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (light + 0.05) / (dark + 0.05);
};
const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement)
        layers.push(parse(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255, 1]);
};
const pale = [];
const judge = (element, colour, least, what) => {
    const back = behind(element);
    const front = parse(colour);
    front[3] *= Number(getComputedStyle(element).opacity);
    const found = ratio(over(front, back), back);
    if (found < least)
        pale.push([found.toFixed(2), what, colour, back.join(' ')]);
};
let judged = 0;
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility() ||
        element.matches('script, style, noscript'))
        continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    judge(element, colour, 4.5, texts.currentNode.data);
    judged++;
}
for (const bar of document.querySelectorAll('.use, .grant, .deadline')) {
    const style = getComputedStyle(bar);
    judge(bar, bar.matches('.use') ? style.fill : style.stroke, 3, bar.getAttribute('class'));
    judged++;
}
return [judged, pale];
"""


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu",
                         "hide-scrollbars", "disable-background-networking",
                         "disable-component-update", "no-first-run",
                         "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "lang=en"):
            options.add_argument("--" + argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        log = os.environ.get("CHROMEDRIVER_LOG", os.devnull)
        service = Service("/usr/bin/chromedriver", service_args=["--log-path=" + log])
        self.driver = webdriver.Chrome(service=service, options=options)
        self.look()

    def stop(self):
        self.driver.quit()

    # ---- how it is looked at

    def look(self, width=1280, height=1000, **features):
        """The size of the window, and what the person prefers: color_scheme, reduced_motion."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)
        media = [{"name": "prefers-" + name.replace("_", "-"), "value": value}
                 for name, value in {"color_scheme": "light", **features}.items()]
        self.devtools("Emulation.setEmulatedMedia", features=media)

    def devtools(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def open(self, url):
        self.driver.get("about:blank")  # what differs in its fragment only would not be loaded
        self.complaints()
        self.driver.get(url)

    def complaints(self):
        """What it has written to its console since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    # ---- what is there

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """As it can be seen: nothing of what is hidden, or is not there."""
        return self.run("const found = document.querySelector(arguments[0]);"
                        "return found?.checkVisibility() ? found.innerText : ''", selector)

    def texts(self, selector):
        """Of all that are there at one moment; element by element, the page may be drawn anew
        between two of them. Blanks in a row are one."""
        found = self.run("return [...document.querySelectorAll(arguments[0])]"
                         ".map((found) => found.innerText)", selector)
        return ["\n".join(" ".join(line.split()) for line in text.split("\n")) for text in found]

    def pale(self):
        return self.run(PALE)

    def names(self):
        """The role and the name of all that can be used, as those hear it who do not see."""
        nodes = self.devtools("Accessibility.getFullAXTree")["nodes"]
        used = ("button", "link", "combobox", "searchbox", "textbox", "dialog", "table")
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes
                if not node.get("ignored") and node["role"]["value"] in used]

    # ---- what is done

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def click(self, selector, text=""):
        """The first that has this text; again when the page was drawn anew before it was hit."""
        def hit():
            try:
                found = next(each for each in self.all(selector) if text in each.text)
                found.click()
            except StaleElementReferenceException:
                return False
            return True
        self.wait(hit, f"a click on {selector} {text}")

    def choose(self, selector, value):
        self.run("const field = document.querySelector(arguments[0]); field.value = arguments[1];"
                 "field.dispatchEvent(new Event('input', { bubbles: true }));"
                 "field.dispatchEvent(new Event('change', { bubbles: true }));", selector, value)

    def wait(self, question, what):
        """Until question() is true, which it returns."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = question()
            if answer:
                return answer
            if time.monotonic() > end:
                raise AssertionError(f"in vain: {what}\n{json.dumps(self.complaints(), indent=1)}")
            time.sleep(0.05)

    def wait_for_text(self, selector, text):
        return self.wait(lambda: text in self.text(selector), f"{text!r} in {selector}, which says "
                         f"{self.text(selector)!r}")
