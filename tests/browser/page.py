"""TensorBoard's page in headless Chromium: opened, waited for, looked into through all its shadow roots and frames."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

PATIENCE_SECONDS = 40  # of a machine with two busy cores
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--window-size=1400,1000",
    # The projector draws with WebGL, which a machine without a graphics card has from this library alone.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
# TensorBoard is Angular around Polymer around D3: most of it stands in shadow roots, the projector in a frame.
_HELPERS = """
function gather(root, css, found) {
  for (const element of root ? root.querySelectorAll('*') : []) {
    if (element.matches(css)) found.push(element);
    if (element.shadowRoot) gather(element.shadowRoot, css, found);
    if (element.tagName === 'IFRAME') gather(element.contentDocument, css, found);
  }
  return found;
}
const all = css => gather(document, css, []);
const within = (element, css) => [...gather(element.shadowRoot, css, []), ...gather(element, css, [])];
const text = element => element.textContent.replace(/\\s+/g, ' ').trim();
const drawn = (element, css) => within(element, css).filter(path => /[LCHV]/.test(path.getAttribute('d') || '')).length;
"""


class Page:
    """The page of one server, in one browser.

    In scripts ``all(css)`` finds elements anywhere, ``within(element, css)`` below one, ``text(element)`` is what it
    says, and ``drawn(element, css)`` counts the paths below it that have at least one segment.
    """

    def __init__(self, profile: Path, url: str) -> None:
        options = webdriver.ChromeOptions()
        for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = shutil.which("chromium") or ""
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self._url = url

    def open(self, tab: str, *, query: str = "") -> None:
        """Load the page anew with a dashboard in front."""
        self.driver.get("about:blank")  # else only the hash would change
        self.driver.get(f"{self._url}{query}#{tab}")

    def run(self, script: str) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(_HELPERS + script)

    def wait_for(self, script: str, enough: Callable[[Any], object] = bool) -> Any:
        """Ask a script until its answer is enough; the last answer is in the failure."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.run(script)
            if enough(answer):
                return answer
            assert time.monotonic() < deadline, (script, answer)
            time.sleep(0.1)

    def errors(self) -> list[str]:
        """Return what the page has complained of since it was asked last: exceptions, and files that did not come."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
