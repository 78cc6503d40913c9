from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.figures.curves import Best, Curve, Entry, Heading, Panel, Scene
from tbcli.figures.paint.terminal import Window, draw_scene

DOTS = re.compile("[\u2801-\u28ff]")


def curve(values, *, run="r", name="loss", split="", x=None, **more) -> Curve:
    y = np.array(values, np.float64)
    last = float(y[-1]) if len(y) else math.nan
    at = np.arange(1.0, len(y) + 1) if x is None else np.array(x, float)
    return Curve(run, run, name, split, at, y, last=last, **more)


def scene(*panels: Panel, smooth: float = 0.0, heading: Heading | None = None) -> Scene:
    runs = dict.fromkeys(one.run for panel in panels for one in panel.curves)
    entries = tuple(Entry(run, run) for run in runs)
    return Scene(heading or Heading("mine", "training history"), panels, entries, smooth=smooth)


def drawn(
    *curves: Curve, width: int = 40, height: int = 13, label: str = "epoch", log: str = "", smooth: float = 0.0, **can
) -> list[str]:
    """Return the lines below the heading."""
    return draw_scene(scene(Panel("loss", curves, label, log), smooth=smooth), Window(width, height, **can))[1:]


def test_a_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    lines = drawn(curve([1, 2, 3, 4, 5]))
    assert lines[0] == "loss by epoch"
    field = [line for line in lines if "│" in line or "┤" in line]
    first = DOTS.search(field[-1])
    assert first is not None
    assert first.start() < 6
    assert len(field[0]) == 40
    assert DOTS.match(field[0][-1])
    assert lines[-1] == "loss 5"
    assert lines[-2].split() == ["2", "4", "5"]


def test_lines_are_told_apart_without_colour() -> None:
    lines = drawn(curve([5, 4, 3]), curve([1, 2, 3], split="validation", name="val_loss"), braille=False)
    text = "\n".join(lines[1:-3])
    assert "a" in text
    assert "b" in text
    assert lines[-1] == "a train 3   b validation 3"
    braille = "\n".join(drawn(curve([5, 4, 3]), curve([1, 2, 3], split="validation"))[1:-3])
    assert {"a", "b"} <= set(braille)
    assert DOTS.search(braille)


def test_a_line_that_another_covers_still_has_its_letter() -> None:
    lines = drawn(curve([1, 2, 3], run="one"), curve([1, 2, 3], run="two"), width=80)
    text = "\n".join(lines[1:-3])
    assert {"a", "b"} <= set(text)
    assert lines[-1] == "a one 3   b two 3"


def test_colours_wrap_the_same_characters() -> None:
    plain = drawn(curve([1, 2]), curve([2, 1], split="validation"))
    styles: set[str] = set()

    def paint(text: str, style: str) -> str:
        styles.add(style)
        return f"<{text}>"

    coloured = drawn(curve([1, 2]), curve([2, 1], split="validation"), paint=paint)
    assert [line.replace("<", "").replace(">", "").rstrip() for line in coloured] == plain
    assert {"bold", "dim", "cyan", "yellow"} <= styles


def test_ascii_has_nothing_else() -> None:
    lines = drawn(curve([1, 2, 3], name="naïve\x1b[31m"), braille=False)
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert lines[-1] == "na?ve?[31m 3"


@pytest.mark.parametrize("values", [[math.nan], [math.inf, -math.inf], []])
def test_what_cannot_be_shown_is_said(values) -> None:
    lines = drawn(curve(values))
    assert lines[1] == "no finite value"
    assert "no finite value" in lines[-1]


def test_a_gap_stays_a_gap_and_one_point_is_seen() -> None:
    lines = drawn(curve([1, math.nan, 1]), width=60)
    dots = sum(len(DOTS.findall(line)) for line in lines)
    assert dots == 2
    assert sum(len(DOTS.findall(line)) for line in drawn(curve([7]))) == 1


def test_a_logarithmic_axis_leaves_out_what_is_not_above_zero() -> None:
    lines = drawn(curve([0, 0.001, 0.1, 10]), log="y")
    assert lines[0] == "loss by epoch; y logarithmic"
    assert {"0.001", "0.1", "10"} <= {line.split()[0] for line in lines[1:] if line.split()}


