"""What a model is fitted by and measured by: loss and metrics of the task, of the settings, of a compiled model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.config import TrainConfig
from tbcli.data.dataset import Dataset
from tbcli.errors import DoesNotFit, describe_error
from tbcli.models import is_compiled
from tbcli.models.last_activation import last_activation
from tbcli.tasks import Task
from tbcli.tasks.measures import METRICS, POSITIVES
from tbcli.training.fits.compiled import Compiled, read_compiled
from tbcli.training.losses_and_metrics import Maker, Part, is_known_loss
from tbcli.usercode import with_trace


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss, and what is measured besides.

    Args:
        loss: For `keras.Model.compile`.
        loss_name: What the record calls it.
        metrics: Makes new metrics, for they keep their sums.
        names: What the history calls the metrics, in their order.
        from_logits: Whether the model's outputs are logits.
        plain_metrics: Makes those that Keras alone can load with a model.
        is_plain: Whether that is so of the loss.
        is_usual: Whether it is the task's own, and known to work.
        notes: What was decided where it was not said, in sentences.
    """

    loss: Any
    loss_name: str
    metrics: Callable[[], list[Any]]
    names: tuple[str, ...]
    from_logits: bool = False
    plain_metrics: Callable[[], list[Any]] = list
    is_plain: bool = True
    is_usual: bool = False
    notes: tuple[str, ...] = ()


def usual_objective(task: Task, outputs: int) -> Objective:
    """Return loss and metrics of a task.

    Args:
        task: What is learnt.
        outputs: How many the model has.
    """
    loss = task.loss(outputs)
    return replace(_objective(Part(loss, lambda: loss), _usual_metrics(task)), is_usual=True)


def choose_objective(
    config: TrainConfig, dataset: Dataset, model: keras.Model, outputs: int, *, from_logits: bool = False
) -> Objective:
    """Return loss and metrics: those of the settings, else those the model was compiled with, else those of the task.

    Args:
        config: What was asked.
        dataset: Tells the task, and how many classes there are.
        model: Built, perhaps compiled.
        outputs: How many it has.
        from_logits: Whether they are known to be logits; a compiled model tells it.

    Raises:
        ConfigError: There is no such loss or metric.
        NotFound: There is no such file of the user's.
        DoesNotFit: A loss or a metric does not suit the task, or the task is not that of the compiled model.
    """
    task, compiled = dataset.task, read_compiled(model) if is_compiled(model) else None
    if compiled is None and not (config.loss or config.metrics or from_logits):
        return usual_objective(task, outputs)
    if compiled is not None and not config.loss:
        _require_same_task(compiled, dataset)
    found, notes = _reads_logits(model, compiled, task)
    from_logits = from_logits or found
    maker = Maker(task, len(dataset.class_names), outputs, from_logits)
    loss = maker.loss(config.loss) if config.loss or not compiled else maker.loss(_own_loss(model), is_of_model=True)
    metrics = {part.name: part for part in _usual_metrics(task)}
    if from_logits:
        metrics = {name: maker.metric(name) for name in metrics}
    own = [maker.metric(each, is_of_model=True) for each in (_own_metrics(model) if compiled else [])]
    asked = [maker.metric(each) for each in config.metrics]
    for part in (*own, *asked):
        metrics.setdefault(part.name, part)
    if compiled and config.loss:
        notes = (*notes, f"--loss replaces the model's own: {', '.join(compiled.losses)}")
    notes = (*notes, *_note_on_many_classes(dataset, [part.name for part in asked]))
    return replace(_objective(loss, list(metrics.values())), from_logits=from_logits, notes=notes)


def _note_on_many_classes(dataset: Dataset, names: Sequence[str]) -> list[str]:
    """Return what is to be known of metrics of two classes where there are more."""
    of_positives = {each.name for each in METRICS if each.compares == POSITIVES} - {"f1_score"}
    if not dataset.task.has_classes or len(dataset.class_names) == 2:
        return []
    found = [name for name in names if name in of_positives]
    return [f"{', '.join(found)}: of all classes together, each against the others"] if found else []


def _objective(loss: Part, metrics: Sequence[Part]) -> Objective:
    return Objective(
        loss.make(),
        loss.name,
        lambda: [part.make() for part in metrics],
        tuple(part.name for part in metrics),
        plain_metrics=lambda: [part.make() for part in metrics if part.is_plain],
        is_plain=loss.is_plain,
    )


