"""What is wrong with a run: from its history, its evidence, its layers, its costs, and how it ended."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbcli.doctor.diagnosis import diagnose
from tbcli.doctor.findings import needs_action
from tbcli.naming import tags
from tbcli.recorders.writer import EventWriter
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions, write_evidence
from tbcli.runs.history import HistoryWriter
from tests.doctor.test_learning import FALLS, RISES
from tests.fakes import make_run


def run_with(workspace: Path, columns: dict[str, list[float]], **more: Any) -> Run:
    run = make_run(workspace, epochs=len(columns["loss"]), **more)
    run.history_file.unlink()
    history = HistoryWriter(run.history_file)
    for epoch in range(len(columns["loss"])):
        row = {"epoch": epoch + 1, "step": (epoch + 1) * 100, "seconds": 1.0, "learning_rate": 0.002}
        history.append(row | {name: values[epoch] for name, values in columns.items()})
    return run


def add_answers(run: Run, occurs: list[int], hits: list[int]) -> None:
    labels = np.repeat(np.arange(len(occurs)), occurs)
    guesses = np.concatenate(
        [np.where(np.arange(n) < k, c, 0) for c, (n, k) in enumerate(zip(occurs, hits, strict=True))]
    )
    names = tuple(f"class {number}" for number in range(len(occurs)))
    outputs = np.eye(len(occurs), dtype=np.float32)[guesses]
    write_evidence(run, [Predictions("test", np.arange(len(labels)), labels, outputs, names)])


def names_of(run: Run) -> list[str]:
    return [finding.name for finding in diagnose(run)]


def test_a_healthy_run_has_no_warning(tmp_path: Path) -> None:
    assert not needs_action(diagnose(make_run(tmp_path, epochs=8)))
    assert diagnose(make_run(tmp_path, epochs=1, files=False)) == []


def test_a_finding_says_where_and_gives_the_command_that_repeats_the_run(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"loss": FALLS, "val_loss": RISES})
    (found,) = diagnose(run)
    assert (found.name, found.where) == ("overfitting", f"{run.id}, epoch 4")
    assert found.fix == f"tbcli train --config {run.id} --patience 3"


def test_the_training_of_a_script_is_not_repeated_by_a_command_of_ours(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"loss": FALLS, "val_loss": RISES}, record={"backend": "tensorflow"})
    (found,) = diagnose(run)
    assert found.fix == "stop early, at epoch 4, and keep those weights"


def test_labels_tell_what_guessing_reaches(tmp_path: Path) -> None:
    columns = {"loss": [0.2, 0.2, 0.2, 0.2], "val_accuracy": [0.95] * 4}
    run = run_with(tmp_path, columns)
    assert names_of(run) == []
    add_answers(run, [950, 50], [950, 0])
    assert names_of(run) == ["stagnation", "class-imbalance"]


def test_answers_that_find_each_class_are_no_guessing(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"loss": [0.2, 0.2, 0.2, 0.2], "val_accuracy": [0.95] * 4})
    add_answers(run, [950, 50], [940, 45])
    assert names_of(run) == []


@pytest.mark.parametrize(
    ("status", "name", "level"),
    [
        ("failed", "training-failed", "error"),
        ("diverged", "nan-loss", "error"),
        ("interrupted", "training-interrupted", "note"),
    ],
)
def test_how_a_training_ended_is_a_finding(status: str, name: str, level: str, tmp_path: Path) -> None:
    run = make_run(tmp_path, status=status, record={"reason": "the loss is nan at step 3"})
    (found,) = diagnose(run)
    assert (found.name, found.level) == (name, level)
    if status == "interrupted":
        assert found.fix == f"tbcli train --config {run.id}"
        run.checkpoints.mkdir()
        (run.checkpoints / "step-00000050.state").write_bytes(b"x")
        assert diagnose(run)[0].fix == f"tbcli train --resume {run.id}"


@pytest.mark.parametrize(("is_trained", "level"), [(True, "warning"), (False, "note")])
def test_workers_that_came_to_other_values_are_told_also_of_a_run_that_finished_since(
    is_trained: bool, level: str, tmp_path: Path
) -> None:
    said = {"step": 7, "what": "'dense/kernel' differs by 1.0e-01 of its largest value", "is_trained": is_trained}
    (found,) = (
        each for each in diagnose(make_run(tmp_path, record={"workers_differ": said})) if "workers" in each.name
    )
    assert (found.name, found.level) == ("workers-differ", level)
    assert "after step 7: 'dense/kernel'" in found.what


def test_a_training_that_diverged_in_its_first_epoch_is_told_a_lower_rate(tmp_path: Path) -> None:
    run = make_run(tmp_path, status="diverged", epochs=0, settings={"train.learning_rate": 0.004})
    assert diagnose(run)[0].fix == f"tbcli train --config {run.id} --learning-rate 0.0004"


def test_a_divergence_is_told_once(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"loss": [1.0, math.nan], "val_loss": [1.0, math.nan]}, status="diverged")
    (found,) = diagnose(run)
    assert (found.name, found.where) == ("nan-loss", f"{run.id}, epoch 2")


def test_scalars_of_layers_are_looked_at(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    writer = EventWriter(run.logs)
    for epoch in (1, 2):
        values = {tags.GRADIENTS + "first": 1e-9, tags.GRADIENTS + "last": 1.0, tags.DEAD_UNITS + "relu": 0.95}
        writer.scalars(values, epoch, where="train")
    writer.close()
    assert names_of(run) == ["dead-layer", "vanishing-gradients"]


def test_what_recording_cost_is_looked_at(tmp_path: Path) -> None:
    recording = {"percent": 50.0, "milliseconds": {"histograms": 9000.0}}
    run = make_run(tmp_path, record={"recording": recording}, settings={"record.recorders": "full"})
    (found,) = diagnose(run)
    assert found.fix == f"tbcli train --config {run.id} --record full,-histograms"


@pytest.mark.parametrize("damage", ["history.csv", "evidence.npz", "config.json"])
def test_a_damaged_file_hides_what_it_would_tell_and_nothing_else(damage: str, tmp_path: Path) -> None:
    run = run_with(tmp_path, {"loss": FALLS, "val_loss": RISES}, status="interrupted")
    (run.logs / damage).write_bytes(b"\x00\xff{")
    assert "training-interrupted" in names_of(run)


def test_few_samples_of_validation_make_an_accuracy_uncertain(tmp_path: Path) -> None:
    run = make_run(tmp_path, val_accuracy=0.9)
    for count, expected in ((60, ["small-validation"]), (2000, [])):
        labels = np.arange(count) % 2
        outputs = np.eye(2, dtype=np.float32)[labels]
        write_evidence(run, [Predictions("validation", np.arange(count), labels, outputs, ("a", "b"))])
        found = diagnose(run)
        assert [finding.name for finding in found] == expected
    write_evidence(run, [Predictions("validation", np.arange(9), labels[:9], outputs[:9], ("a", "b"))])
    (found,) = diagnose(run)
    assert "on 9 samples is uncertain by 0.2" in found.what
    assert found.fix == f"tbcli train --config {run.id} --validation-split 0.2"


def test_a_run_whose_settings_are_lost_is_not_told_to_be_repeated(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"loss": FALLS, "val_loss": RISES}, status="interrupted")
    run.config_file.write_text("{")
    assert all("tbcli train" not in each.fix for each in diagnose(run))


def test_a_stagnation_of_few_steps_is_a_note_that_says_what_the_model_answers(tmp_path: Path) -> None:
    columns = {"loss": [0.7, 0.69, 0.695, 0.693], "val_accuracy": [0.5] * 4}
    run = run_with(tmp_path, columns)
    add_answers(run, [75, 75], [75, 15])
    assert "135 of 150 test samples 'class 0'" in diagnose(run)[0].why
    assert "differ" in diagnose(run)[0].why
    run.history_file.write_text(run.history_file.read_text().replace("400,", "40,"))
    found = next(each for each in diagnose(run) if each.name == "stagnation")
    assert (found.level, found.fix) == ("note", f"tbcli train --config {run.id} --epochs 32")