def test_the_measured_values_stand_behind_what_is_smoothed() -> None:
    raw = np.array([1.0, 9.0, 1.0, 9.0])
    marked: list[str] = []

    def paint(text: str, style: str) -> str:
        marked.extend(text if style == "dim" else "")
        return text

    smooth = curve([4, 5, 4, 5], raw=(np.arange(1.0, 5), raw))
    lines = drawn(smooth, smooth=0.6, paint=paint, width=60)
    assert lines[0] == "loss by epoch; smoothed 0.6, dots as measured"
    assert any(DOTS.match(char) for char in marked)
    assert lines[2].startswith("8")  # the axis reaches as far as they do
    assert lines[-1] == "loss 5"


def test_charts_stand_side_by_side_where_there_is_room() -> None:
    both = scene(*(Panel(name, (curve([1, 2, 3]),), "step") for name in ("one", "two")))
    wide, narrow = draw_scene(both, Window(200, 21)), draw_scene(both, Window(80, 21))
    assert "one" in wide[1]
    assert "two" in wide[1]
    assert len(wide) == 21
    assert len(narrow) == 21
    assert "two" not in narrow[1]


@given(
    st.lists(st.lists(st.floats(), min_size=1, max_size=30), min_size=1, max_size=5),
    st.integers(30, 200),
    st.integers(7, 60),
    st.booleans(),
    st.sampled_from(["", "x", "y", "xy"]),
    st.text(max_size=80),
)
def test_any_numbers_and_names_fit_the_window(series, width, height, braille, log, name) -> None:
    curves = [curve(values, run=f"{name}{number}", name=name) for number, values in enumerate(series)]
    lines = drawn(*curves, width=width, height=height, braille=braille, log=log)
    assert all(len(line) <= width for line in lines)
    assert len(lines) <= max(height - 1, 7 + len(series))


def test_the_run_is_named_and_its_results_stay_on_a_narrow_window() -> None:
    heading = Heading("mine", "training history", "cnn on mnist", "20261122-120000-abcd", ("test accuracy 0.9",))
    one = Panel("loss", (curve([2, 1]),), "epoch")
    assert draw_scene(scene(one, heading=heading), Window(80))[0] == (
        "mine   cnn on mnist  ·  20261122-120000-abcd  ·  test accuracy 0.9"
    )
    assert draw_scene(scene(one, heading=heading), Window(40))[:2] == ["mine", "cnn on mnist  ·  test accuracy 0.9"]


def test_the_last_and_the_best_value_are_said() -> None:
    lines = drawn(curve([3, 1, 2], best=Best(2, 1, "epoch 2")))
    assert lines[-1] == "loss 2 (best 1 at epoch 2)"
    lines = drawn(curve([3, 1, math.nan], best=Best(2, 1, "epoch 2")))
    assert lines[-1] == "loss nan (best 1 at epoch 2)"
    lines = drawn(curve([3, 1], members=2, best=Best(2, 1, "epoch 2")), width=60)
    assert lines[-1] == "loss (n=2) 1 (best of the mean 1 at epoch 2)"


def test_letters_stand_on_points_that_were_measured() -> None:
    lines = drawn(curve([0, 0, 10, 10], run="one"), curve([5, 5, 5, 5], run="two"), width=60, height=20)
    field = [line[4:] for line in lines[1:-3]]
    width = max(map(len, field))
    measured = {round(share * (2 * width - 1)) // 2 for share in (0, 1 / 3, 2 / 3, 1)}
    columns = [column for line in field for column, char in enumerate(line) if char in "ab"]
    assert columns
    assert all(any(abs(column - near) <= 1 for near in measured) for column in columns)


@pytest.mark.parametrize("height", [0, 16, 23, 40])
@pytest.mark.parametrize("count", [2, 7, 13, 26])
def test_many_long_names_leave_room_for_the_curves(height: int, count: int) -> None:
    curves = [curve([count, number], run=f"experiment_with_a_rather_long_name_{number}") for number in range(count)]
    lines = drawn(*curves, width=80, height=height)
    field = [line for line in lines if "│" in line or "┤" in line]
    assert len(field) >= (height / 2 if height else 10)
    assert len(lines) < height or not height
    named = sum("experiment" in line for line in lines)
    if named < count:
        assert lines[-1].startswith(f"and {count - named} more curves: ")
    assert named == count or height
