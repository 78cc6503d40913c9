"""From what was heard in a validation pass to evidence: labels of a task, what the outputs mean, and the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tbcli.data.dataset import Dataset, Split
from tbcli.data.fingerprint import fingerprint_samples
from tbcli.recorders.base import Evidence
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task
from tbcli.training.fits.compiled import Compiled
from tbcli.training.taps.validation import Heard

_FIRST_INPUTS = 16


class Unreadable(Exception):  # noqa: N818 - reads as what it says
    """What was heard is no evidence; says why."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A validation pass as recorders see it.

    Args:
        dataset: The validation samples, and nothing else of the data.
        evidence: The predictions; None where there are none that the task could read.
        why_no_evidence: Why not, or ``""``.
        has_inputs: Whether samples themselves are at hand.
    """

    dataset: Dataset
    evidence: Evidence | None
    why_no_evidence: str
    has_inputs: bool


def read_heard(heard: Heard, compiled: Compiled, name: str) -> Looked:
    """Return what recorders can look at of what was heard.

    Args:
        heard: Labels and outputs as the step had them.
        compiled: What the model was compiled for.
        name: What the data are called.
    """
    evidence, why = None, ""
    try:
        evidence = _read_evidence(heard, compiled)
    except Unreadable as error:
        why = str(error)
    labels = np.zeros(len(heard.labels), np.int64) if evidence is None else evidence.labels
    width = 0 if evidence is None else evidence.outputs.shape[1]
    dataset = stub_dataset(name, heard.inputs, labels, width, compiled.task)
    return Looked(dataset, evidence, why, heard.inputs is not None and len(heard.inputs) > 0)


def _read_evidence(heard: Heard, compiled: Compiled) -> Evidence:
    if compiled.task is None:
        raise Unreadable(compiled.reason)
    raw = heard.outputs if heard.outputs.ndim > 1 else heard.outputs[:, None]
    if raw.ndim != 2:
        raise Unreadable(f"each sample has an output of shape {raw.shape[1:]}, not one row of values")
    outputs = compiled.task.read(raw.astype(np.float32), from_logits=compiled.from_logits)
    labels = read_labels(compiled.task, heard.labels, outputs.shape[1])
    return Evidence(np.arange(len(labels), dtype=np.int64), labels, outputs, None, {}, task=compiled.task)


def fingerprint_heard(heard: Heard, looked: Looked) -> str:
    """Return a fingerprint of validation samples: of how many there are, all labels heard, and the first inputs."""
    evidence = looked.evidence
    meaning = repr((evidence and evidence.task.name, looked.dataset.class_names, heard.samples)).encode()
    inputs = np.zeros(0) if heard.inputs is None else heard.inputs[:_FIRST_INPUTS]
    return fingerprint_samples(meaning, inputs, heard.labels if evidence is None else evidence.labels)


def stub_dataset(
    name: str, inputs: np.ndarray | None, labels: np.ndarray | None, width: int, task: Task | None
) -> Dataset:
    """Return a dataset of validation samples alone; without labels one of which nothing is known.

    Args:
        name: What it is called.
        inputs: Of the first samples; None where they cannot be had.
        labels: Of all samples.
        width: Classes, labels or values of a sample.
        task: What is learnt.
    """
    nothing = Split(np.zeros((0,)), np.zeros(0, np.int64), np.zeros(0, np.int64))
    validation = None
    if labels is not None:
        samples = np.zeros((len(labels), 0)) if inputs is None else inputs
        validation = Split(samples, labels, np.arange(min(len(samples), len(labels)), dtype=np.int64))
    train = validation.first(0) if validation else nothing
    return Dataset(name, train, validation, None, names_of(task, width), task=task or CLASSIFICATION)


def names_of(task: Task | None, width: int) -> tuple[str, ...]:
    """Return names for classes, labels or values that nobody named: their numbers, ``value`` for a single value."""
    return ("value",) if task is REGRESSION and width == 1 else tuple(map(str, range(width)))


def read_labels(task: Task, labels: np.ndarray, width: int) -> np.ndarray:
    """Return labels as the task has them: class numbers ``[n]``, 0 and 1 ``[n, width]``, or values ``[n, width]``.

    Args:
        task: What is learnt.
        labels: As the model was given them.
        width: Classes, labels or values of a sample.

    Raises:
        Unreadable: They are something else.
    """
    flat = labels.reshape(len(labels), -1)
    if flat.dtype.kind not in "biuf" and flat.dtype.name != "bfloat16":
        raise Unreadable(f"the labels are of type {flat.dtype}")
    if task is CLASSIFICATION:
        return _class_numbers(flat, width)
    if flat.shape[1] != width:
        raise Unreadable(f"the labels have {flat.shape[1]} values per sample, the outputs {width}")
    if task is MULTI_LABEL:
        if not np.isin(flat, (0, 1)).all():
            raise Unreadable("the labels are not 0 or 1")
        return flat.astype(np.uint8)
    return flat.astype(np.float32)


def _class_numbers(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return class numbers ``[n]`` of numbers ``[n, 1]`` or of rows with a single 1 ``[n, classes]``."""
    if labels.shape[1] == classes > 1:
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise Unreadable("the labels are no single class of each sample")
        found: np.ndarray = labels.argmax(axis=1).astype(np.int64)
        return found
    if labels.shape[1] != 1:
        raise Unreadable(f"the labels have {labels.shape[1]} values per sample, for {classes} classes")
    numbers = labels[:, 0].astype(np.int64)
    if (numbers != labels[:, 0]).any() or numbers.min() < 0 or numbers.max() >= classes:
        raise Unreadable(f"the labels are no class numbers from 0 to {classes - 1}")
    return numbers
