"""Every recorder that looks at predictions keeps its promises for every task: one label or forty, values far off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tbcli.data.dataset import Dataset, Split
from tbcli.figures.png.predicted import draw_predicted, draw_residuals
from tbcli.loading import load_object
from tbcli.recorders.base import Evidence, Snapshot
from tbcli.recorders.projector import describe_points, first_colour
from tbcli.recorders.registry import RECORDERS, Promise
from tbcli.recorders.reporting import describe_report
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, TASKS, Task
from tests.recorders.memory import MemoryWriter, snapshot
from tests.recorders.pictures import pixels_of

LOOKING = ("data", "samples", "confusion", "mistakes", "projector", "pr_curves", "text", "hparams")
IMAGES, ROWS = (8, 6, 3), (5,)


def labels_of(task: Task, count: int, size: int) -> np.ndarray:
    random = np.random.default_rng(3)
    if task is CLASSIFICATION:
        return random.integers(0, size, count)
    if task is MULTI_LABEL:
        return (random.uniform(size=(count, size)) < 0.4).astype(np.uint8)
    return random.normal(50, 10, (count, size)).astype(np.float32)


def outputs_of(task: Task, labels: np.ndarray, size: int) -> np.ndarray:
    random = np.random.default_rng(4)
    if task is REGRESSION:
        return (labels + random.normal(0, 5, labels.shape)).astype(np.float32)
    raw = random.uniform(0.01, 1, (len(labels), size)).astype(np.float32)
    return raw / raw.sum(axis=1, keepdims=True) if task is CLASSIFICATION else raw


def evidence_of(task: Task, split: Split, size: int) -> Evidence:
    labels = split.labels[split.positions]
    features = np.random.default_rng(5).normal(size=(len(split), 4)).astype(np.float32)
    return Evidence(split.positions, labels, outputs_of(task, labels, size), features, {"loss": 0.5}, task)


def moment(task: Task, size: int, count: int = 30, shape: tuple[int, ...] = IMAGES) -> Snapshot:
    """Return a moment in which everything was seen."""
    random = np.random.default_rng(6)

    def split(samples: int) -> Split:
        inputs = random.integers(0, 256, (samples, *shape)).astype(np.uint8)
        return Split(inputs, labels_of(task, samples, size), np.arange(samples))

    names = tuple(f"{'a rather long name of ' * (number % 2)}<b>{number}" for number in range(size))
    dataset = Dataset("made up", split(count), split(count), split(count), names, task)
    assert dataset.validation is not None
    assert dataset.test is not None
    return replace(
        snapshot(2, model=MODEL),
        dataset=dataset,
        has_features=True,
        facts={"task": task.name},
        outcome="finished",
        validation=evidence_of(task, dataset.validation, size),
        probe=evidence_of(task, dataset.probe, size),
        test=evidence_of(task, dataset.test, size),
    )


class _Model:
    name = "none"
    layers: tuple[Any, ...] = ()
    weights: tuple[Any, ...] = ()
    trainable_weights: tuple[Any, ...] = ()


MODEL = _Model()
CASES = [(task, size) for task in TASKS.values() for size in (2, 40)] + [(REGRESSION, 1), (MULTI_LABEL, 1)]


def promised(name: str, task: Task) -> Iterator[Promise]:
    for promise in RECORDERS[name].promises:
        is_of_scalars = promise.dashboard == "hparams" and "scalars" in promise.needs
        if (not promise.tasks or task.name in promise.tasks) and not is_of_scalars:
            yield promise


def is_kept(promise: Promise, writer: MemoryWriter) -> bool:
    if promise.dashboard == "hparams":
        return any(tag.startswith("_hparams_/") for _, tag in writer.written)
    if promise.dashboard == "projector":
        return ("projector", "") in writer.written
    return any(tag.startswith(promise.tag) and where == (promise.where or where) for where, tag in writer.written)


@pytest.mark.parametrize("shape", [IMAGES, ROWS])
@pytest.mark.parametrize(("task", "size"), CASES)
@pytest.mark.parametrize("name", LOOKING)
def test_what_is_promised_for_a_task_is_written(name: str, task: Task, size: int, shape: tuple[int, ...]) -> None:
    now, writer, recorder = moment(task, size, shape=shape), MemoryWriter(), load_object(RECORDERS[name].target)()
    reason = recorder.unsuitable(now)
    if reason is not None:
        assert (name, task) == ("pr_curves", REGRESSION)
        assert reason == "the task is regression: its outputs are no probabilities"
        return
    recorder.on_begin(now, writer)
    recorder.on_epoch(now, writer)
    recorder.on_end(now, writer)
    left_out = recorder.leaves_out(now)
    assert [one for one in promised(name, task) if not is_kept(one, writer) and one.tag not in left_out] == []
    of_others = {one.tag for one in RECORDERS[name].promises} - {one.tag for one in promised(name, task)}
    assert not [tag for _, tag in writer.written if tag in of_others]


@pytest.mark.parametrize("task", TASKS.values())
@pytest.mark.parametrize("name", LOOKING)
def test_a_single_sample_is_enough(name: str, task: Task) -> None:
    now, recorder = moment(task, 3, count=1), load_object(RECORDERS[name].target)()
    if recorder.unsuitable(now) is None:
        for write in (recorder.on_begin, recorder.on_epoch, recorder.on_end):
            write(now, MemoryWriter())


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("name", LOOKING)
def test_values_that_are_no_numbers_are_said_and_drawn_around(name: str, spoilt: float) -> None:
    now = moment(REGRESSION, 2)
    assert now.validation is not None
    outputs = now.validation.outputs.copy()
    outputs[:3, 0] = spoilt
    outputs[:, 1] = spoilt
    now = replace(now, validation=replace(now.validation, outputs=outputs))
    recorder, writer = load_object(RECORDERS[name].target)(), MemoryWriter()
    if recorder.unsuitable(now) is None:
        recorder.on_begin(now, writer)
        recorder.on_epoch(now, writer)
    if name == "text" and not np.isfinite(spoilt):
        assert "30 of them without finite values" in writer.written["validation", "run/report_validation"][0][1]


def test_the_report_of_values_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    now = moment(REGRESSION, 2)
    seen = now.validation
    assert seen is not None
    rows = [line for line in describe_report(seen, ("price", "size")).splitlines() if line.startswith("| ")][2:]
    for column, line in enumerate(rows):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        true, predicted = seen.labels[:, column], seen.outputs[:, column]
        expected = [scored(true, predicted) for scored in (mean_absolute_error, root_mean_squared_error, r2_score)]
        error = predicted.astype(np.float64) - true
        expected += [error.mean(), *np.quantile(error, (0.05, 0.25, 0.5, 0.75, 0.95)), np.abs(error).max()]
        assert [float(cell) for cell in cells[1:]] == pytest.approx(expected, rel=1e-3)


def test_the_report_of_labels_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import f1_score, precision_recall_fscore_support

    seen = moment(MULTI_LABEL, 3).validation
    assert seen is not None
    report = describe_report(seen, ("a", "b", "c"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in report.splitlines() if line[:1] == "|"]
    expected = np.array(precision_recall_fscore_support(seen.labels, seen.predictions, zero_division=0))
    for number, row in enumerate(rows[2:5]):
        assert [float(cell) for cell in row[1:]] == pytest.approx(expected[:, number].tolist(), abs=1e-4)
    assert f"micro F1 {f1_score(seen.labels, seen.predictions, average='micro'):.4f}" in report
    assert float(rows[5][3]) == pytest.approx(f1_score(seen.labels, seen.predictions, average="macro"), abs=1e-4)


def test_points_of_a_regression_are_coloured_by_their_value() -> None:
    now = moment(REGRESSION, 2)
    assert now.validation is not None
    header, *lines = describe_points(now.validation, ("price", "price")).splitlines()
    label, colour = first_colour(REGRESSION, ("price", "price"))
    assert label == colour == header.split("\t")[0]
    assert len(set(header.split("\t"))) == len(header.split("\t"))
    values = [float(line.split("\t")[0]) for line in lines]
    assert values == pytest.approx(now.validation.labels[:, 0].tolist(), rel=1e-5)


def test_points_with_labels_have_a_column_for_each() -> None:
    now = moment(MULTI_LABEL, 3)
    assert now.validation is not None
    header, *lines = describe_points(now.validation, ("a", "b", "c")).splitlines()
    columns = header.split("\t")
    assert columns[0] == "labels"
    told = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
    for point, labels in zip(told, now.validation.labels, strict=True):
        assert [int(point[name]) for name in "abc"] == labels.tolist()
        assert int(point["number of labels"]) == labels.sum()


@pytest.mark.parametrize("draw", [draw_predicted, draw_residuals])
@pytest.mark.parametrize("values", [1, 2, 5, 40])
def test_values_are_drawn_at_the_width_of_a_thumbnail(draw: Any, values: int) -> None:
    labels = labels_of(REGRESSION, 200, values)
    png, size = draw(labels, outputs_of(REGRESSION, labels, values), [f"v{n}" * 20 for n in range(values)], "t" * 200)
    pixels = pixels_of(png)
    assert (pixels.shape[1], pixels.shape[0]) == size
    assert size[0] == 350
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 3


@pytest.mark.parametrize("draw", [draw_predicted, draw_residuals])
def test_a_constant_value_and_a_perfect_model_are_drawn(draw: Any) -> None:
    constant = np.full((10, 1), 3.0, np.float32)
    for true, predicted in ((constant, constant), (constant, constant * np.nan), (constant * 0, constant * 0)):
        assert draw(true, predicted, ("x",), "title")[1][0] == 350
