"""Every figure has the size, the theme and the text that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tbcli.config import PlotConfig
from tbcli.errors import ConfigError
from tbcli.figures.calibration import draw_calibration
from tbcli.figures.colours import DARK
from tbcli.figures.difference import draw_difference, read_pair
from tbcli.figures.embedding import draw_features
from tbcli.figures.gallery import draw_mistakes
from tbcli.figures.gradients import draw_gradients
from tbcli.figures.matrix import draw_confusion
from tbcli.figures.precision_recall import draw_precision_recall
from tbcli.figures.roc import draw_roc
from tbcli.figures.style import Look, save_figure
from tbcli.figures.summary_page import draw_summary, read_summary
from tbcli.runs import Run
from tbcli.runs.evidence import read_features, read_mistakes, read_predictions
from tests.fakes import make_run
from tests.figures.test_gradients import health
from tests.runs.evidence import keep_evidence, predictions

RANDOM = np.random.default_rng(3)
NAMES = [f"a photograph of the animal with the number {number}" for number in range(12)]
Draw = Callable[[Run, Look], Figure]
KINDS: dict[str, Draw] = {
    "confusion": lambda run, look: draw_confusion(run, read_predictions(run), look=look),
    "pr": lambda run, look: draw_precision_recall(run, read_predictions(run), look=look),
    "roc": lambda run, look: draw_roc(run, read_predictions(run), look=look),
    "calibration": lambda run, look: draw_calibration(run, read_predictions(run), look=look),
    "embedding": lambda run, look: draw_features(run, read_features(run), look=look),
    "mistakes": lambda run, look: draw_mistakes(run, read_mistakes(run), look=look),
    "gradients": lambda run, look: draw_gradients(run, health(["conv1", "dense"]), look=look),
    "summary": lambda run, look: draw_summary(run, read_summary(run), look=look),
    "difference": lambda run, look: draw_difference(read_pair(run, run), look=look),
}
EACH = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = make_run(tmp_path_factory.mktemp("runs"), name="a name", files=False)
    told = predictions(np.arange(240) % 12, 12, names=NAMES, skill=2)
    pictures = RANDOM.integers(0, 256, (240, 8, 8, 1)).astype(np.uint8)
    keep_evidence(run, told, features=RANDOM.normal(size=(100, 6)).astype(np.float32), pictures=pictures)
    return run


@EACH
@pytest.mark.parametrize("size", [(9.0, 6.4), (12.0, 9.0)])
def test_a_figure_has_the_size_that_was_asked_for_and_its_text_stays_on_it(
    run: Run, kind: str, size: tuple[float, float]
) -> None:
    figure = KINDS[kind](run, Look(size=size))
    assert tuple(figure.get_size_inches()) == pytest.approx(size)
    for text in figure.texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1 + 1
        assert figure.bbox.y0 <= box.y0 + 1


@EACH
def test_a_size_without_room_is_a_usage_error_that_says_what_is_enough(run: Run, kind: str) -> None:
    with pytest.raises(ConfigError, match="--size 1x1 is too small") as caught:
        KINDS[kind](run, Look(size=(1.0, 1.0)))
    least = caught.value.hint.split("--size ")[1].rstrip("`")
    width, height = map(float, least.split("x"))
    KINDS[kind](run, Look(size=(width, height)))


@EACH
def test_a_dark_figure_is_dark_and_its_text_light(run: Run, kind: str) -> None:
    figure = KINDS[kind](run, Look(DARK))
    assert to_hex(figure.get_facecolor()) == DARK.paper
    assert all(to_hex(axes.get_facecolor()) == DARK.paper for axes in figure.axes)
    assert to_hex(figure.texts[0].get_color()) == DARK.ink


@EACH
def test_the_title_says_the_run_and_the_kind(run: Run, kind: str) -> None:
    title = KINDS[kind](run, Look()).texts[0].get_text()
    assert "a name" in title or "a-name" in title
    assert title.partition("  ·  ")[2]


def test_a_pdf_has_truetype_fonts_and_an_svg_has_text(run: Run, tmp_path: Path) -> None:
    for form in ("pdf", "svg"):
        save_figure(KINDS["confusion"](run, Look()), tmp_path / f"x.{form}", 40)
    assert b"/Type3" not in (tmp_path / "x.pdf").read_bytes()
    assert b"/FontFile2" in (tmp_path / "x.pdf").read_bytes()
    assert "confusion matrix</text>" in (tmp_path / "x.svg").read_text(encoding="utf-8")


def test_the_configuration_becomes_a_look() -> None:
    assert Look.of(PlotConfig(theme="dark", size="6.5x4")) == Look(DARK, (6.5, 4.0))


def test_a_heading_loses_the_middle_of_its_name_and_facts_go_the_id_first(tmp_path: Path) -> None:
    long = make_run(tmp_path, name="name " * 19, files=False)
    figure = draw_calibration(long, predictions(np.arange(60) % 3, 3), look=Look(size=(5, 5)))
    title, facts = (text.get_text() for text in figure.texts[:2])
    assert "…" in title
    assert title.endswith("  ·  calibration")
    assert long.id not in facts
    assert "ECE 0." in facts
