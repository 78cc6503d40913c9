"""Names, references and objects become losses and metrics that suit task and model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from tbcli.errors import ConfigError, DoesNotFit
from tbcli.naming.direction import NOT_METRICS
from tbcli.tasks import Task
from tbcli.tasks.measures import (
    METRICS,
    NUMBERS,
    ONE_HOT,
    VALUES,
    WITH_ARGUMENTS,
    Measure,
    find_loss,
    find_metric,
    known_loss,
    known_metric,
)
from tbcli.training.encoded import EncodedLoss, EncodedMetric, Encoding
from tbcli.training.fits.compiled import loss_name
from tbcli.usercode import call_by_name, is_reference, load_user_object


@dataclass(frozen=True, slots=True)
class Part:
    """A loss or a metric: how to make it, and whether Keras alone can load it."""

    name: str
    make: Callable[[], Any]
    is_plain: bool = True


def is_known_loss(name: str) -> bool:
    """Return whether a loss is one of Keras' that settings can name."""
    try:
        known_loss(name)
    except ConfigError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes losses and metrics for one model and data.

    Args:
        task: What is learnt.
        classes: How many classes, labels or values there are.
        outputs: How many the model has.
        from_logits: Whether these are logits.
    """

    task: Task
    classes: int
    outputs: int
    from_logits: bool

    def loss(self, given: Any, *, is_of_model: bool = False) -> Part:
        """Return the loss of a name, a reference, or an object.

        Args:
            given: One of these.
            is_of_model: Whether a model was compiled with it: then it takes the model's outputs as they are.
        """
        if isinstance(given, str) and is_reference(given):
            own = _users(given, "loss")
            return Part(_short(given), lambda: own, is_plain=False)
        name = given if isinstance(given, str) else loss_name(given)
        if not (isinstance(given, str) and not is_of_model) and not is_known_loss(name):
            return Part(name, lambda: given, is_plain=_is_of_keras(given))
        measure = self._of_model(known_loss(name)) if is_of_model else None
        measure = measure or find_loss(name, self.task, self.outputs)
        return self._encoded_loss(measure, None if isinstance(given, str) else keras.losses.get(given))

    def _of_model(self, measure: Measure) -> Measure | None:
        """Return what compares values as what compares one-hot labels with probabilities, where there are classes."""
        is_meant = self.task.has_classes and measure.compares == VALUES
        return replace(measure, compares=ONE_HOT) if is_meant else None

    def _encoded_loss(self, measure: Measure, given: Any) -> Part:
        """Return a loss of Keras'; on encoded labels where it takes others than the task's."""
        kind = getattr(keras.losses, measure.keras)
        takes_logits = "from_logits" in inspect.signature(kind).parameters
        needs = self.task.has_classes and (
            measure.compares == ONE_HOT or (measure.compares == NUMBERS) == (self.outputs == 1)
        )
        if given is None and self.from_logits:
            if takes_logits and not needs:
                return Part(measure.name, lambda: kind(from_logits=True))
            needs = True
        loss = given if isinstance(given, keras.losses.Loss) else kind()
        if not needs:
            return Part(measure.name, lambda: loss)
        encoding = self._encoding(measure, leaves_outputs=given is not None)
        return Part(measure.name, lambda: EncodedLoss(loss, encoding), is_plain=False)

    def metric(self, given: Any, *, is_of_model: bool = False) -> Part:
        """Return the metric of a name, a reference, or an object.

        Args:
            given: One of these.
            is_of_model: Whether a model was compiled with it: then it takes the model's outputs as they are.
        """
        if isinstance(given, str) and is_reference(given):
            given = _users(given, "metric")
        if callable(given) and _is_of_keras(given) and inspect.isfunction(given):
            given = given.__name__
        if isinstance(given, str):
            measure = self._of_model(known_metric(given)) if is_of_model else None
            return self._named_metric(measure or find_metric(given, self.task))
        if not isinstance(given, keras.metrics.Metric):
            name = str(getattr(given, "__name__", type(given).__name__))
            return self._own(Part(name, lambda: keras.metrics.MeanMetricWrapper(given, name=name), is_plain=False))
        known = (*METRICS, *WITH_ARGUMENTS)
        measure = next((each for each in known if type(given) is getattr(keras.metrics, each.keras, None)), None)
        measure = (self._of_model(measure) if measure and is_of_model else None) or measure
        if measure is None or not measure.suits(self.task):
            return self._own(Part(given.name, lambda: given, is_plain=_is_of_keras(given)))
        name = measure.name if given.name in measure.also else given.name  # the same as one of ours
        if not self._needs_encoding(measure):
            return self._own(Part(name, lambda: given))
        encoding = self._encoding(measure, leaves_outputs=is_of_model)
        return self._own(Part(name, lambda: EncodedMetric(given, encoding), is_plain=False))

    def _own(self, part: Part) -> Part:
        if part.name in ("loss", *NOT_METRICS):
            raise DoesNotFit(f"a metric cannot be called {part.name!r}", hint="give it another name")
        return part

    def _named_metric(self, measure: Measure) -> Part:
        def make() -> Any:
            if measure.keras.islower():
                return keras.metrics.MeanMetricWrapper(getattr(keras.losses, measure.keras), name=measure.name)
            return getattr(keras.metrics, measure.keras)(name=measure.name, **self._arguments(measure))

        if not self._needs_encoding(measure):
            return Part(measure.name, make)
        encoding = self._encoding(measure)
        return Part(measure.name, lambda: EncodedMetric(make(), encoding), is_plain=False)

    def _needs_encoding(self, measure: Measure) -> bool:
        is_odd = self.task.has_classes and (measure.compares != NUMBERS or self.outputs == 1)
        needs_order_alone = measure.compares == NUMBERS and measure.name.endswith("accuracy")
        return is_odd or (self.from_logits and not needs_order_alone)

    def _arguments(self, measure: Measure) -> dict[str, Any]:
        """Return what lets a metric give one value: the mean over classes or labels."""
        if measure.name != "f1_score":
            return {}
        is_of_largest = self.task.has_classes and self.classes > 2
        return {"average": "macro", "threshold": None if is_of_largest else 0.5}

    def _encoding(self, measure: Measure, *, leaves_outputs: bool = False) -> Encoding:
        return Encoding(self.task, self.classes, measure.compares, self.from_logits, leaves_outputs)


def _is_of_keras(thing: Any) -> bool:
    owner = thing if inspect.isfunction(thing) else type(thing)
    return isinstance(thing, str) or str(owner.__module__).startswith("keras.")


def _short(reference: str) -> str:
    """Return what a record calls a function of the user's: ``file.py:function``."""
    place, _, name = reference.rpartition(":")
    return f"{Path(place).name}:{name}"


def _users(reference: str, what: str) -> Any:
    """Return a loss or metric of the user's: a function of labels and outputs, an object, or what makes one."""
    signature = f"def {what}(y_true, y_pred): ..."
    found = load_user_object(reference, what=f"{what} function", signature=signature)
    kind = keras.losses.Loss if what == "loss" else keras.metrics.Metric
    if inspect.isclass(found) or (callable(found) and not isinstance(found, kind) and not _takes_arguments(found)):
        found = call_by_name(found, {}, (), what=f"{what} function", signature=signature)
    if not isinstance(found, kind) and not callable(found):
        raise DoesNotFit(
            f"{reference!r} gives no {what}, but {type(found).__name__}",
            hint=f"`{signature}`, or a class or a function that returns a keras.{what}",
        )
    return found


def _takes_arguments(function: Any) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(each.default is each.empty and each.kind is not each.VAR_KEYWORD for each in parameters)
