from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from tbcli.figures.charts import MOST_NAMES, draw_series
from tbcli.figures.colours import run_colours
from tbcli.figures.series import Chart, Curve, Gathered
from tbcli.figures.style import save_figure


def curve(values, *, run="r", name="loss", split="", **more) -> Curve:
    y = np.array(values, np.float64)
    return Curve(run, name, split, np.arange(1.0, len(y) + 1), y, **more)


def gathered(*curves: Curve, metric: str = "loss", label: str = "step") -> Gathered:
    return Gathered((Chart(metric, curves, label),), tuple(dict.fromkeys(one.run for one in curves)))


def test_train_and_validation_of_a_run_share_a_panel(tmp_path) -> None:
    pair = gathered(curve([3, 2, 1], split="train"), curve([4, 3, 2], split="validation"))
    figure = draw_series(pair, heading="mine")
    (axes,) = figure.axes
    train, validation = axes.lines
    assert (train.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert train.get_color() != validation.get_color()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "validation"]
    np.testing.assert_array_equal(train.get_ydata(), [3, 2, 1])


def test_several_runs_have_a_colour_each_and_a_legend_below() -> None:
    figure = draw_series(gathered(curve([1, 2], run="one"), curve([2, 1], run="two")), heading="both")
    first, second = figure.axes[0].lines
    assert first.get_color() != second.get_color()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two"]
    assert [line.get_color() for line in legend.get_lines()] == [first.get_color(), second.get_color()]


def test_a_legend_of_very_many_runs_ends() -> None:
    many = gathered(*(curve([1, number], run=f"run{number}") for number in range(MOST_NAMES + 5)))
    (legend,) = draw_series(many, heading="many").legends
    assert len(legend.get_texts()) == MOST_NAMES + 1
    assert legend.get_texts()[-1].get_text() == "and 5 more"


def test_a_group_is_a_line_with_a_band_and_a_note() -> None:
    y = np.array([1.0, 2.0])
    figure = draw_series(gathered(curve(y, run="g", band=(y - 0.5, y + 0.5), members=3)), heading="g")
    assert len(figure.axes[0].collections) == 1
    assert any("standard deviation" in text.get_text() for text in figure.texts)


def test_smoothed_curves_have_the_measured_behind_and_say_so() -> None:
    figure = draw_series(
        gathered(curve([1, 2], raw=(np.array([1.0, 2.0]), np.array([0.0, 9.0])))), heading="s", smooth=0.6
    )
    raw, smooth = figure.axes[0].lines
    assert raw.get_alpha() < 0.5
    assert smooth.get_alpha() is None
    assert any("smoothed 0.6 as in TensorBoard" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
@pytest.mark.parametrize(
    "values",
    [[1e-3, 1.0, 10.0], [0.0, 0.0, 0.0], [-1.0, np.nan, 2.0], [np.nan, np.inf, -np.inf], [1e300, 1e-300, 1.0], [5.0]],
)
def test_any_values_are_drawn_without_a_word_from_matplotlib(tmp_path, log, values) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_series(gathered(curve(values)), heading="h", log=log)
        save_figure(figure, tmp_path / "x.png", 40)
    scales = (figure.axes[0].get_xscale(), figure.axes[0].get_yscale())
    if any(0 < value < 1e100 for value in values):
        assert scales == ("log" if "x" in log else "linear", "log" if "y" in log else "linear")


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_names_are_never_typeset(tmp_path, form) -> None:
    odd = "$\\alpha$ <b> 損失 \x1b[31m" + "long " * 60
    many = gathered(curve([1, 2], run=odd, name=odd), curve([1, 2], run="two", name=odd), metric=odd)
    save_figure(draw_series(many, heading=odd, subheading=odd), tmp_path / f"x.{form}", 40)
    assert (tmp_path / f"x.{form}").stat().st_size > 1000


def test_a_run_of_ours_has_the_colour_of_its_history() -> None:
    both = replace(gathered(curve([1, 2], run="mine"), curve([2, 1], run="two")), ids={"mine": "20261122-1"})
    colours = run_colours(["20261122-1", "two"])
    first, second = draw_series(both, heading="both").axes[0].lines
    assert [first.get_color(), second.get_color()] == [colours["20261122-1"], colours["two"]]


def test_training_has_one_key_whoever_wrote_it() -> None:
    figure = draw_series(
        gathered(curve([1, 2], run="mine"), curve([2, 1], run="two", split="train"), curve([1], split="validation")),
        heading="both",
    )
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["train", "validation"]
