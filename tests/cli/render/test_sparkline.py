from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.cli.render.sparkline import BARS, PLAIN_BARS, draw_sparkline


@pytest.mark.parametrize(
    ("values", "width", "bars"),
    [
        ([], 9, ""),
        ([1.0], 0, ""),
        ([1.0], 9, "▅"),
        ([2.0, 2.0], 9, "▅▅"),
        ([0.0, 1.0], 9, "▁█"),
        (list(range(8)), 8, BARS),
        (list(range(16)), 8, BARS),
        ([0.0, math.nan, 1.0], 9, "▁·█"),
        ([0.0, math.nan, 1.0, 1.0], 2, "▁█"),
        ([math.inf, math.nan], 9, "··"),
        ([-1e308, 1e308], 9, "▁█"),
    ],
)
def test_high_is_high_and_what_is_no_number_is_a_gap(values: list[float], width: int, bars: str) -> None:
    assert draw_sparkline(values, width) == bars


def test_a_stream_without_bars_gets_letters() -> None:
    assert draw_sparkline(list(range(8)), 8, encoding="ascii") == PLAIN_BARS
    assert draw_sparkline([0.0, math.nan], 8, encoding="latin-1") == "+?"
    assert draw_sparkline([math.nan], 8, encoding="no-such-encoding") == "?"


def test_the_largest_numbers_have_a_mean_too() -> None:
    assert draw_sparkline([0.0, 1e308, 1e308, 1e308], 2) == BARS[0] + BARS[-1]


@given(st.lists(st.floats(), max_size=50), st.integers(-2, 20))
def test_any_series_fits(values: list[float], width: int) -> None:
    assert len(draw_sparkline(values, width)) == max(0, min(width, len(values)))
