import pytest

from tbcli.figures.numbers import PlainNumbers, epoch_ticks


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.9, 0.95, 1.0], ["0.90", "0.95", "1.00"]),
        ([0.986, 0.9880000000000001], ["0.986", "0.988"]),
        ([0.0, 2.0, 4.0], ["0", "2", "4"]),
        ([0.000825, 0.00085, 0.0], ["8.25e-4", "8.5e-4", "0"]),
        ([1e8, 2e8], ["1e8", "2e8"]),
        ([0.5], ["0.5"]),
        ([], []),
    ],
)
def test_the_numbers_of_an_axis_have_the_same_decimals(values: list[float], texts: list[str]) -> None:
    assert PlainNumbers().format_ticks(values) == texts


@pytest.mark.parametrize(
    ("first", "last", "ticks"),
    [
        (1, 1, [1]),
        (1, 2, [1, 2]),
        (1, 5, [1, 2, 3, 4, 5]),
        (1, 12, [2, 4, 6, 8, 10, 12]),
        (1, 1000, [1, 200, 400, 600, 800, 1000]),
        (7, 9, [7, 8, 9]),
    ],
)
def test_ticks_are_epochs_that_were_trained(first: int, last: int, ticks: list[int]) -> None:
    assert epoch_ticks(first, last) == ticks


@pytest.mark.parametrize("last", [3, 17, 99, 12345, 1_000_000])
def test_ticks_are_few_whatever_the_length(last: int) -> None:
    ticks = epoch_ticks(1, last)
    assert 2 <= len(ticks) <= 11
    assert ticks == sorted(set(ticks))
    assert all(1 <= tick <= last for tick in ticks)