def _usual_metrics(task: Task) -> list[Part]:
    """Return what a task is always measured by, under our names."""
    ours: dict[str, Callable[[], Any]] = {
        "mae": lambda: keras.metrics.MeanAbsoluteError(name="mae"),
        "rmse": lambda: keras.metrics.RootMeanSquaredError(name="rmse"),
        "r2": lambda: keras.metrics.R2Score(name="r2"),
    }
    return [Part(name, ours.get(name, partial(str, name))) for name in task.metrics]


def _require_same_task(compiled: Compiled, dataset: Dataset) -> None:
    """Check that a compiled model learns what the data teach.

    Raises:
        DoesNotFit: It does not, or its own loss and its last activation contradict each other.
    """
    task, is_named = compiled.task, any(is_known_loss(name) for name in compiled.losses)
    if task is None and is_named:
        hint = f"compile it for {dataset.task.name}, such as with loss={dataset.task.loss(len(dataset.class_names))!r}"
        is_of_logits = "takes the outputs for probabilities" in compiled.reason
        hint = "softmax or sigmoid as the last activation, or a loss with from_logits=True" if is_of_logits else hint
        raise DoesNotFit(f"the compiled model cannot be trained: {compiled.reason}", hint=hint)
    if task is not None and task is not dataset.task:
        raise DoesNotFit(
            f"the model is compiled for {task.name} (loss {', '.join(compiled.losses)}), "
            f"but {dataset.name!r} is {dataset.task.name}",
            hint="another loss, `--task`, or `--loss` to overrule that of the model",
        )


def _reads_logits(model: keras.Model, compiled: Compiled | None, task: Task) -> tuple[bool, tuple[str, ...]]:
    """Return whether the outputs are logits, and what to say where nobody said so."""
    if task.activation() == "linear" or compiled is None:  # models that are not compiled have their activation by now
        return False, ()
    if compiled.from_logits:
        return True, ()
    if last_activation(model) == "linear":
        return True, ("the last layer has no activation: its outputs are taken for logits",)
    return False, ()


def _own_loss(model: keras.Model) -> Any:
    """Return the loss that a model of one output was compiled with, as it was given."""
    return keras.tree.flatten(model.loss)[0]


def _own_metrics(model: keras.Model) -> list[Any]:
    """Return the metrics a model was compiled with, as they were given."""
    container = getattr(model, "_compile_metrics", None)  # Keras has no other door to the objects
    given = getattr(container, "_user_metrics", None)
    return [each for each in keras.tree.flatten(given) if each is not None]


def try_objective(model: keras.Model, dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the metrics, once loss and metrics of a compiled model were seen to work on two samples.

    They are called in a graph, as in training: what needs the values themselves fails there alone.

    Raises:
        DoesNotFit: One of them fails, or gives more than one number, or the loss does not depend on the outputs.
    """
    inputs, labels = (tf.constant(values) for values in dataset.train.batch(slice(2)))
    outputs = tf.constant(np.asarray(model(inputs, training=False)))

    def losses(inputs: Any, labels: Any, outputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            loss = model.compute_loss(inputs, labels, outputs, training=False)
        gradient = tape.gradient(loss, outputs)
        return loss, tf.constant(gradient is not None)

    with _told(dataset.task, "the loss"):
        loss, has_gradient = tf.function(losses, autograph=False)(inputs, labels, outputs)
    if not has_gradient:
        raise DoesNotFit(
            "the loss does not depend on the outputs: it has no gradient", hint="compute it with keras.ops"
        )
    with _told(dataset.task, "a metric"):
        model.compute_metrics(inputs, labels, outputs)  # makes their variables
        measure = tf.function(lambda *batch: model.compute_metrics(*batch), autograph=False)
        values = {"loss": loss, **measure(inputs, labels, outputs)}
    for name, value in values.items():
        if keras.ops.ndim(value):
            raise DoesNotFit(
                f"{name!r} gives {keras.ops.size(value)} numbers, but one is wanted", hint="such as their mean"
            )
    model.reset_metrics()
    return tuple(name for name in values if name != "loss")


@contextmanager
def _told(task: Task, what: str) -> Iterator[None]:
    """Raise what comes out of a user's code as an error that says what it is called with."""
    try:
        yield
    except Exception as error:
        said = re.sub(r"\{\{.*?\}\}\s*| \[Op:.*|\. .*", "", describe_error(error))
        failed = DoesNotFit(
            f"{what} fails: {said}",
            hint=f"it is called with labels, which of {task.name} are {task.labels_are}, and outputs",
        )
        raise with_trace(failed, error) from error
