"""How trainings ran before `tbcli.training.steps`: Keras' `fit`, kept here alone, to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tbcli.training.feed import TrainingFeed


class Moments:
    """The moments of a training, as `tbcli.training.epoch.Epochs` has them; remembers what it hears."""

    def __init__(self, feed: TrainingFeed) -> None:
        self.feed = feed
        self.begun = 0
        self.steps: list[int] = []
        self.logs: list[Mapping[str, float]] = []
        self.epochs: list[Mapping[str, float]] = []
        self.stop_after = 0
        self.running: dict[str, float] = {}

    @property
    def epochs_done(self) -> int:
        return len(self.epochs)

    @property
    def ended_by(self) -> str:
        return "until" if self.epochs and len(self.epochs) == self.stop_after else ""

    def begin(self) -> None:
        self.begun += 1

    def begin_epoch(self, epoch: int) -> None:
        assert epoch == len(self.epochs) + 1
        self.feed.begin_epoch(epoch)

    def after_steps(self, steps_done: int, logs: Mapping[str, float]) -> None:
        self.steps.append(steps_done)
        self.logs.append(dict(logs))

    def end_epoch(self, logs: Mapping[str, float]) -> bool:
        self.epochs.append(dict(logs))
        return len(self.epochs) == self.stop_after


class _Callback(keras.callbacks.Callback):
    def __init__(self, epochs: Any, feed: TrainingFeed, positions: tf.Variable) -> None:
        super().__init__()
        self.epochs, self.feed, self.positions = epochs, feed, positions

    def on_train_begin(self, logs: Any = None) -> None:
        self.epochs.begin()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epochs.begin_epoch(epoch + 1)
        self.positions.assign(self.feed.split.positions[self.feed.order])

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.epochs.after_steps(int(self.model.optimizer.iterations), logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = self.epochs.end_epoch(logs)


def fit(model: keras.Model, feed: TrainingFeed, epochs: Any, count: int, *changes: Any) -> None:
    """Do what `run_epochs` does, by Keras' `fit` over the same batches, which nothing changes."""
    assert all(change is None for change in changes)
    positions = tf.Variable(feed.split.positions, trainable=False)
    inputs, labels = tf.convert_to_tensor(feed.split.inputs), tf.convert_to_tensor(feed.split.labels)

    def draw(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = positions[step * feed.batch_size : (step + 1) * feed.batch_size]
        return tf.gather(inputs, chosen), tf.gather(labels, chosen)

    batches = tf.data.Dataset.range(feed.steps).map(draw, num_parallel_calls=1, deterministic=True).prefetch(4)
    model.fit(batches, epochs=count, callbacks=[_Callback(epochs, feed, positions)], verbose=0, shuffle=False)
