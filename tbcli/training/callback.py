"""Keras' fit runs the steps, and calls the moments of a training."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from tbcli.training.epoch import Epochs


class EpochCallback(keras.callbacks.Callback):
    """The one Keras callback: hands the moments of a fit to `Epochs`, which knows what to do.

    Args:
        epochs: Whose moments they are.
    """

    def __init__(self, epochs: Epochs) -> None:
        super().__init__()
        self._epochs = epochs

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Training begins."""
        self._epochs.begin()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Keras counts epochs from 0."""
        self._epochs.begin_epoch(epoch + 1)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """After an execution, which may be several steps: only the optimizer counts them truly."""
        self._epochs.after_steps(int(self.model.optimizer.iterations), logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Keras asks after each epoch whether to stop."""
        self.model.stop_training = self._epochs.end_epoch(logs or {})
