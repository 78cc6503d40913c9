from __future__ import annotations

import numpy as np
import pytest

from tbcli.figures.clocks import epoch_clock, epochs_at, in_one_unit, plausible, seconds_since, steps_at


def clock(steps, epochs):
    return epoch_clock(np.array(steps, float), np.array(epochs, float))


def test_a_fractional_counter_is_taken_as_it_is() -> None:
    counted = clock([10, 20, 30], [0.1, 0.2, 0.3])
    assert epochs_at(np.array([10.0, 15.0, 30.0]), counted).tolist() == pytest.approx([0.1, 0.15, 0.3])
    assert steps_at(np.array([0.2]), counted).tolist() == pytest.approx([20])


def test_whole_epochs_are_spread_over_their_steps() -> None:
    steps = np.arange(9.0, 300, 10)
    places = epochs_at(steps, clock(steps, steps // 100))
    assert places.tolist() == pytest.approx(((steps + 1) / 100 - 1).tolist())


@pytest.mark.parametrize("every", [7, 50, 64])
def test_few_logged_steps_of_an_epoch_find_its_start(every: int) -> None:
    steps = np.unique([*range(every - 1, 1000, every), *range(99, 1000, 100)]).astype(float)  # and at each end
    places = epochs_at(steps, clock(steps, steps // 100))
    assert places.tolist() == pytest.approx(((steps + 1) / 100 - 1).tolist())


@pytest.mark.parametrize("first", [0, 1])
def test_the_end_of_an_epoch_stands_at_the_number_the_counter_gives_it(first: int) -> None:
    steps = np.arange(9.0, 300, 10)
    often, once = clock(steps, steps // 100 + first), clock([99, 199, 299], [first, first + 1, first + 2])
    for counted in (often, once):
        assert epochs_at(np.array([99.0, 299.0]), counted).tolist() == pytest.approx([first, first + 2])


def test_epochs_of_different_length_end_at_the_last_step_of_each() -> None:
    steps, epochs = [0, 5, 10, 110, 210, 310], [0, 0, 1, 1, 1, 2]
    places = epochs_at(np.array(steps, float), clock(steps, epochs))
    assert np.ceil(places - 1e-9).tolist() == epochs
    assert (np.diff(places) > 0).all()


def test_a_counter_of_one_value_per_epoch_is_taken_as_it_is() -> None:
    assert epochs_at(np.array([100.0, 200.0]), clock([100, 200, 300], [1, 2, 3])).tolist() == [1, 2]


def test_a_single_epoch_is_spread_over_its_points() -> None:
    places = epochs_at(np.array([0.0, 9.0, 19.0, 29.0]), clock([0, 9, 19, 29], [0, 0, 0, 0]))
    assert places.tolist() == pytest.approx([1 / 30 - 1, 10 / 30 - 1, 20 / 30 - 1, 0])


def test_of_several_epochs_at_one_step_the_last_counts() -> None:
    (place,) = epochs_at(np.array([99.0]), clock([49, 99, 99, 149], [0, 0, 1, 1]))
    assert 0 < place <= 1


def test_what_is_no_number_counts_nothing() -> None:
    assert clock([1, 2], [np.nan, np.inf]) is None
    assert clock([], []) is None


@pytest.mark.parametrize("odd", [0.0, -1.0, np.nan, np.inf, 1.0, 4.1e9])
def test_a_wall_time_far_from_the_others_does_not_count(odd: float) -> None:
    times = np.array([odd, 1.7e9, 1.7e9 + 60])
    start, end = plausible([times])
    assert (start, end) == (1.7e9, 1.7e9 + 60)
    seconds = seconds_since(start, end, times)
    assert np.isnan(seconds[0])
    assert seconds[1:].tolist() == [0, 60]


def test_where_no_clock_ran_there_is_no_time() -> None:
    start, end = plausible([np.zeros(3)])
    assert np.isnan(seconds_since(start, end, np.zeros(3))).all()


def test_the_unit_suits_the_longest_time() -> None:
    assert in_one_unit([np.array([10.0]), np.array([7200.0])]) == ("h", 3600.0)
    assert in_one_unit([np.array([np.nan])]) == ("s", 1.0)
