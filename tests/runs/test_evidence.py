"""What a run keeps of its predictions comes back as it was, and what is missing or spoilt is said in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tbcli.errors import NotFound
from tbcli.runs import Run
from tbcli.runs.evidence import read_features, read_layers, read_mistakes, read_predictions, write_evidence
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
