"""What a compiled model says of its task: told by the loss and the last activation, never by shapes alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tbcli.models.last_activation import last_activation
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task

_CROSSENTROPIES = {
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "kl_divergence",
}
_BINARY = {"binary_crossentropy", "binary_focal_crossentropy"}
_OF_VALUES = {
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "poisson",
}
_KNOWN = _CROSSENTROPIES | _BINARY | _OF_VALUES
_BY_SHAPE = {"crossentropy", "ce"}
"""Keras chooses one of the cross-entropies when it sees the first labels."""
_MOST_VALUES = 64  # of a regression; more are a picture or a signal, which no figure of single values shows


@dataclass(frozen=True, slots=True)
class Compiled:
    """What is known of a compiled model before it sees a sample.

    Args:
        task: What it learns; None where that is not known, or is not one of our tasks.
        from_logits: Whether its outputs are logits, from which `Task.read` makes probabilities.
        losses: Keras' names of the losses, or the names of the user's own functions; one per output.
        metrics: The names of the metrics that it was compiled with.
        reason: Why there is no task; with a task, on what guess it rests, or ``""``.
    """

    task: Task | None
    from_logits: bool
    losses: tuple[str, ...]
    metrics: tuple[str, ...]
    reason: str = ""


def read_compiled(model: keras.Model) -> Compiled:
    """Return what a model was compiled for; a model that was not compiled has no task."""
    losses, metrics = _flat(getattr(model, "loss", None)), tuple(_names_of_metrics(model))
    names = tuple(map(loss_name, losses))
    outputs = getattr(model, "outputs", None) or []
    if not losses:
        return Compiled(None, False, (), metrics, "the model was compiled without a loss")
    if len(outputs) > 1 or len(losses) > 1:
        return Compiled(None, False, names, metrics, f"the model has {max(len(outputs), len(losses))} outputs")
    shape = tuple(outputs[0].shape) if outputs else None
    activation = last_activation(model)
    # Of a softmax the loss takes the logits by itself, whatever it was told.
    from_logits = _says_from_logits(losses[0]) and activation not in ("softmax", "sigmoid")
    task, reason = _judge(names[0], activation, shape, metrics, from_logits=from_logits)
    return Compiled(task, from_logits, names, metrics, reason)


def _judge(
    loss: str,
    activation: str | None,
    shape: tuple[int | None, ...] | None,
    metrics: Iterable[str],
    *,
    from_logits: bool,
) -> tuple[Task | None, str]:
    """Return the task, and why there is none or on what guess it rests.

    Args:
        loss: Keras' name, or another.
        activation: The last one; None where it is not known.
        shape: Of the output, with the batch; None where it is not known.
        metrics: Names of the compiled metrics.
        from_logits: Whether the loss takes the outputs for logits.
    """
    if shape is not None and len(shape) > 2:
        return None, f"each sample has an output of shape {shape[1:]}, not one row of values"
    units = shape[-1] if shape and len(shape) == 2 else 1 if shape else None
    if loss in _BY_SHAPE:
        loss = {"softmax": "categorical_crossentropy", "sigmoid": "binary_crossentropy"}.get(activation or "", loss)
    is_known = activation is None or activation in ("softmax", "sigmoid") or from_logits
    if loss in _CROSSENTROPIES | _BINARY and not is_known:
        return None, f"the loss {loss!r} takes the outputs for probabilities, but the last activation is {activation!r}"
    if loss in _CROSSENTROPIES:
        return (None, "the only output is always 1") if units == 1 else (CLASSIFICATION, "")
    if loss in _BINARY and activation != "softmax":
        return _of_binary(units)
    if loss in _OF_VALUES and activation != "softmax":
        return _of_values(loss, units, metrics)
    if activation == "softmax" and units != 1:
        return CLASSIFICATION, f"told by the last activation, softmax, alone: the loss is {loss!r}"
    return None, f"the loss {loss!r} with the last activation {activation or 'unknown'!r} does not tell what is learnt"


def _of_binary(units: int | None) -> tuple[Task | None, str]:
    """Return the task of a binary cross-entropy: one unit tells two classes apart, each of several is a label."""
    if units is None:
        return None, "how many outputs the model has is not known before its first step"
    return (CLASSIFICATION if units == 1 else MULTI_LABEL), ""


def _of_values(loss: str, units: int | None, metrics: Iterable[str]) -> tuple[Task | None, str]:
    if any("accuracy" in name or name == "acc" for name in metrics):
        return None, f"the loss {loss!r} is one of values, but an accuracy is measured"
    if units is not None and units > _MOST_VALUES:
        return None, f"each sample has {units} values, more than can be looked at one by one"
    return REGRESSION, ""


def with_units(compiled: Compiled, model: keras.Model, units: int) -> Compiled:
    """Return the same, once the first outputs ``[n, units]`` of a model were seen that did not tell them before."""
    if getattr(model, "outputs", None) or not compiled.losses:
        return compiled
    shape = (None, units)
    task, reason = _judge(compiled.losses[0], None, shape, compiled.metrics, from_logits=compiled.from_logits)
    return Compiled(task, compiled.from_logits, compiled.losses, compiled.metrics, reason)


def loss_name(loss: Any) -> str:
    """Return Keras' own name of a loss, whether it is one by name, by function or by class; else the name it has."""
    if isinstance(loss, str):
        if loss.lower() in _BY_SHAPE:
            return loss.lower()
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return str(loss)
    if isinstance(loss, keras.losses.Loss):
        # A subclass computes what its author wants: only a class of Keras' own is what its name says.
        name = _snake(type(loss).__name__)
        owner, name = type(loss), str(loss.name) if name == "loss_function_wrapper" else name
    else:
        owner, name = loss, str(getattr(loss, "__name__", type(loss).__name__))
    is_theirs = not str(getattr(owner, "__module__", "")).startswith("keras.")
    return f"own {name}" if is_theirs and name in _KNOWN else name


def _says_from_logits(loss: Any) -> bool:
    if not isinstance(loss, keras.losses.Loss):
        return False
    try:
        config = loss.get_config()
    except NotImplementedError:
        return False
    return bool(config.get("from_logits"))


def _names_of_metrics(model: Any) -> Iterator[str]:
    """Yield the names of the metrics a model was compiled with, as they were written."""
    try:
        config = model.get_compile_config() or {}
    except Exception:  # noqa: BLE001 - of what a user compiled with, not all can be written down
        return
    for key in ("metrics", "weighted_metrics"):
        for metric in _flat(config.get(key)):
            yield _written(metric)


def _written(metric: Any) -> str:
    """Return the name of a metric in a compile configuration: a text, or a description of an object."""
    if not isinstance(metric, Mapping):
        return str(metric)
    inner = metric.get("config")
    return str(inner.get("name") if isinstance(inner, Mapping) else inner)


def _flat(given: Any) -> list[Any]:
    """Return the losses or metrics in whatever structure they were given; descriptions of objects stay whole."""
    if given is None:
        return []
    if isinstance(given, Mapping) and "class_name" not in given:
        return [each for value in given.values() for each in _flat(value)]
    if isinstance(given, (list, tuple)):
        return [each for value in given for each in _flat(value)]
    return [given]


def _snake(name: str) -> str:
    """Return ``mean_squared_error`` of ``MeanSquaredError``."""
    if name == "KLDivergence":
        return "kl_divergence"
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
