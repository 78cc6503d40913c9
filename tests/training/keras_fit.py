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
    def __init__(self, epochs: Any) -> None:
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs: Any = None) -> None:
        self.epochs.begin()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epochs.begin_epoch(epoch + 1)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.epochs.after_steps(int(self.model.optimizer.iterations), logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = self.epochs.end_epoch(logs)


def fit(model: keras.Model, feed: TrainingFeed, epochs: Any, count: int) -> None:
    """Do what `run_epochs` does, by Keras' `fit` over the same batches."""
    inputs, labels = feed.split.batch(slice(1))
    signature = (
        tf.TensorSpec((None, *inputs.shape[1:]), inputs.dtype),
        tf.TensorSpec((None, *labels.shape[1:]), labels.dtype),
    )
    batches = tf.data.Dataset.from_generator(lambda: feed.executions(1), output_signature=signature)
    # Of a data set of unknown length Keras counts phantom steps.
    batches = batches.apply(tf.data.experimental.assert_cardinality(feed.steps))
    model.fit(batches, epochs=count, callbacks=[_Callback(epochs)], verbose=0, shuffle=False)
