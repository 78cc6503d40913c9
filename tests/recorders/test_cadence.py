"""Pictures are rarer in long trainings and where epochs are short, by a rule that knows no clock."""

from __future__ import annotations

import pytest

from tbcli.config import RecordConfig
from tbcli.recorders.cadence import Cadence, choose_spacing


def epochs_of(cadence: Cadence, count: int, recorder: str = "samples", *, is_spaced: bool = True) -> list[int]:
    return [epoch for epoch in range(1, count + 1) if cadence.includes(recorder, epoch, is_spaced=is_spaced)]


def test_every_epoch_up_to_20_has_pictures_and_then_fewer_and_fewer() -> None:
    found = epochs_of(Cadence(RecordConfig()), 1000)
    assert found[:20] == list(range(1, 21))
    assert found[20:30] == list(range(22, 41, 2))
    assert [epoch for epoch in found if 40 < epoch <= 200] == [*range(45, 101, 5), *range(110, 201, 10)]
    assert len(found) == 20 + 10 + 12 + 10 + 10 + 12
    assert len(epochs_of(Cadence(RecordConfig()), 300)) == 57


def test_curves_are_of_every_epoch() -> None:
    assert epochs_of(Cadence(RecordConfig()), 300, "scalars", is_spaced=False) == list(range(1, 301))


@pytest.mark.parametrize(
    ("every", "recorder", "is_spaced", "expected"),
    [
        ("3", "samples", True, [3, 6, 9]),
        ("3", "scalars", False, [3, 6, 9]),
        ("1", "samples", True, list(range(1, 11))),
        ("samples=4", "samples", True, [4, 8]),
        ("samples=4", "kernels", True, [1, 5, 10]),
        ("samples=4", "scalars", False, list(range(1, 11))),
        ("2,samples=auto", "samples", True, [1, 5, 10]),
    ],
)
def test_what_was_asked_for_is_exact_and_the_spacing_is_for_all_else(
    every: str, recorder: str, is_spaced: bool, expected: list[int]
) -> None:
    cadence = Cadence(RecordConfig(every=every, spacing=5))
    assert epochs_of(cadence, 10, recorder, is_spaced=is_spaced) == expected


@pytest.mark.parametrize(
    ("samples", "parameters", "spacing"),
    [(54_000, 225_034, 1), (20_000, 225_034, 1), (18_000, 225_034, 2), (1_800, 225_034, 20), (270, 225_034, 100),
     (54_000, 25_000_000, 1), (540, 10_000, 1000), (1, 0, 1_000_000)],
)  # fmt: skip
def test_short_epochs_have_pictures_less_often(samples: int, parameters: int, spacing: int) -> None:
    assert choose_spacing(samples, parameters) == spacing


def test_a_spacing_and_a_long_training_do_not_add_up() -> None:
    assert epochs_of(Cadence(RecordConfig(spacing=50)), 400) == [1, *range(50, 401, 50)]
    assert epochs_of(Cadence(RecordConfig(spacing=2)), 60) == [1, *range(2, 41, 2), *range(45, 61, 5)]
