"""What a person sees: the page that `tbcli serve` offers, in headless Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.fakes import make_run
from tests.serving.events import write_scalars
from tests.serving.process import Serving, serving

SECONDS = 60

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    run = make_run(tmp_path, files=False)
    write_scalars(run.logs / "train", {"epoch_loss": [0.5, 0.3, 0.2], "epoch_accuracy": [0.8, 0.9, 0.95]})
    write_scalars(run.logs / "validation", {"epoch_loss": [0.4, 0.3, 0.25], "epoch_accuracy": [0.85, 0.9, 0.93]})
    with serving(run.id, "--workspace", str(tmp_path), "--window-title", "One run") as started:
        yield started


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1400,1000",
    ):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.binary_location = shutil.which("chromium") or ""
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def test_the_curves_of_a_chosen_run_are_drawn_under_its_name(
    server: Serving, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    browser.get(server.url + "#timeseries")
    wait = WebDriverWait(browser, SECONDS)
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, "scalar-card path")) >= 4)
    (run,) = (path.name for path in (tmp_path / "logs").iterdir())
    text = browser.find_element(By.TAG_NAME, "body").text
    assert "epoch_accuracy" in text
    assert "epoch_loss" in text
    assert run in text
    assert browser.title == "One run"
    assert browser.save_screenshot(str(tmp_path / "timeseries.png"))
