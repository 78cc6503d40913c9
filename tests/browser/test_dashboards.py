"""What a person sees: every dashboard of two trained runs, opened in headless Chromium and looked into.

The Profile tab is not among them: it comes with the package xprof, 400 MB that no other test needs. That `--profile`
leaves a trace where the tab looks for it is held by tests/cli/test_train_process.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.common.by import By

from tbcli.recorders.registry import RECORDERS
from tbcli.runs import Run
from tests.browser.page import Page
from tests.serving.process import Serving, serving
from tests.tiny import train_small

pytestmark = [pytest.mark.browser, pytest.mark.tf]

FULL = {"record.recorders": "full", "record.log_every": 3, "train.note": "seen by a person", "plot.automatic": False}
OTHER = {"record.recorders": "light", "train.optimizer": "sgd", "train.epochs": 1, "plot.automatic": False}
EPOCHS = 3
VALIDATION_SAMPLES = 60
CLASSES = 10
FEATURES = 128
OPEN_ALL = (
    "all('tf-category-paginated-view').filter(c => !c.opened).forEach(c => within(c, 'button.heading')[0].click());"
)


@dataclass(frozen=True)
class Shown:
    """A server and what it serves: one run with everything recorded, one with little."""

    server: Serving
    full: Run
    light: Run


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    workspace = tmp_path_factory.mktemp("two runs")
    full, light = train_small(workspace, FULL).run, train_small(workspace, OTHER).run
    with serving("--workspace", str(workspace), "--window-title", "Two runs") as server:
        yield Shown(server, full, light)


@pytest.fixture(scope="module")
def chromium(shown: Shown, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = Page(tmp_path_factory.mktemp("profile"), shown.server.url)
    try:
        yield page
    finally:
        page.driver.quit()


@pytest.fixture
def page(chromium: Page, tmp_path: Path) -> Iterator[Page]:
    """The browser; at the end of each test the page must not have complained. Its last sight is kept as a picture."""
    chromium.errors()
    yield chromium
    assert chromium.driver.save_screenshot(str(tmp_path / "seen.png"))
    assert chromium.errors() == []


def promised(plugin: str) -> list[str]:
    """Return how the tags begin that a dashboard must show."""
    promises = [promise for entry in RECORDERS.values() for promise in entry.promises if promise.dashboard == plugin]
    return [promise.tag for promise in promises if not promise.tasks or "classification" in promise.tasks]


def test_a_page_that_complains_is_noticed(chromium: Page) -> None:
    chromium.open("scalars")
    chromium.run("setTimeout(() => { throw new Error('seen') }); fetch('data/nowhere')")
    seen: list[str] = []
    chromium.wait_for("return true", lambda _: seen.extend(chromium.errors()) or len(seen) >= 2)
    assert sorted("nowhere" in message for message in seen) == [False, True]


def test_every_tab_but_profile_is_offered_and_the_title_is_ours(page: Page) -> None:
    page.open("scalars")
    tabs = page.wait_for("return all('.plugin-name, .mat-mdc-tab').map(text)", lambda tabs: len(set(tabs)) >= 11)
    for title in ("Time Series", "Scalars", "Custom Scalars", "Images", "Graphs", "Distributions", "Histograms",
                  "Text", "PR Curves", "HParams", "Projector"):  # fmt: skip
        assert title.lower() in {tab.lower() for tab in tabs}
    assert page.driver.title == "Two runs"


def test_time_series_draws_curves_and_pictures_under_the_runs_names(page: Page, shown: Shown) -> None:
    page.open("timeseries", query="?forceSVG=true")  # curves in a canvas could not be counted
    page.wait_for("return all('metrics-tag-filter input').length")
    field = page.driver.find_element(By.CSS_SELECTOR, "metrics-tag-filter input")
    field.send_keys("epoch_")
    lines = "return all('scalar-card').map(card => [text(card).split(' ')[0], drawn(card, 'line-chart path')])"
    cards = page.wait_for(lines, lambda cards: len(cards) >= 4 and all(count for _, count in cards))
    for tag in ("epoch_loss", "epoch_accuracy"):
        assert any(title.startswith(tag) for title, _ in cards)
    said = page.driver.find_element(By.TAG_NAME, "body").text.replace("\n", "")
    for run in (shown.full, shown.light):
        assert f"{run.id}/validation" in said
    field.clear()
    field.send_keys("confusion")
    sizes = "return all('image-card img').map(image => image.naturalWidth)"
    page.wait_for(sizes, lambda widths: len(widths) >= 2 and min(widths) > 0)


def test_scalars_draw_a_curve_for_each_run_that_has_one(page: Page) -> None:
    page.open("scalars&tagFilter=epoch_")
    lines = "return all('tf-scalar-card').map(card => [card.tag, drawn(card, 'path.line')])"
    single = "epoch_macro_f1"  # of the saved model alone
    cards = dict(page.wait_for(lines, lambda cards: len(cards) >= 4 and all(n for tag, n in cards if tag != single)))
    assert cards["epoch_loss"] >= 2  # of training and of validation; one epoch is a point and no line
    page.open("scalars&tagFilter=^(gradients|updates|dead_units)/")  # the first twelve are drawn, the others on demand
    page.wait_for(lines, lambda cards: len(cards) >= 12 and all(count for _, count in cards[:12]))


def test_custom_scalars_have_our_categories_and_no_chart_is_empty(page: Page) -> None:
    page.open("custom_scalars")
    lines = "return all('tf-custom-scalar-multi-line-chart-card').map(card => [card.title, drawn(card, 'path.line')])"
    cards = dict(page.wait_for(lines, lambda cards: len(cards) > 8 and all(count for _, count in cards)))
    assert cards["Loss: training and validation"] >= 2
    assert cards["Accuracy: training and validation"] >= 2
    names = page.run("return all('tf-category-paginated-view').map(c => c.category && c.category.name)")
    assert {"Training", "Gradient health", "System"} <= set(names)


def test_images_of_every_recorder_decode(page: Page) -> None:
    page.open("images")
    page.wait_for("return all('tf-image-loader').length")
    page.run(OPEN_ALL)
    sizes = "return all('tf-image-loader').map(card => [card.tag, within(card, 'img').map(i => i.naturalWidth)])"

    def decoded(cards: list[tuple[str, list[int]]]) -> bool:
        tags = {tag for tag, widths in cards if widths and min(widths) > 0}
        return len(tags) == len(dict(cards)) and all(any(tag.startswith(t) for tag in tags) for t in promised("images"))

    page.wait_for(sizes, decoded)


def choose(page: Page, item: str) -> None:
    """Choose from a menu of the graph's controls."""
    page.wait_for(f"return all('paper-item').some(i => text(i) === '{item}')")
    page.run(f"all('paper-item').find(i => text(i) === '{item}').click()")


