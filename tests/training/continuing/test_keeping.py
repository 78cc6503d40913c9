"""A state is saved when it is due and affordable; what cannot be saved is told once and stops nothing."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tbcli.config import TrainConfig
from tbcli.training.continuing.keeping import StateKeeper
from tbcli.training.continuing.state import Generations

SMALL = 1_000_000  # bytes, expected to take 0.04 s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that goes only when it is told to."""
    clock = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.seconds)
    return clock


class Slow(Generations):
    """Takes its time on the clock."""

    def __init__(self, directory: Path, clock: SimpleNamespace, seconds: float) -> None:
        super().__init__(directory)
        self.clock, self.seconds = clock, seconds

    def save(self, step: int, parts: Any) -> int:
        self.clock.seconds += self.seconds
        return super().save(step, parts)


def keeper_of(directory: Path, clock: SimpleNamespace, seconds: float = 0.1, **settings: Any) -> StateKeeper:
    keeper = StateKeeper(Slow(directory, clock, seconds), TrainConfig(**settings), pytest.fail)
    keeper.begin(0, SMALL)
    return keeper


def test_a_state_is_saved_after_an_epoch_unless_it_takes_more_than_a_hundredth_of_the_time(
    tmp_path: Path, clock: SimpleNamespace
) -> None:
    keeper = keeper_of(tmp_path, clock)
    clock.seconds += 5
    assert not keeper.is_due(15, epoch_ended=False)
    assert keeper.is_due(20, epoch_ended=True)
    keeper.save(20, dict)
    assert not keeper.is_due(20, epoch_ended=True)
    clock.seconds += 10
    assert not keeper.is_due(30, epoch_ended=True)  # 0.1 s of 15 are spent
    clock.seconds += 5
    assert keeper.is_due(40, epoch_ended=True)
    report = keeper.report({"states": 2, "seconds": 1.0})
    assert (report["states"], report["seconds"], report["bytes"] > 0) == (3, 1.1, True)


@pytest.mark.parametrize(("seconds", "is_due"), [(0.3, False), (0.5, True)])
def test_the_first_epoch_leaves_a_state_unless_that_takes_a_tenth_of_it(
    tmp_path: Path, clock: SimpleNamespace, seconds: float, is_due: bool
) -> None:
    keeper = keeper_of(tmp_path, clock)
    clock.seconds += seconds
    assert not keeper.is_due(10, epoch_ended=False)
    assert keeper.is_due(10, epoch_ended=True) == is_due
    resumed = keeper_of(tmp_path, clock)
    resumed.begin(10, SMALL)
    clock.seconds += seconds
    assert not resumed.is_due(20, epoch_ended=True)


def test_five_minutes_never_pass_without_one(tmp_path: Path, clock: SimpleNamespace) -> None:
    keeper = keeper_of(tmp_path, clock, seconds=60)
    clock.seconds += 299
    assert not keeper.is_due(10, epoch_ended=False)
    clock.seconds += 1
    assert keeper.is_due(11, epoch_ended=False)
    keeper.save(11, dict)
    clock.seconds += 299
    assert not keeper.is_due(20, epoch_ended=True)
    clock.seconds += 1
    assert keeper.is_due(21, epoch_ended=False)


@pytest.mark.parametrize(("every", "due"), [("100", [False, True, False, True]), ("30s", [False, True, True, True])])
def test_within_an_epoch_steps_or_a_time_make_it_due(
    tmp_path: Path, clock: SimpleNamespace, every: str, due: list[bool]
) -> None:
    keeper = keeper_of(tmp_path, clock, checkpoint_every=every)
    keeper._note = pytest.fail
    found = []
    for step in (96, 112, 192, 208):  # executions of 16 steps rarely end at a hundred
        clock.seconds += 29 if step == 96 else 40
        found.append(keeper.is_due(step, epoch_ended=False))
        if found[-1]:
            keeper.save(step, dict)
    assert found == due


@pytest.mark.parametrize("every", ["3", "1s", ""])
def test_states_that_are_saved_less_often_than_was_asked_are_told_once(
    tmp_path: Path, clock: SimpleNamespace, every: str
) -> None:
    keeper, said = keeper_of(tmp_path, clock, checkpoint_every=every), list[str]()
    keeper._note = said.append
    for step in (3, 6, 9):
        clock.seconds += 1.2
        assert not keeper.is_due(step, epoch_ended=False)
    assert len(said) == bool(every)


def test_a_disk_that_is_full_is_told_once_until_it_is_not(
    tmp_path: Path, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, said = keeper_of(tmp_path, clock), list[str]()
    keeper._warn = said.append

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        keeper.save(10, dict)
        keeper.save(20, dict)
        with pytest.raises(OSError, match="No space"):
            keeper.write(20, dict)
    assert said == ["the state to resume from could not be saved: the disk is full; training goes on"]
    assert keeper.step == 0
    keeper.save(30, dict)
    assert keeper.step == 30


def test_a_recorder_whose_state_cannot_be_kept_is_left_out_and_named(tmp_path: Path, clock: SimpleNamespace) -> None:
    keeper, said = keeper_of(tmp_path, clock), list[str]()
    keeper._warn = said.append
    for step in (10, 20):
        recorders = {"ours": {"sums": [1.0]}, "theirs": {"function": print}}
        keeper.save(step, lambda recorders=recorders: {"recording": {"recorders": recorders}})
    saved = Generations(tmp_path).newest(pytest.fail)
    assert saved is not None
    assert saved.parts["recording"]["recorders"] == {"ours": {"sums": [1.0]}}
    assert said == ["recorder 'theirs' begins anew where the run is resumed: its state cannot be saved"]


@pytest.mark.parametrize(("keeps", "left"), [(True, 1), (False, 0)])
def test_after_the_end_one_state_stays_or_none(tmp_path: Path, clock: SimpleNamespace, keeps: bool, left: int) -> None:
    keeper = keeper_of(tmp_path / "checkpoints", clock, keep_state=keeps)
    keeper.save(10, dict)
    keeper.save(20, dict)
    keeper.conclude()
    assert len(list(tmp_path.glob("checkpoints/*"))) == left
