"""Gradient health: a line a layer, on scales that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tbcli.figures.gradients import draw_gradients, layer_styles
from tbcli.figures.style import save_figure
from tbcli.readers.gradient_health import GradientHealth
from tbcli.readers.series import Series
from tests.fakes import make_run


def curve(values: Sequence[float]) -> Series:
    steps = np.arange(1, len(values) + 1)
    return Series(".", "", steps, steps * 1.0, np.array(values, np.float64))


def health(layers: Sequence[str], values: Sequence[float] = (0.5, 0.2, 0.1), *, dead: bool = True) -> GradientHealth:
    curves = {layer: curve(np.array(values) * (1 + place)) for place, layer in enumerate(layers)}
    return GradientHealth(
        layers=tuple(layers),
        whole=curve(values),
        norms=curves,
        updates={layer: curve(np.array(values) * 1e-3) for layer in layers},
        dead={layers[0]: curve([0.0] * len(values))} if dead else {},
    )


def drawn(place: Path, told: GradientHealth) -> Figure:
    figure = draw_gradients(make_run(place, files=False), told)
    save_figure(figure, place / "x.png", 40)
    return figure


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_each_panel_has_a_line_a_layer_and_the_legend_names_them_in_order(tmp_path: Path) -> None:
    figure = drawn(tmp_path, health(["conv1", "relu1", "out"]))
    norms, updates, dead = figure.axes
    assert [axes.get_title(loc="left").split()[0] for axes in figure.axes] == ["Gradient", "Update-to-weight", "Dead"]
    assert len(norms.get_lines()) == 4
    assert list(norms.get_lines()[0].get_ydata()) == [0.5, 0.2, 0.1]
    assert len(updates.get_lines()) == 4  # and what is usual
    assert [norms.get_yscale(), updates.get_yscale(), dead.get_yscale()] == ["log", "log", "linear"]
    assert texts_of(figure)[2:] == ["all layers", "conv1", "relu1", "out"]


def test_a_layer_has_one_colour_in_all_panels(tmp_path: Path) -> None:
    figure = drawn(tmp_path, health(["conv1", "out"]))
    assert figure.axes[0].get_lines()[1].get_color() == figure.axes[2].get_lines()[0].get_color()


def test_panels_without_a_curve_are_left_out(tmp_path: Path) -> None:
    assert len(drawn(tmp_path, health(["dense"], dead=False)).axes) == 2


@pytest.mark.parametrize("values", [[np.nan, np.inf], [0.0, 0.0], [0.3], [1e-30, 1e30], [0.0, 1.0, np.nan]])
def test_values_of_every_kind_are_drawn_or_said_to_be_missing(tmp_path: Path, values: list[float]) -> None:
    figure = drawn(tmp_path, health(["dense"], values))  # a warning would be an error
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert ("no finite value" in said) == (not np.isfinite(values).any())


def test_two_hundred_layers_have_colours_by_depth_and_a_legend_that_has_room(tmp_path: Path) -> None:
    layers = [f"a_rather_long_name_of_a_block/$layer_{number}$" for number in range(200)]
    figure = drawn(tmp_path, health(layers))
    named = texts_of(figure)[2:]
    assert len(named) <= 24
    assert len(set(layer_styles(layers).values())) > 150
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