NODES = "return all('g.node').map(node => node.dataset.name)"


def test_graphs_show_the_forward_pass_the_layers_and_the_training_step(page: Page, shown: Shown) -> None:
    page.open(f"graphs&run={shown.full.id}%2Ftrain")
    nodes = page.wait_for(NODES, lambda nodes: len(nodes) >= 3)
    assert "pixels" in nodes

    choose(page, "keras")
    layers = page.wait_for(NODES, lambda nodes: len(nodes) > 8 and "Identity" not in nodes)  # without opening the model
    assert any(layer.rpartition("/")[2] == "conv1" for layer in layers)

    choose(page, "train_step")
    nodes = page.wait_for(NODES, lambda nodes: "gradient_tape" in nodes)
    assert len(nodes) > 20


def test_distributions_draw_bands_of_weights_gradients_and_activations(page: Page) -> None:
    page.open("distributions")
    lines = "return all('vz-distribution-chart').map(chart => [drawn(chart, 'path.area'), drawn(chart, 'path.line')])"
    charts = page.wait_for(lines, lambda charts: len(charts) >= 12 and all(min(chart) for chart in charts))
    assert {tuple(chart) for chart in charts} == {(8, 8)}  # nine quantiles, eight bands between them
    names = page.run("return all('tf-category-paginated-view').map(c => c.category && c.category.name)")
    assert {"weights", "gradients", "activations"} <= set(names)


