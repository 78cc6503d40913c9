from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.figures.paint.ticks import plain, ticks


def texts(low: float, high: float, most: int, **how: bool) -> list[str]:
    return [tick.text for tick in ticks(low, high, most, **how)]


@pytest.mark.parametrize(
    ("low", "high", "most", "how", "expected"),
    [
        (0.0, 1.0, 6, {}, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.919, 0.989, 4, {}, ["0.92", "0.94", "0.96", "0.98"]),
        (-1.0, 1.0, 3, {}, ["-1", "0", "1"]),
        (1, 5, 8, {"counted": True}, ["1", "2", "3", "4", "5"]),
        (0, 999_999, 6, {"counted": True}, ["0", "200k", "400k", "600k", "800k"]),
        (0, 3e6, 4, {"counted": True}, ["0", "1M", "2M", "3M"]),
        (1, 1, 4, {"counted": True}, ["1"]),
        (1e-5, 2e-5, 3, {}, ["1e-5", "1.5e-5", "2e-5"]),
        (1e-4, 1.0, 5, {"log": True}, ["1e-4", "0.001", "0.01", "0.1", "1"]),
        (0.05, 0.3, 5, {"log": True}, ["0.05", "0.1", "0.2"]),
        (2.0, 4.0, 3, {"log": True}, ["2", "3", "4"]),
        (1e6, 3e6, 3, {}, ["1e6", "2e6", "3e6"]),
    ],
)
def test_an_axis_has_round_numbers(low, high, most, how, expected) -> None:
    assert texts(low, high, most, **how) == expected


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(2, 9), st.booleans())
def test_an_axis_is_never_crowded_and_its_numbers_differ(low, span, most, counted) -> None:
    marks = ticks(low, low + span, most, counted=counted)
    assert len(marks) <= most
    assert all(low - span * 1e-6 <= mark.value <= low + span * (1 + 1e-6) or len(marks) == 1 for mark in marks)


@given(st.floats(1e-30, 1e30), st.floats(1.001, 1e12), st.integers(2, 9))
def test_a_logarithmic_axis_stays_within_its_ends(low, factor, most) -> None:
    marks = ticks(low, low * factor, most, log=True)
    assert len(marks) <= most + 1
    assert all(low * (1 - 1e-6) <= mark.value <= low * factor * (1 + 1e-6) for mark in marks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.97121, "0.9712"), (12.5, "12.5"), (1.5e-5, "1.5e-5"), (1234567.0, "1.23e6"), (float("nan"), "nan"), (0, "0")],
)
def test_one_number_is_short(value: float, text: str) -> None:
    assert plain(value) == text
