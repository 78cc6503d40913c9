"""The moments of a training, called by hand: whoever runs the steps need not be Keras' fit."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tbcli.config import Config
from tbcli.data.dataset import Split
from tbcli.errors import Diverged
from tbcli.runs.history import read_history
from tbcli.tasks import CLASSIFICATION
from tbcli.training import Narrator

pytestmark = pytest.mark.tf
STEPS = 8
NEARLY = 0.8999999762  # 0.9 as float32; the history has 0.9


def nothing(*_: object, **__: object) -> None:
    return None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that goes only when it is told to."""
    clock = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.seconds)
    return clock


def epochs_of(history: Path, settings: Mapping[str, object], *, deadline: float = math.inf) -> Any:
    from tbcli.training.epoch import Epochs
    from tbcli.training.feed import TrainingFeed

    config = Config().updated({"train.schedule": "constant", **settings})
    setup = SimpleNamespace(
        config=config,
        dataset=SimpleNamespace(validation=None, task=CLASSIFICATION),
        model=SimpleNamespace(get_weights=list),
        run=SimpleNamespace(history_file=history),
        narrator=Narrator(),
        health=SimpleNamespace(check_batches=nothing, check_weights=nothing),
        check=nothing,
        deadline=deadline,
    )
    feed = TrainingFeed(Split(np.zeros((STEPS, 1)), np.zeros(STEPS), np.arange(STEPS)), 1, 0, 0)
    observer = SimpleNamespace(
        untrained=nothing, steps=nothing, after_epoch=lambda epoch, step, row: SimpleNamespace(logs=row)
    )
    recording = SimpleNamespace(begin=nothing, steps=nothing, epoch=nothing)
    return Epochs(setup, feed, observer, recording)  # type: ignore[arg-type]


def test_the_speed_leaves_out_the_compilation_in_the_first_execution(tmp_path: Path, clock: SimpleNamespace) -> None:
    epochs = epochs_of(tmp_path / "history.csv", {"train.epochs": 2})
    epochs.begin()
    for epoch, first in ((1, 50.0), (2, 1.0)):
        epochs.begin_epoch(epoch)
        for seconds in (first, 1.0):
            clock.seconds += seconds
            epochs.after_steps(epochs.steps_done + STEPS // 2, {"loss": 1.0})
        assert epochs.end_epoch({"loss": 1.0}) is False
        assert epochs.latest.logs["steps_per_second"] == STEPS / 2
    history = read_history(tmp_path / "history.csv")
    assert history.epochs == (1, 2)
    assert history.columns["step"] == (STEPS, 2 * STEPS)
    assert history.columns["seconds"] == (51.0, 53.0)


def test_an_epoch_that_is_one_execution_with_its_compilation_has_no_speed(tmp_path: Path) -> None:
    epochs = epochs_of(tmp_path / "history.csv", {"train.epochs": 1})
    epochs.begin()
    epochs.begin_epoch(1)
    epochs.after_steps(STEPS, {"loss": 1.0})
    epochs.end_epoch({"loss": 1.0})
    assert "steps_per_second" not in epochs.latest.logs


def test_patience_ends_the_training_and_the_answer_says_so(tmp_path: Path) -> None:
    epochs = epochs_of(tmp_path / "history.csv", {"train.epochs": 9, "train.patience": 2, "train.monitor": "val_loss"})
    epochs.begin()
    answers = []
    for epoch, loss in enumerate((1.0, 0.5, 0.6, 0.7), start=1):
        epochs.begin_epoch(epoch)
        epochs.after_steps(epoch * STEPS, {"loss": loss})
        answers.append(epochs.end_epoch({"loss": loss}))
    assert answers == [False, False, False, True]
    assert epochs.best.epoch == 2


@pytest.mark.parametrize(
    ("settings", "stops", "ended_by"),
    [
        ({"train.until": "accuracy>=0.9"}, [False, True], "until"),
        ({"train.until": "accuracy>=0.9", "train.patience": 1}, [False, True], "until"),
        ({"train.until": "accuracy>9", "train.patience": 1}, [False, True], "patience"),
        ({"train.until": "accuracy>9"}, [False, False, False], "epochs"),
        ({"train.until": "epoch=3"}, [False, False, True], "until"),
        ({}, [False, False, False], "epochs"),
    ],
)
def test_the_last_epoch_is_recorded_as_such_and_what_ended_it_is_known(
    tmp_path: Path, settings: dict[str, object], stops: list[bool], ended_by: str
) -> None:
    epochs = epochs_of(tmp_path / "history.csv", {"train.epochs": 3, **settings})
    lasts: list[bool] = []
    epochs._recording.epoch = lambda snapshot, *, last: lasts.append(last)
    epochs.begin()
    answers = []
    for epoch, accuracy in enumerate((0.5, NEARLY, NEARLY)[: len(stops)], start=1):
        assert epochs.ended_by == ""
        epochs.begin_epoch(epoch)
        epochs.after_steps(epoch * STEPS, {"loss": 1.0})
        answers.append(epochs.end_epoch({"loss": 1.0, "accuracy": accuracy}))
    assert (answers, epochs.ended_by) == (stops, ended_by)
    assert lasts == [False] * (len(stops) - 1) + [True]


def test_a_loss_that_is_not_finite_ends_it_at_once(tmp_path: Path) -> None:
    epochs = epochs_of(tmp_path / "history.csv", {})
    epochs.begin()
    epochs.begin_epoch(1)
    with pytest.raises(Diverged, match="the loss is nan at step 4"):
        epochs.after_steps(4, {"loss": float("nan")})
    assert epochs.epochs_done == 0


def test_time_that_is_over_ends_an_epoch_within_or_after_it(tmp_path: Path) -> None:
    for steps, ended_by in ((STEPS - 1, "max_time"), (STEPS, "")):
        epochs = epochs_of(tmp_path / f"{steps}.csv", {"train.epochs": 9}, deadline=0.0)
        epochs.begin()
        epochs.begin_epoch(1)
        epochs.after_steps(steps, {"loss": 1.0})
        assert (epochs.ended_by, epochs.is_within) == (ended_by, bool(ended_by))
    assert epochs.end_epoch({"loss": 1.0}) is True
    assert (epochs.ended_by, epochs.epochs_done, epochs.is_within) == ("max_time", 1, False)


def test_a_state_is_saved_whatever_ends_the_training_but_never_one_that_is_broken(tmp_path: Path) -> None:
    epochs = epochs_of(tmp_path / "history.csv", {"train.epochs": 2})
    saved: list[int] = []
    epochs._keeper = SimpleNamespace(
        step=0, begin=nothing, is_due=lambda step, **_: False, write=lambda step, parts: saved.append(step)
    )
    epochs._model = SimpleNamespace(steps=0, bytes=0)

    def take(steps: int, **logs: float) -> None:
        epochs._model.steps = epochs.steps_done + steps
        epochs.after_steps(epochs.steps_done + steps, logs)

    epochs.save(at_end=True)  # nothing has begun
    epochs.begin()
    epochs.begin_epoch(1)
    take(2, loss=1.0)
    epochs.save(at_end=True)
    assert saved == [2]
    epochs._model.steps += 1  # an error in the middle of an execution
    epochs.save(at_end=True)
    with pytest.raises(Diverged):
        take(2, loss=math.nan)
    epochs.save(at_end=True)
    assert saved == [2]
