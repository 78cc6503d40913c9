"""Every sample is drawn exactly once an epoch, in the order that seed and epoch say, from memory or from a stream."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest

from tbcli.data.dataset import Split, epoch_order
from tbcli.training.feed import TrainingFeed, evaluation_batches

SAMPLES = 23
POSITIONS = np.random.Generator(np.random.PCG64(3)).permutation(40)[:SAMPLES].astype(np.int64)
INPUTS = np.arange(40, dtype=np.uint8)[:, None] * np.ones((1, 3), np.uint8)
LABELS = np.arange(40, dtype=np.int64)


class Stream:
    """A source that is no array: it has a shape and a dtype and answers an array of positions."""

    shape, dtype = INPUTS.shape, INPUTS.dtype

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        self.asked.append(np.array(positions))
        return INPUTS[positions]


def split_of(inputs: Any) -> Split:
    return Split(inputs, LABELS, POSITIONS)


@pytest.mark.parametrize("inputs", [INPUTS, Stream()], ids=["memory", "stream"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 16])
def test_an_epoch_draws_every_sample_once_in_its_own_order(inputs: Any, steps: int) -> None:
    feed = TrainingFeed(split_of(inputs), batch_size=5, steps_per_epoch=0, seed=11)
    for epoch in (1, 2, 7):
        feed.begin_epoch(epoch)
        executions = list(feed.executions(steps))
        sizes = [len(labels) for _, labels in executions]
        assert sizes == [5 * steps] * (SAMPLES // (5 * steps)) + [SAMPLES % (5 * steps)]
        labels = np.concatenate([labels for _, labels in executions])
        assert np.array_equal(labels, POSITIONS[epoch_order(SAMPLES, 11, epoch)])
        assert np.array_equal(np.concatenate([inputs for inputs, _ in executions])[:, 0], labels)
        assert executions[0][0].dtype == np.uint8
        assert executions[0][0].shape == (sizes[0], 3)


@pytest.mark.parametrize(("batch", "asked", "steps"), [(5, 0, 5), (5, 3, 3), (5, 99, 5), (23, 0, 1), (100, 0, 1)])
def test_the_number_of_steps_is_known_beforehand(batch: int, asked: int, steps: int) -> None:
    feed = TrainingFeed(split_of(INPUTS), batch, asked, seed=0)
    assert feed.steps == steps == len(list(feed.executions(1)))


@pytest.mark.parametrize(("longest", "steps"), [(1000.0, [1, 1, 3]), (1e-12, [1, 1, 1, 1, 1])])
def test_an_execution_has_as_many_steps_as_there_is_time_for(longest: float, steps: list[int]) -> None:
    feed, told = TrainingFeed(split_of(INPUTS), 5, 0, seed=0), list[int]()
    feed.longest, feed.before = longest, lambda epoch, position, count: told.append(count)
    feed.begin_epoch(1)
    labels = np.concatenate([labels for _, labels in feed.executions(16)])
    assert np.array_equal(labels, POSITIONS[epoch_order(SAMPLES, 0, 1)])
    assert told == steps


def test_a_limit_of_steps_takes_the_first_ones_of_the_order() -> None:
    feed = TrainingFeed(split_of(INPUTS), batch_size=5, steps_per_epoch=3, seed=2)
    feed.begin_epoch(4)
    taken = [labels for _, labels in feed.executions(2)]
    assert [len(labels) for labels in taken] == [10, 5]
    assert np.array_equal(np.concatenate(taken), POSITIONS[epoch_order(SAMPLES, 2, 4)][:15])


def test_a_stream_is_asked_for_one_execution_ahead_and_no_more() -> None:
    stream = Stream()
    feed = TrainingFeed(split_of(stream), batch_size=5, steps_per_epoch=0, seed=2)
    executions = feed.executions(1)
    next(executions)
    executions.close()  # waits for what is being gathered
    assert [len(asked) for asked in stream.asked] == [5, 5]


def test_the_time_that_is_waited_for_samples_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    feed = TrainingFeed(split_of(INPUTS), batch_size=5, steps_per_epoch=0, seed=11)
    for epoch in (1, 2):
        feed.begin_epoch(epoch)
        assert len(list(feed.executions(1))) == 5
    assert feed.waited_seconds == 10


def test_no_copy_of_the_data_is_held() -> None:
    feed = TrainingFeed(split_of(INPUTS), batch_size=5, steps_per_epoch=0, seed=2)
    assert feed.split.inputs is INPUTS
    assert feed.batch_bytes == 15
    assert sum(inputs.nbytes for inputs, _ in feed.executions(2)) == SAMPLES * 3


@pytest.mark.parametrize("inputs", [INPUTS, Stream()], ids=["memory", "stream"])
def test_evaluation_goes_through_a_split_in_its_own_order(inputs: Any) -> None:
    batches = list(evaluation_batches(split_of(inputs), size=10))
    assert [len(labels) for _, labels in batches] == [10, 10, 3]
    assert np.array_equal(np.concatenate([labels for _, labels in batches]), POSITIONS)
    assert np.array_equal(np.concatenate([inputs for inputs, _ in batches])[:, 0], POSITIONS)


@pytest.mark.parametrize(
    ("shape", "size"), [((28, 28, 1), 500), ((32, 32, 3), 500), ((64, 64, 3), 125), ((512, 512, 3), 16), ((4,), 500)]
)
def test_of_large_samples_fewer_are_evaluated_at_once(shape: tuple[int, ...], size: int) -> None:
    inputs = np.broadcast_to(np.uint8(0), (1000, *shape))
    split = Split(inputs, np.zeros(1000, np.int64), np.arange(1000, dtype=np.int64))
    inputs, labels = next(evaluation_batches(split))
    assert len(inputs) == len(labels) == size
