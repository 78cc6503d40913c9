"""Our own loop over optimizer steps: one trace, several steps per call, and Python only between two calls."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.data.dataset import Split
from tbcli.training.augmentation import Augmentation
from tbcli.training.epoch import Epochs
from tbcli.training.feed import TrainingFeed
from tbcli.training.shared_step import make_variables_of


def run_epochs(
    model: keras.Model,
    feed: TrainingFeed,
    epochs: Epochs,
    count: int,
    augmentation: Augmentation | None = None,
    class_weights: np.ndarray | None = None,
) -> None:
    """Train, and call the moments of each epoch.

    Args:
        model: Compiled, steps per execution included; taps on its `train_step` or its optimizer are in place.
        feed: What to learn from.
        epochs: Called between two executions, where it may raise; ends the training early by what it returns.
        count: Epochs to train in all, those of an earlier process included.
        augmentation: Changes the inputs of each step.
        class_weights: How much a sample of each class counts in the loss ``[classes]``; all alike unless given.
    """
    loop = StepLoop(model, feed.split, feed.batch_size, augmentation, class_weights)
    epochs.begin()
    while epochs.epochs_done < count and not epochs.ended_by:
        epochs.begin_epoch(epochs.epochs_done + 1)
        if not feed.position:  # else the epoch's own metrics are those of the steps before
            model.reset_metrics()
        logs = epochs.running
        with closing(feed.executions(model.steps_per_execution)) as executions:  # type: ignore[type-var] # a generator
            for inputs, labels in executions:
                logs = loop.run(inputs, labels)
                epochs.after_steps(int(model.optimizer.iterations.numpy()), logs)
                if epochs.ended_by:
                    break
        if epochs.ended_by or epochs.end_epoch(_logs_of_epoch(model, logs)):
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)


class StepLoop:
    """The model's own `train_step`, several times in one call.

    The samples of an execution come flat and are cut into batches inside the graph. A slice ends where the samples end,
    so neither an execution of fewer steps nor an uneven last batch needs a second trace.

    Args:
        model: A compiled model.
        split: Tells shape and type of a sample and of a label.
        batch_size: Samples per step.
        augmentation: Changes the inputs of each step.
        class_weights: See `run_epochs`.
    """

    def __init__(
        self,
        model: keras.Model,
        split: Split,
        batch_size: int,
        augmentation: Augmentation | None = None,
        class_weights: np.ndarray | None = None,
    ) -> None:
        _build_state(model, split)
        self._batch_size = batch_size
        signature = [_spec_of(split.inputs), _spec_of(split.labels)]

        # In a function of its own: the graph that the taps see, and that is drawn, is one step and not the loop. The
        # model's method is looked up late: taps replace it.
        def take_step(inputs: tf.Tensor, labels: tf.Tensor) -> Any:
            changed = augmentation(inputs, model.optimizer.iterations) if augmentation else inputs
            weights = () if class_weights is None else (tf.gather(tf.constant(class_weights), labels),)
            return model.train_step((changed, labels, *weights))

        step = tf.autograph.experimental.do_not_convert(take_step)
        self._step = tf.function(step, input_signature=signature)
        self._execute = tf.function(self._all_steps, input_signature=signature, autograph=False)

    def run(self, inputs: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Take a step for each batch of the samples; return the logs of the last one, by name."""
        logs = self._execute(tf.constant(inputs), tf.constant(labels))
        return {name: float(logs[name]) for name in sorted(logs)}

    def _all_steps(self, inputs: tf.Tensor, labels: tf.Tensor) -> dict[str, tf.Tensor]:
        size = self._batch_size
        steps = (tf.shape(labels)[0] + size - 1) // size

        def take(step: tf.Tensor, _: Any) -> tuple[tf.Tensor, Any]:
            batch = slice(step * size, (step + 1) * size)
            return step + 1, self._step(inputs[batch], labels[batch])

        logs = self._step.get_concrete_function().structured_outputs
        none_yet = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), logs)
        done = tf.while_loop(lambda step, _: step < steps, take, (tf.constant(0), none_yet), parallel_iterations=1)
        return dict(done[1])


def _build_state(model: keras.Model, split: Split) -> None:
    """Make the variables of metrics and optimizer: what taps the step looks for them while it is traced."""
    inputs, labels = map(tf.constant, split.batch(slice(1)))  # as a step has them: functions of the user's see them
    outputs = model(inputs, training=False)
    model.compute_loss(inputs, labels, outputs, training=False)
    model.compute_metrics(inputs, labels, outputs)
    model.reset_metrics()
    make_variables_of(model.optimizer, model.trainable_variables)


def _spec_of(values: Any) -> tf.TensorSpec:
    return tf.TensorSpec((None, *values.shape[1:]), tf.as_dtype(values.dtype))


def _logs_of_epoch(model: keras.Model, logs: Mapping[str, float]) -> dict[str, float]:
    """Return the values of the model's metrics; of a `train_step` that logs something else, what it logged last."""
    metrics: Mapping[str, Any] = model.get_metrics_result()
    chosen = metrics if set(metrics) == set(logs) else logs
    return {name: float(chosen[name]) for name in sorted(chosen)}
