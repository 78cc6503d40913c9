from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.figures.smoothing import shown_points, smoothed

VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), max_size=200)


def by_hand(values: list[float], weight: float) -> list[float]:
    """TensorBoard's smoothing, value by value."""
    average, counted, result = 0.0, 0, []
    constant = len({value for value in values if not math.isnan(value)}) <= 1
    for value in values:
        if math.isnan(value) or constant:
            result.append(value)
            continue
        counted += 1
        average = average * weight + (1 - weight) * value
        result.append(average / (1 - weight**counted))
    return result


@given(VALUES, st.floats(0, 0.999))
def test_smoothing_is_a_moving_average_without_bias(values: list[float], weight: float) -> None:
    expected = by_hand(values, weight) if weight else values
    np.testing.assert_allclose(smoothed(np.array(values, float), weight), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weight", [0.6, 0.99, 0.9999])
def test_smoothing_a_long_curve_is_exact_to_the_end(weight: float) -> None:
    values = np.sin(np.arange(10_000) / 50)
    np.testing.assert_allclose(smoothed(values, weight), by_hand(values.tolist(), weight), rtol=1e-9)


def test_infinities_stay_and_do_not_count() -> None:
    found = smoothed(np.array([1.0, np.inf, 3.0, -np.inf]), 0.5)
    np.testing.assert_allclose(found, [1, np.inf, (0.5 * 0.5 * 1 + 0.5 * 3) / 0.75, -np.inf])


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), min_size=1, max_size=2000), st.integers(2, 40))
def test_every_extreme_of_every_stretch_is_shown(values: list[float], stretches: int) -> None:
    y = np.array(values)
    places = shown_points(np.arange(1.0, len(y) + 1), y, stretches)
    assert len(places) <= 4 * stretches + 1
    assert {0, len(y) - 1} <= set(places.tolist())
    owners = np.arange(len(y)) * stretches // len(y)
    for owner in range(stretches):
        inside, kept = y[owners == owner], y[places[owners[places] == owner]]
        if np.isfinite(inside).any():
            assert (np.nanmin(kept), np.nanmax(kept)) == (np.nanmin(inside), np.nanmax(inside))
        assert np.isnan(inside).any() == np.isnan(kept).any()


def test_on_a_logarithmic_axis_the_first_decades_keep_their_points() -> None:
    x = np.arange(1_000_000.0)
    places = shown_points(x, np.sin(x), 600, log_x=True)
    assert np.isin(np.arange(50), places).all()
    assert len(places) <= 2401


def test_smoothing_leaves_a_constant_exactly_as_it_is() -> None:
    constant = np.full(50, 0.1)
    assert (smoothed(constant, 0.9) == constant).all()
    assert len(smoothed(np.empty(0), 0.9)) == 0