def test_histograms_draw_an_outline_for_each_epoch(page: Page) -> None:
    page.open("histograms")
    lines = "return all('vz-histogram-timeseries').map(chart => drawn(chart, 'path.outline'))"
    charts = page.wait_for(lines, lambda charts: len(charts) >= 12 and all(charts))
    assert set(charts) == {EPOCHS}


def test_text_shows_tables_with_the_model_the_data_and_a_row_for_each_class(page: Page) -> None:
    page.open("text")
    rows = (
        "return all('tf-text-loader')"
        ".map(card => [card.run, card.tag, within(card, 'tr').length, within(card, 'p, pre, td').map(text)])"
    )
    texts = page.wait_for(rows, lambda texts: len(texts) >= 12 and all(said for *_, said in texts))
    for tag in promised("text"):
        assert any(found.startswith(tag) for _, found, *_ in texts), tag
    row_counts = {tag: count for _, tag, count, _ in texts}
    assert row_counts["run/model"] > 8
    assert row_counts["run/report_test"] >= CLASSES + 1
    assert row_counts["data/class_balance"] >= CLASSES + 1
    assert "seen by a person" in next(" ".join(said) for _, tag, _, said in texts if tag == "run/note")


def test_pr_curves_draw_one_curve_for_each_class(page: Page) -> None:
    page.open("pr_curves")
    lines = "return all('tf-pr-curve-card').map(card => [card.tag, drawn(card, 'path.line')])"
    cards = page.wait_for(lines, lambda cards: len(cards) == CLASSES and all(count for _, count in cards))
    assert {tag for tag, _ in cards} == {f"pr_curves/{name}" for name in range(CLASSES)}


def test_hparams_compare_both_runs_in_a_table_and_in_parallel_coordinates(page: Page, shown: Shown) -> None:
    page.open("hparams")
    page.wait_for("return all('vaadin-grid').map(grid => grid.size)", lambda sizes: sizes == [2])
    cells = page.wait_for("return all('vaadin-grid-cell-content').map(text)", lambda cells: "sgd" in cells)
    assert {shown.full.id, shown.light.id, "adam", "sgd", "optimizer"} <= set(cells)  # what differs leads
    assert {"test accuracy", "validation accuracy", "train accuracy"} <= set(cells)
    for run in (shown.full, shown.light):
        shown_digits = f"{run.metrics['test_accuracy']:.5g}"
        assert any(cell.startswith(shown_digits) for cell in cells), shown_digits
    page.run("all('paper-tab').find(tab => /parallel/i.test(text(tab))).click()")
    lines = "return all('tf-hparams-parallel-coords-plot').map(plot => drawn(plot, '.foreground path'))"
    page.wait_for(lines, lambda plots: plots == [2])


def test_the_projector_draws_every_validation_sample_with_what_is_known_of_it(page: Page) -> None:
    page.open("projector")
    counted = [str(VALIDATION_SAMPLES), str(FEATURES)]
    page.wait_for("return all('.numDataPoints, .dim').map(text)", lambda said: said == counted)
    columns = page.wait_for(
        "return all('vz-projector-data-panel').flatMap(panel => within(panel, 'paper-item').map(text))"
    )
    assert {"label", "prediction", "correct", "index"} <= {column.split(" ")[0] for column in columns}

    def is_drawn(_: object) -> bool:
        page.driver.switch_to.default_content()
        with Image.open(io.BytesIO(page.driver.get_screenshot_as_png())) as sight:
            scene = sight.convert("L").crop((400, 200, 1000, 800))  # between the panels
        dark = sum(scene.histogram()[:64])
        return dark > 5_000  # thumbnails of digits are mostly black; the axes alone are a few hundred pixels

    page.wait_for("return true", is_drawn)
    page.driver.switch_to.default_content()
    colour = "return all('vz-projector-data-panel').map(panel => panel.selectedColorOptionName)"
    page.run("all('vz-projector-bookmark-panel')[0].loadSavedState(0)")
    page.wait_for(colour, lambda chosen: chosen == ["label"])
