"""What a run keeps of its predictions comes back as it was, and what is missing or spoilt is said in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tbcli.errors import NotFound
from tbcli.runs import Run
from tbcli.runs.evidence import (
    Predictions,
    read_features,
    read_layers,
    read_mistakes,
    read_predictions,
    read_task,
    write_evidence,
)
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions

TOLD = predictions(np.arange(40) % 4, 4, names=["cat", "$x$", "漢字", "<b>|\n"], skill=1)
PICTURES = np.random.default_rng(1).integers(0, 256, (40, 5, 7, 3)).astype(np.uint8)
FEATURES = np.arange(60, dtype=np.float32).reshape(10, 6)


def measured_run(place: Path, without: tuple[str, ...] = ()) -> Run:
    run = make_run(place, files=False)
    keep_evidence(run, TOLD, features=FEATURES, pictures=PICTURES, without=without)
    return run


def test_predictions_come_back_as_they_were_kept(tmp_path: Path) -> None:
    found = read_predictions(measured_run(tmp_path))
    for name in ("indices", "labels", "probabilities", "guesses"):
        assert np.array_equal(getattr(found, name), getattr(TOLD, name))
    assert (found.class_names, found.split) == (TOLD.class_names, "test")


def test_without_a_test_set_the_validation_split_is_taken(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    write_evidence(run, [replace(TOLD, split="validation")])
    assert read_predictions(run).split == "validation"


def test_mistakes_are_rows_of_the_split_with_their_pictures(tmp_path: Path) -> None:
    found = read_mistakes(measured_run(tmp_path))
    assert found.count == np.count_nonzero(TOLD.guesses != TOLD.labels)
    assert (TOLD.guesses[found.rows] != TOLD.labels[found.rows]).all()
    sure = TOLD.probabilities.max(axis=1)[found.rows]
    assert (np.diff(sure) <= 0).all()
    assert found.thumbnails is not None
    assert np.array_equal(found.thumbnails, PICTURES[found.rows])


def test_features_come_with_the_labels_of_the_same_samples(tmp_path: Path) -> None:
    found = read_features(measured_run(tmp_path))
    assert np.array_equal(found.features, FEATURES)
    assert np.array_equal(found.labels, TOLD.labels[:10])
    assert np.array_equal(found.probabilities, TOLD.probabilities[:10])


@pytest.mark.parametrize(
    ("read", "without", "said", "hint"),
    [
        (read_features, "projector_features", "keeps no features in its evidence", "connected in the open"),
        (read_mistakes, "test_mistakes_indices", "keeps no mistakes to show", "tbcli train --config"),
        (read_predictions, "test_labels", "neither test nor validation samples", "tbcli train --config"),
        (read_predictions, "class_names", "keeps no 'class_names'", "tbcli train --config"),
    ],
)
def test_an_old_run_without_the_arrays_is_told_in_words(tmp_path: Path, read, without, said, hint) -> None:
    with pytest.raises(NotFound, match=said) as caught:
        read(measured_run(tmp_path, (without,)))
    assert hint in caught.value.hint


@pytest.mark.parametrize(("status", "said"), [("interrupted", "it is interrupted"), ("diverged", "it is diverged")])
def test_a_run_that_did_not_finish_has_no_evidence_and_says_why(tmp_path: Path, status: str, said: str) -> None:
    with pytest.raises(NotFound, match=said) as caught:
        read_predictions(make_run(tmp_path, status=status, files=False))
    assert "--kind history" in caught.value.hint


def test_a_live_run_has_no_evidence_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "is_live", lambda self: True)
    with pytest.raises(NotFound, match="no evidence yet"):
        read_predictions(make_run(tmp_path, files=False))


def test_a_file_that_is_spoilt_anywhere_is_read_right_or_refused(tmp_path: Path) -> None:
    run = measured_run(tmp_path)
    whole = run.evidence_file.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 300)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x11
        run.evidence_file.write_bytes(spoilt)
        for read in (read_predictions, read_mistakes, read_features):
            try:
                read(run)
            except NotFound:
                continue
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        run.evidence_file.write_bytes(whole[:cut])
        with pytest.raises(NotFound, match="cannot read"):
            read_predictions(run)


@pytest.mark.parametrize(
    "wrong",
    [
        {"test_labels": np.arange(39) % 4},
        {"test_labels": np.full(40, 4)},
        {"test_labels": np.full(40, -1)},
        {"test_indices": np.arange(39)},
        {"class_names": np.array(["a", "b"])},
        {"test_probabilities": np.zeros((40, 5), np.float32)},
        {"test_labels": np.zeros(0, int), "test_probabilities": np.zeros((0, 4)), "test_indices": np.zeros(0, int)},
    ],
)
def test_arrays_that_do_not_fit_one_another_are_refused(tmp_path: Path, wrong: dict[str, np.ndarray]) -> None:
    run = measured_run(tmp_path)
    with np.load(run.evidence_file) as kept:
        np.savez(run.evidence_file, **{**kept, **wrong})
    with pytest.raises(NotFound, match="do not fit one another"):
        read_predictions(run)


def test_pictures_that_are_not_those_of_the_mistakes_are_refused(tmp_path: Path) -> None:
    run = measured_run(tmp_path)
    with np.load(run.evidence_file) as kept:
        np.savez(run.evidence_file, **{**kept, "test_mistakes_thumbnails": PICTURES})
    with pytest.raises(NotFound, match="do not fit one another"):
        read_mistakes(run)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    run = measured_run(tmp_path)
    with np.load(run.evidence_file) as kept:
        np.savez(run.evidence_file, **{**kept, "test_labels": np.array([{}] * 40, dtype=object)})
    with pytest.raises(NotFound, match="cannot read"):
        read_predictions(run)


def test_layers_are_told_or_there_are_none(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    assert read_layers(run) == ()
    keep_evidence(run, TOLD)
    assert read_layers(run) == ()
    np.savez(run.evidence_file, layers=np.array(["a", "b"]))
    assert read_layers(run) == ("a", "b")


OLD = {
    "class_names": np.array(["cat", "dog"]),
    "layers": np.array(["conv1", "features"]),
    "validation_indices": np.arange(2),
    "validation_labels": np.array([0, 1]),
    "validation_probabilities": np.array([[0.9, 0.1], [0.6, 0.4]], np.float32),
    "test_indices": np.arange(4) * 5,
    "test_labels": np.array([0, 1, 1, 0]),
    "test_probabilities": np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], np.float32),
    "test_mistakes_indices": np.array([5, 15]),
    "test_mistakes_thumbnails": np.zeros((2, 3, 4, 1), np.uint8),
    "projector_indices": np.arange(2),
    "projector_labels": np.array([0, 1]),
    "projector_probabilities": np.array([[0.9, 0.1], [0.6, 0.4]], np.float32),
    "projector_features": np.ones((2, 3), np.float32),
    "projector_thumbnails": np.zeros((2, 3, 4, 1), np.uint8),
}
"""What a run of a version without tasks keeps."""


def test_evidence_from_before_there_were_tasks_reads_on(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    run.record.pop("task")
    np.savez(run.evidence_file, **OLD)  # type: ignore[arg-type]
    found = read_predictions(run)
    assert found.task is CLASSIFICATION
    assert read_task(run) is CLASSIFICATION
    assert np.array_equal(found.outputs, OLD["test_probabilities"])
    assert np.array_equal(found.probabilities, found.outputs)
    assert found.guesses.tolist() == [0, 0, 1, 1]
    assert read_mistakes(run).rows.tolist() == [1, 3]
    assert read_features(run).labels.tolist() == [0, 1]
    assert read_layers(run) == ("conv1", "features")


@pytest.mark.parametrize(
    ("task", "said"), [(np.array("diffusion"), "do not fit"), (np.array("regression"), "keeps no")]
)
def test_a_task_that_is_not_known_or_does_not_fit_is_damage(tmp_path: Path, task: np.ndarray, said: str) -> None:
    run = make_run(tmp_path, files=False)
    np.savez(run.evidence_file, **OLD, task=task)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match=said):
        read_predictions(run)


@pytest.mark.parametrize("task", [MULTI_LABEL, REGRESSION])
def test_labels_and_values_come_back_as_they_were_kept(tmp_path: Path, task: Task) -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, (9, 3)).astype(np.uint8 if task is MULTI_LABEL else np.float32)
    outputs = random.uniform(0, 1, (9, 3)).astype(np.float32)
    kept = Predictions("test", np.arange(9), labels, outputs, ("a", "b", "c"), task)
    run = make_run(tmp_path, files=False, record={"task": task.name})
    keep_evidence(run, kept, features=np.ones((4, 2), np.float32))
    found = read_predictions(run)
    assert (found.task, found.labels.dtype) == (task, labels.dtype)
    for name in ("labels", "outputs", "guesses", "errors"):
        assert np.array_equal(getattr(found, name), getattr(kept, name))
    assert read_features(run).task is task
    assert read_mistakes(run).count == np.count_nonzero(kept.errors)


def test_a_training_that_was_not_ours_says_why_it_has_no_evidence(tmp_path: Path) -> None:
    recording = {"switched_off": {"confusion": "the loss 'mine' tells nothing of the task"}}
    run = make_run(tmp_path, files=False, record={"task": None, "recording": recording})
    with pytest.raises(NotFound, match="has no evidence: the loss 'mine' tells nothing of the task") as caught:
        read_predictions(run)
    assert "--kind history" in caught.value.hint
    assert read_task(run) is None
