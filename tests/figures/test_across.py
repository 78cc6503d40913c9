"""Figures of many runs and their settings: whatever these are, and however few."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from tbcli.config import PlotConfig
from tbcli.effects.factors import factors_of
from tbcli.effects.inquiry import inquire
from tbcli.errors import ConfigError, NotFound
from tbcli.figures.across import plot_across
from tbcli.figures.effect_bars import draw_effects
from tbcli.figures.kinds import ACROSS, chosen_kinds
from tbcli.figures.parallel import draw_parallel
from tbcli.figures.setting_axes import ABSENT_AT, SettingAxis
from tbcli.figures.slices import draw_slices
from tbcli.figures.style import Look, save_figure
from tbcli.loading import load_object
from tbcli.runs.summary import Metric, Summary
from tests.effects.planted import drawn, hill

SMALL = PlotConfig(dpi=40)
DRAWN: tuple[Callable[..., Figure], ...] = (draw_effects, draw_parallel, draw_slices)


def summaries(count: int) -> list[Summary]:
    rows, values = drawn(3, count, lambda row: hill(row) + 2 * (row["train.optimizer"] == "adam"))
    return [summary(f"r{i}", row, value) for i, (row, value) in enumerate(zip(rows, values, strict=True))]


def summary(name: str, settings: dict[str, Any], value: float) -> Summary:
    metrics = {"accuracy": Metric(value, None, value, is_series=False)}
    return Summary(name, name, metrics, {"status": "finished"}.get, lambda: settings)


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]


@pytest.mark.parametrize("count", [2, 60])
@pytest.mark.parametrize("draw", DRAWN)
def test_every_setting_is_named_however_few_runs_there_are(
    draw: Callable[..., Figure], count: int, tmp_path: Path
) -> None:
    inquiry = inquire(summaries(count), "accuracy")
    figure = draw(inquiry)
    save_figure(figure, tmp_path / "x.png", 40)
    said = " ".join(texts_of(figure))
    assert f"{count} runs" in said
    assert "higher is better" in said
    for one in inquiry.effects.settings:
        assert one.name.rpartition(".")[2] in said


@pytest.mark.parametrize("name", ACROSS)
def test_every_kind_names_a_function_that_there_is(name: str) -> None:
    assert load_object(ACROSS[name].draw) in DRAWN
    assert chosen_kinds([name]) == (name,)


def test_figures_of_single_runs_and_of_many_are_not_mixed() -> None:
    with pytest.raises(ConfigError, match="--kind slice shows what many runs have in common"):
        chosen_kinds(["slice,history"])
    assert not set(chosen_kinds(["all"])) & set(ACROSS)


def test_the_interaction_of_the_top_two_has_a_panel() -> None:
    rows, _ = drawn(5, 200, hill)
    values = [hill(row) * (row["train.optimizer"] == "adam") for row in rows]
    runs = [summary(f"r{i}", row, value) for i, (row, value) in enumerate(zip(rows, values, strict=True))]
    said = texts_of(draw_effects(inquire(runs, "accuracy")))
    assert any(text.startswith("together ") for text in said)
    assert {"adam", "sgd", "rmsprop"} <= set(said)


@pytest.mark.parametrize("draw", DRAWN)
def test_names_with_any_characters_and_many_values_are_drawn(draw: Callable[..., Figure], tmp_path: Path) -> None:
    rows = [{"a$b^_{c}": f"w{i % 15}\n$x$", "数": float(i % 7), "neg": -1.0 * i, "on": bool(i % 2)} for i in range(45)]
    runs = [summary(f"r{i}", row, float(i % 11)) for i, row in enumerate(rows)]
    save_figure(draw(inquire(runs, "accuracy")), tmp_path / "x.png", 40)


@pytest.mark.parametrize("draw", DRAWN)
def test_a_size_that_is_too_small_is_refused_with_the_least(draw: Callable[..., Figure]) -> None:
    with pytest.raises(ConfigError, match="is too small for this figure"):
        draw(inquire(summaries(30), "accuracy"), look=Look(size=(1.5, 1.5)))


@pytest.mark.parametrize("draw", DRAWN)
def test_names_that_differ_in_their_middle_stay_different(draw: Callable[..., Figure]) -> None:
    keys = [f"a/long/section/of_names/{letter}_regularization_strength_of_the_encoder" for letter in "pqr"]
    random = np.random.default_rng(0)
    rows = [{**{key: float(random.uniform()) for key in keys}, "kind": f"a kind of name {i % 30}"} for i in range(90)]
    runs = [summary(f"r{i}", row, float(random.normal())) for i, row in enumerate(rows)]
    said = {text for text in texts_of(draw(inquire(runs, "accuracy"))) if text}
    short = {text for text in said if re.search("(^|[/…])[pqr](_|…)", text)}
    assert len({letter for text in short for letter in re.findall("[/…]([pqr])[_…]", text)}) == 3
    assert not any(set(text) == {"…"} for text in said)


def test_what_cannot_be_told_has_no_share() -> None:
    said = texts_of(draw_slices(inquire(summaries(3), "accuracy")))
    assert "cannot tell: 3 runs are too few" in said


def test_numbers_stand_by_their_logarithm_where_they_are_spread_so() -> None:
    rows = [{"lr": 10.0**-power, "x": power} for power in (4, 3, 2, 1)] + [{"x": 5}]
    lr, x = (SettingAxis.of(factor) for factor in factors_of(rows, ["lr", "x"]))
    assert lr.places == pytest.approx(np.array([0, 1 / 3, 2 / 3, 1, ABSENT_AT]))
    assert [text for _, text in lr.ticks] == ["-", "0.0001", "0.001", "0.01", "0.1"]
    assert x.places == pytest.approx(np.array([3, 2, 1, 0, 4]) / 4)


def test_files_lie_below_the_plots_in_a_directory_of_these_runs(tmp_path: Path) -> None:
    result = plot_across(summaries(12), tuple(ACROSS), ["accuracy"], SMALL, plots_root=tmp_path)
    assert [picture.path.name for picture in result.pictures] == [
        "effects_accuracy.png", "parallel_accuracy.png", "slice_accuracy.png",
    ]  # fmt: skip
    assert len({picture.path.parent for picture in result.pictures}) == 1
    assert result.pictures[0].run_names == [f"r{i}" for i in range(12)]
    before = result.pictures[0].path.read_bytes()
    plot_across(summaries(12), ("effects",), ["accuracy"], SMALL, plots_root=tmp_path)
    assert result.pictures[0].path.read_bytes() == before


@pytest.mark.parametrize(
    ("runs", "metrics", "error", "told"),
    [
        (summaries(1), ["accuracy"], NotFound, "no setting varies over 1 run"),
        (summaries(5), ["accurac"], NotFound, "no run has 'accurac'"),
        (summaries(5), [], ConfigError, "--kind slice needs one --metric, not 0"),
        (summaries(5), ["a", "b"], ConfigError, "--kind slice needs one --metric, not 2"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    runs: list[Summary], metrics: list[str], error: type[Exception], told: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=told):
        plot_across(runs, ("slice",), metrics, SMALL, plots_root=tmp_path)
