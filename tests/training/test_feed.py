"""Every sample is drawn exactly once an epoch, in the order that seed and epoch say, from memory or from a stream."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tbcli.data.dataset import Split, epoch_order
from tbcli.training.feed import TrainingFeed, evaluation_batches

pytestmark = pytest.mark.tf

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


def drawn(feed: TrainingFeed, epoch: int) -> list[tuple[np.ndarray, np.ndarray]]:
    feed.begin_epoch(epoch)
    return [(inputs.numpy(), labels.numpy()) for inputs, labels in feed.batches()]


@pytest.mark.parametrize("inputs", [INPUTS, Stream()], ids=["memory", "stream"])
def test_an_epoch_draws_every_sample_once_in_its_own_order(inputs: Any) -> None:
    feed = TrainingFeed(split_of(inputs), batch_size=5, steps_per_epoch=0, seed=11)
    for epoch in (1, 2, 7):
        batches = drawn(feed, epoch)
        assert [len(labels) for _, labels in batches] == [5, 5, 5, 5, 3]
        labels = np.concatenate([labels for _, labels in batches])
        assert np.array_equal(labels, POSITIONS[epoch_order(SAMPLES, 11, epoch)])
        assert np.array_equal(np.concatenate([inputs for inputs, _ in batches])[:, 0], labels)
        assert batches[0][0].dtype == np.uint8
        assert batches[0][0].shape == (5, 3)


@pytest.mark.parametrize(("batch", "asked", "steps"), [(5, 0, 5), (5, 3, 3), (5, 99, 5), (23, 0, 1), (100, 0, 1)])
def test_the_number_of_steps_is_known_beforehand(batch: int, asked: int, steps: int) -> None:
    feed = TrainingFeed(split_of(INPUTS), batch, asked, seed=0)
    assert feed.steps == steps == len(drawn(feed, 1)) == int(feed.batches().cardinality())


class Logged(keras.callbacks.Callback):
    """Does what training does: sets the order as an epoch begins."""

    def __init__(self, feed: TrainingFeed) -> None:
        super().__init__()
        self.feed = feed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.feed.begin_epoch(epoch + 1)


@pytest.mark.parametrize("steps_per_execution", [1, 3, 16])
@pytest.mark.parametrize("steps", [0, 2, 4])
def test_fit_takes_exactly_the_steps_of_the_feed(steps_per_execution: int, steps: int) -> None:
    stream = Stream()
    feed = TrainingFeed(split_of(stream), batch_size=5, steps_per_epoch=steps, seed=2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(40, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=steps_per_execution)
    model.fit(feed.batches(), epochs=3, callbacks=[Logged(feed)], verbose=0, shuffle=False)
    assert int(model.optimizer.iterations) == 3 * feed.steps
    taken = min(SAMPLES, 5 * feed.steps)
    expected = [POSITIONS[epoch_order(SAMPLES, 2, epoch)][:taken] for epoch in (1, 2, 3)]
    assert np.array_equal(np.concatenate(stream.asked), np.concatenate(expected))


@pytest.mark.parametrize("inputs", [INPUTS, Stream()], ids=["memory", "stream"])
def test_evaluation_goes_through_a_split_in_its_own_order(inputs: Any) -> None:
    batches = list(evaluation_batches(split_of(inputs), size=10))
    assert [len(labels) for _, labels in batches] == [10, 10, 3]
    assert np.array_equal(np.concatenate([labels for _, labels in batches]), POSITIONS)
    assert np.array_equal(np.concatenate([inputs for inputs, _ in batches])[:, 0], POSITIONS)
