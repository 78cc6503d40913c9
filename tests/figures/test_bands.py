from __future__ import annotations

import numpy as np

from tbcli.figures.bands import MOST_POINTS, band_over


def test_a_band_is_mean_and_sample_deviation_at_each_place() -> None:
    x = np.array([1.0, 2.0, 3.0])
    values = [np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0]), np.array([2.0, 5.0, 2.0])]
    band = band_over([(x, y) for y in values])
    np.testing.assert_array_equal(band.x, x)
    np.testing.assert_allclose(band.mean, np.mean(values, axis=0))
    np.testing.assert_allclose(band.upper - band.mean, np.std(values, axis=0, ddof=1))
    np.testing.assert_allclose(band.mean - band.lower, np.std(values, axis=0, ddof=1))


def test_a_mean_ends_where_the_first_run_ends() -> None:
    band = band_over(
        [(np.array([1.0, 2.0]), np.array([1.0, 1.0])), (np.array([1.0, 2.0, 3.0]), np.array([3.0, 3.0, 9.0]))]
    )
    np.testing.assert_array_equal(band.x, [1, 2])
    np.testing.assert_allclose(band.mean, [2, 2])
    np.testing.assert_allclose(band.upper - band.lower, [2 * 2**0.5, 2 * 2**0.5])
    assert (band.shortest, band.longest) == (2, 3)


def test_a_mean_begins_where_the_last_run_begins() -> None:
    late, early = np.array([3.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(band_over([(late, late), (early, early)]).x, [3, 4])


def test_runs_measured_at_other_places_are_interpolated_between_their_points() -> None:
    band = band_over(
        [(np.array([0.0, 2.0]), np.array([0.0, 2.0])), (np.array([0.0, 1.0, 2.0]), np.array([0.0, 3.0, 2.0]))]
    )
    np.testing.assert_allclose(band.mean, [0, 2, 2])


def test_a_run_that_diverges_ends_the_mean() -> None:
    x = np.array([1.0, 2.0, 3.0])
    band = band_over([(x, np.array([1.0, np.nan, np.inf])), (x, np.array([3.0, 4.0, 5.0]))])
    np.testing.assert_allclose(band.mean, [2])


def test_a_gap_between_two_values_is_interpolated() -> None:
    x = np.array([1.0, 2.0, 3.0])
    band = band_over([(x, np.array([1.0, np.nan, 3.0])), (x, np.array([3.0, 4.0, 5.0]))])
    np.testing.assert_allclose(band.mean, [2, 3, 4])


def test_a_long_common_axis_is_bounded() -> None:
    one, other = np.arange(0.0, 9000, 2), np.arange(1.0, 9001, 2)
    assert len(band_over([(one, one), (other, other)]).x) <= MOST_POINTS
