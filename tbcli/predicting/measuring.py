"""The saved model measured on data: on those that its run held out, or on others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tbcli.config import Config
from tbcli.data import load_dataset
from tbcli.data.dataset import Dataset, Split
from tbcli.data.fingerprint import fingerprints
from tbcli.data.tables import load_table
from tbcli.errors import DoesNotFit
from tbcli.naming.matching import listed
from tbcli.predicting.saved import SavedModel
from tbcli.training.evaluation import Evaluator
from tbcli.training.objective import choose_objective
from tbcli.training.optimizing import StepPlan, compile_model

_LOOKED_AT = 64  # samples, for the scale of their values


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model is worth on a split.

    Args:
        data: Name of the data.
        split: ``test``, ``validation``, or ``all`` of the samples.
        samples: How many there are.
        metrics: ``{name: value}``.
        fingerprint: Of the split; equal for equal data.
    """

    data: str
    split: str
    samples: int
    metrics: dict[str, float]
    fingerprint: str


def evaluate_saved(
    saved: SavedModel, config: Config, *, is_other: bool, say: Callable[[str], None], check: Callable[[], None]
) -> Measured:
    """Measure a saved model.

    Args:
        saved: The model.
        config: The run's, with the data to measure it on.
        is_other: Whether these are not the data of the run: then all of them are used where there is no test set.
        say: Receives how the data were understood.
        check: Called after every batch; may raise to stop.

    Raises:
        DoesNotFit: The data do not suit the model.
    """
    data = config.data
    if is_other:
        data = replace(data, validation_split=0.0, test_split=0.0, task=saved.task.name)
        if saved.is_of_images and not data.image_size:
            height, width, channels = saved.input_shape
            data = replace(data, image_size=f"{height}x{width}", color="grey" if channels == 1 else "rgb")
    dataset = load_table(data, saved.columns) if saved.columns else load_dataset(data, to_train=not is_other)
    for note in dataset.notes if is_other else ():
        say(note)
    name, split = _judged(dataset)
    fingerprint = fingerprints(dataset)["train" if name == "all" else name]
    split = replace(split, labels=_as_numbered(saved, dataset))
    _require_shape(saved, dataset)
    saved.require_scale(np.asarray(split.batch(slice(_LOOKED_AT))[0]))
    whole = replace(dataset, train=split, validation=None, test=split, class_names=saved.class_names)
    model = saved.model
    outputs = int(model.output_shape[-1])
    objective = choose_objective(config.train, whole, model, outputs, from_logits=saved.from_logits)
    compile_model(model, config.train, StepPlan(1), 1, objective)
    evaluator = Evaluator(model, whole, check, config.record, from_logits=objective.from_logits)
    evidence = evaluator.evaluate(split)
    metrics = {**evidence.metrics, **saved.task.measure(evidence.labels, evidence.outputs)}
    loss = metrics.pop("loss")
    if saved.has_own_loss:
        say("the loss is left out: it was one that the model's own function chose")
    found = metrics if saved.has_own_loss else {"loss": loss, **metrics}
    return Measured(dataset.name, name, len(split), found, fingerprint)


def _judged(dataset: Dataset) -> tuple[str, Split]:
    """Return the split that a model is judged by, and its name."""
    if dataset.test is not None:
        return "test", dataset.test
    if dataset.validation is not None:
        return "validation", dataset.validation
    return "all", dataset.train


def _as_numbered(saved: SavedModel, dataset: Dataset) -> np.ndarray:
    """Return the labels with the numbers that the model gave their classes.

    Raises:
        DoesNotFit: There are classes that the model does not know.
    """
    labels = (dataset.test or dataset.validation or dataset.train).labels
    if dataset.class_names == saved.class_names:
        return labels
    known = {name: number for number, name in enumerate(saved.class_names)}
    strangers = [name for name in dataset.class_names if name not in known]
    if strangers or not saved.task.has_classes:
        what = f"{dataset.name!r} has {listed(strangers or list(dataset.class_names))}"
        raise DoesNotFit(f"{what}, which the model does not know", hint=f"it knows {listed(list(saved.class_names))}")
    numbers: np.ndarray = np.array([known[name] for name in dataset.class_names], np.int64)[labels]
    return numbers


def _require_shape(saved: SavedModel, dataset: Dataset) -> None:
    if saved.input_shape and dataset.input_shape != saved.input_shape:
        raise DoesNotFit(
            f"{dataset.name!r} has samples of shape {dataset.input_shape}; the model takes {saved.input_shape}",
            hint="data of the shape that it was trained on; `--image-size` brings images to it",
        )
