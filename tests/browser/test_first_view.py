"""What a person sees first: three named runs in the prepared view, once, in headless Chromium."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.page import Page
from tests.fakes import make_run
from tests.serving.events import write_scalars
from tests.serving.process import serving

pytestmark = [pytest.mark.browser]

NAMES = {"first": "first", "Wide net": "wide-net", "größer": "grosser"}
PINS = "return all('metrics-pinned-view scalar-card tb-truncated-path').map(title => title.getAttribute('title'))"
SMOOTHING = "return all('metrics-dashboard-settings input.slider-input').map(field => field.value)[0]"
RUNS = """return all('runs-data-table tb-data-table-content-row').map(
    row => [text(row), within(row, '.run-color-swatch').map(swatch => getComputedStyle(swatch).backgroundColor)[0]])"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, str]]:
    """Serves three runs with a browser that has never been there."""
    workspace = tmp_path_factory.mktemp("three runs")
    for number, name in enumerate(NAMES):
        run = make_run(workspace, name=name, files=False)
        for split in ("train", "validation"):
            losses = [(number + 1) / (epoch + (split == "train")) for epoch in range(1, 8)]
            curves = {"epoch_loss": losses, "epoch_accuracy": [1 - loss / 4 for loss in losses], "epoch_other": losses}
            write_scalars(run.logs / split, curves)
    with serving("--workspace", str(workspace)) as server:
        page = Page(tmp_path_factory.mktemp("profile"), server.url)
        try:
            yield page, server.url
        finally:
            page.driver.quit()


def test_the_first_visit_shows_loss_and_accuracy_unsmoothed_in_one_colour_a_run_and_the_second_is_plain(
    shown: tuple[Page, str], tmp_path: Path
) -> None:
    page, url = shown
    page.driver.get(url)
    page.wait_for(PINS, lambda pins: sorted(pins) == ["epoch_accuracy", "epoch_loss"])
    page.wait_for("return all('metrics-pinned-view line-chart').length", lambda charts: charts == 2)
    assert page.wait_for(SMOOTHING) == "0"
    rows = page.wait_for(RUNS, lambda rows: len(rows) == 2 * len(NAMES))
    colours = {slug: {colour for name, colour in rows if f"-{slug}/" in name} for slug in NAMES.values()}
    assert all(len(found) == 1 for found in colours.values()), colours  # train and validation alike
    assert len(set.union(*colours.values())) == len(NAMES), colours
    assert page.driver.save_screenshot(str(tmp_path / "first.png"))

    page.driver.get("about:blank")
    page.driver.get(url)
    page.wait_for("return all('scalar-card').length")
    assert urllib.parse.urlsplit(page.driver.current_url).query == ""
    assert page.run(PINS) == []
    assert page.errors() == []
