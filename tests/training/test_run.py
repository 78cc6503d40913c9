"""What a training leaves on disk, looked at in the one tiny run that all share."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tbcli.config import load_config
from tbcli.runs import RunStore
from tbcli.runs.files import parse_utc
from tbcli.training.request import expected_summary
from tests.tiny import STEPS_PER_EPOCH, Tiny

pytestmark = pytest.mark.tf

COLUMNS = ["epoch", "step", "seconds", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"]
# Opens a model where tbcli cannot be found, and predicts; -I keeps the checkout and the user's site out.
PREDICTING = """
import sys
sys.modules["tbcli"] = None
import keras, numpy
model = keras.models.load_model(sys.argv[1])
numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2]), verbose=0))
"""


def rows_of(tiny: Tiny) -> list[dict[str, str]]:
    with tiny.run.history_file.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_record_has_the_promised_keys_and_types(tiny: Tiny) -> None:
    record = json.loads(tiny.run.record_file.read_text())
    kinds: dict[str, type | tuple[type, ...]] = {
        "schema": int, "id": str, "name": str, "note": str, "status": str, "started": str, "ended": str,
        "seconds": float, "model": str, "data": str, "parameters": int, "epochs": int, "device": str,
        "precision": str, "pid": int, "pid_started": int, "host": str, "versions": dict, "git": (dict, type(None)),
        "bytes": int, "ended_by": str, "saved_epoch": int, "metrics": dict, "recording": dict,
        "waited_seconds": float,
    }  # fmt: skip
    assert set(kinds) <= set(record)
    assert [key for key, kind in kinds.items() if not isinstance(record[key], kind)] == []


def test_the_record_says_what_happened(tiny: Tiny) -> None:
    record = tiny.record
    assert (record["id"], record["name"], record["note"]) == (tiny.run.logs.name, "tiny", "shared")
    assert (record["status"], record["reason"], record["schema"]) == ("finished", "", 1)
    assert (record["model"], record["data"], record["precision"]) == ("cnn", "mnist", "float32")
    assert (record["epochs"], record["saved_epoch"], record["parameters"]) == (3, 3, 225_034)
    assert record["pid"] == os.getpid()
    assert {"python", "tensorflow", "keras", "tensorboard", "numpy"} <= set(record["versions"])
    started, ended = parse_utc(record["started"]), parse_utc(record["ended"])
    assert started
    assert ended
    assert (ended - started).total_seconds() == pytest.approx(record["seconds"], abs=0.5)
    assert record["bytes"] == pytest.approx(tiny.run.walk_bytes(), abs=50)


def test_metrics_sum_up_the_history(tiny: Tiny) -> None:
    rows = rows_of(tiny)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        values = [float(row[name]) for row in rows]
        best = min(values) if "loss" in name else max(values)
        expected = {"best": best, "best_epoch": values.index(best) + 1, "last": values[-1]}
        assert tiny.record["metrics"][name] == expected
    assert 0 <= tiny.record["metrics"]["test_accuracy"] <= 1
    assert tiny.record["metrics"]["test_loss"] > 0


def test_every_metric_of_the_run_was_expected_before_it(tiny: Tiny) -> None:
    assert set(tiny.run.metrics) <= set(expected_summary(tiny.config).metrics)


def test_macro_f1_of_the_saved_model_is_scikit_learns(tiny: Tiny) -> None:
    from sklearn.metrics import f1_score

    with np.load(tiny.run.evidence_file) as evidence:
        for split, name in (("validation", "val_macro_f1"), ("test", "test_macro_f1")):
            labels, guesses = evidence[f"{split}_labels"], evidence[f"{split}_probabilities"].argmax(axis=1)
            assert tiny.record["metrics"][name] == pytest.approx(f1_score(labels, guesses, average="macro"), abs=1e-9)


def test_the_record_says_in_which_format_each_metric_was_measured(tiny: Tiny) -> None:
    assert set(tiny.record["measured_in"]) == set(tiny.record["metrics"])
    assert set(tiny.record["measured_in"].values()) == {"float32"}
    assert (tiny.record["task"], tiny.record["loss"]) == ("classification", "sparse_categorical_crossentropy")


def test_the_history_has_a_row_an_epoch(tiny: Tiny) -> None:
    rows = rows_of(tiny)
    assert list(rows[0]) == COLUMNS
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["step"] for row in rows] == [str(epoch * STEPS_PER_EPOCH) for epoch in (1, 2, 3)]
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)
    assert seconds[-1] < tiny.record["seconds"]
    assert float(rows[0]["loss"]) > float(rows[2]["loss"])


def test_the_kept_configuration_fed_back_is_the_same(tiny: Tiny) -> None:
    settled = tiny.config.updated({"model.name": "cnn"})  # by the data
    assert load_config(file=str(tiny.run.config_file)) == settled


def test_the_printed_configuration_fed_back_is_the_same(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "again.toml").write_text(tiny.config.as_toml())
    assert load_config(file=str(tmp_path / "again.toml")) == tiny.config


def test_the_run_is_found_by_its_references(tiny: Tiny) -> None:
    store = RunStore(tiny.config.paths)
    assert {store.find(word).id for word in ("latest", "best", "best:val_loss", "tiny")} == {tiny.run.id}


def test_nothing_temporary_is_left_behind(tiny: Tiny) -> None:
    names = {Path(path).relative_to(tiny.run.logs.parents[1]).as_posix() for path, _ in tiny.run.files()}
    prefix = f"logs/{tiny.run.id}/"
    written = {name for name in names if "tfevents" in name or name.startswith((f"{prefix}projector/", "plots/"))}
    assert names - written == {
        *(prefix + name for name in ("run.json", "config.json", "history.csv", "evidence.npz")),
        f"{prefix}checkpoints/step-00000033.state",
        f"models/{tiny.run.id}/mnist_cnn_model.keras",
    }
    assert not any(Path(name).name.startswith(".") for name in names)


def test_there_is_one_event_file_in_a_directory_and_none_in_the_root(tiny: Tiny) -> None:
    files = sorted(tiny.run.logs.rglob("*tfevents*"))
    directories = [file.parent.relative_to(tiny.run.logs).as_posix() for file in files]
    assert len(directories) == len(set(directories))
    assert {"train", "validation"} <= set(directories)
    assert [path.name for path in tiny.run.logs.parent.iterdir()] == [tiny.run.id]


def test_the_figure_is_a_picture(tiny: Tiny) -> None:
    with Image.open(tiny.run.plots / "training_history.png") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert min(picture.size) > 300


def test_evidence_holds_every_sample_once_and_agrees_with_the_record(tiny: Tiny) -> None:
    with np.load(tiny.run.evidence_file) as evidence:
        assert len(set(evidence["validation_indices"])) == len(evidence["validation_indices"]) == 60
        assert evidence["test_indices"].tolist() == list(range(600))
        assert evidence["test_probabilities"].dtype == np.float32
        assert np.allclose(evidence["test_probabilities"].sum(axis=1), 1, atol=1e-5)
        for split, name in (("test", "test_accuracy"), ("validation", "val_accuracy")):
            labels, probabilities = evidence[f"{split}_labels"], evidence[f"{split}_probabilities"]
            recorded = tiny.record["metrics"][name]
            expected = recorded if isinstance(recorded, float) else recorded["last"]
            assert (probabilities.argmax(axis=1) == labels).mean() == pytest.approx(expected, abs=1e-6)
        chosen = evidence["test_probabilities"][np.arange(600), evidence["test_labels"]]
        assert -np.log(chosen).mean() == pytest.approx(tiny.record["metrics"]["test_loss"], abs=1e-5)


@pytest.mark.slow
def test_the_saved_model_predicts_the_evidence_where_tbcli_is_not_installed(tiny: Tiny, tmp_path: Path) -> None:
    from tbcli.data.mnist import load_mnist

    test = load_mnist(tiny.config.data).test
    assert test
    np.save(tmp_path / "images.npy", test.inputs[:100])
    found = tmp_path / "found.npy"
    argv = [sys.executable, "-I", "-c", PREDICTING, tiny.run.saved_model, tmp_path / "images.npy", found]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("Warning")) == (0, 0), done.stderr
    with np.load(tiny.run.evidence_file) as evidence:
        assert np.allclose(np.load(found), evidence["test_probabilities"][:100], atol=1e-5)


def test_what_recording_cost_is_told(tiny: Tiny) -> None:
    recording = tiny.record["recording"]
    assert {"percent", "milliseconds", "bytes", "switched_off"} <= set(recording)
    assert set(recording["milliseconds"]) >= {"scalars", "graphs", "samples", "histograms"}
    assert all(value >= 0 for value in recording["milliseconds"].values())
    assert recording["percent"] > 0
    assert recording["switched_off"] == {}
    files = list(tiny.run.logs.rglob("events.*"))
    kept = [*files, *(file for file in (tiny.run.logs / "projector").iterdir() if file not in files)]
    # All of it is some recorder's, but the record in each event file that names the format's version.
    told = sum(recording["bytes"].values())
    assert told < sum(file.stat().st_size for file in kept) < told + 64 * len(files)


def test_the_narrator_hears_the_story_in_order(tiny: Tiny) -> None:
    told = tiny.told
    stages = ["Loading mnist", "Starting TensorFlow", "Saving the model", "Evaluating the test set", "Plotting"]
    assert told.stages == stages
    assert told.begun == (3, STEPS_PER_EPOCH)
    assert told.steps == [(epoch, step) for epoch in (1, 2, 3) for step in (4, 8, 11)]
    assert [epoch for epoch, _, _ in told.epochs] == [1, 2, 3]
    assert told.warnings == []
    assert told.notes[0] == "model cnn, chosen for images of 28x28x1"
    assert "225,034 parameters on CPU in float32" in told.notes[1]


def test_the_narrator_hears_the_best_so_far(tiny: Tiny) -> None:
    for epoch, _, best in tiny.told.epochs:
        losses = [logs["val_loss"] for of, logs, _ in tiny.told.epochs if of <= epoch]
        assert best["val_loss"] == (min(losses), losses.index(min(losses)) + 1)
        assert set(best) == {"loss", "accuracy", "val_loss", "val_accuracy"}
