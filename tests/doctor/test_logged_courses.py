"""The trainings of other programs: the curves that tell something are put side by side, whatever they count."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tbcli.doctor.findings import Finding, needs_action
from tbcli.doctor.logged_courses import diagnose_place
from tbcli.runs import LogDirectory
from tests.doctor.test_learning import FALLS, RISES
from tests.events.records import event, simple, write
from tests.fakes import make_run

Points = dict[int, float]
PER_EPOCH = range(1, len(FALLS) + 1)
FALLING = dict(zip(PER_EPOCH, FALLS, strict=True))
RISING = dict(zip(PER_EPOCH, RISES, strict=True))
ROUGH = np.random.default_rng(0).uniform(0.8, 1.2, 900)
PER_STEP = {step + 1: FALLS[step // 100] * float(ROUGH[step]) for step in range(900)}
AFTER_100 = {100 * epoch: value for epoch, value in RISING.items()}


def write_curve(directory: Path, tag: str, points: Points) -> None:
    number = len(list(directory.glob("*"))) if directory.is_dir() else 0
    write(directory, *(event(step, simple(tag, value)) for step, value in points.items()), number=number)


def findings_below(top: Path) -> list[Finding]:
    return diagnose_place(LogDirectory(top.name, top))


LAYOUTS = {
    "keras": [("train", "epoch_loss", FALLING), ("validation", "epoch_loss", RISING)],
    "steps, then epochs": [(".", "train/loss", PER_STEP), (".", "eval/loss", AFTER_100)],
    "lightning": [(".", "train_loss_step", PER_STEP), (".", "train_loss_epoch", FALLING), (".", "val_loss", RISING)],
    "add_scalars": [("losses_train", "losses", FALLING), ("losses_val", "losses", RISING)],
    "catboost": [("learn", "Logloss", FALLING), ("test", "Logloss", RISING)],
    "total loss": [(".", "Loss/total_loss", PER_STEP), ("eval", "Loss/total_loss", AFTER_100)],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_overfitting_is_found_whatever_writes_the_logs(layout: str, tmp_path: Path) -> None:
    for directory, tag, points in LAYOUTS[layout]:
        write_curve(tmp_path / "run" / directory, tag, points)
    (found,) = findings_below(tmp_path)
    assert (found.level, found.name) == ("warning", "overfitting"), found
    assert str(tmp_path / "run") in found.where


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_validation_that_follows_the_training_is_no_finding(layout: str, tmp_path: Path) -> None:
    for directory, tag, points in LAYOUTS[layout]:
        healthy = {step: FALLS[place] for place, step in enumerate(points)} if len(points) == len(FALLS) else points
        write_curve(tmp_path / "run" / directory, tag, healthy)
    assert not needs_action(findings_below(tmp_path))


def test_a_part_of_a_loss_that_overfits_is_a_note(tmp_path: Path) -> None:
    write_curve(tmp_path, "train/box_loss", FALLING)
    write_curve(tmp_path, "val/box_loss", RISING)
    (found,) = findings_below(tmp_path)
    assert found.level == "note"
    assert "val_box_loss rises" in found.what


def test_a_loss_may_rise_while_rewards_do(tmp_path: Path) -> None:
    write_curve(tmp_path, "train/loss", {step: 0.1 * step for step in range(1, 20)})
    assert [found.name for found in findings_below(tmp_path)] == ["divergence"]
    write_curve(tmp_path, "rollout/ep_rew_mean", {step: float(step) for step in range(1, 20)})
    assert findings_below(tmp_path) == []


def test_the_last_loss_that_is_nan_is_an_error_and_one_in_between_is_not(tmp_path: Path) -> None:
    write_curve(tmp_path / "ends", "loss", {**FALLING, 10: math.nan})
    write_curve(tmp_path / "goes on", "loss", {**FALLING, 2: math.nan})
    (found,) = findings_below(tmp_path)
    assert (found.level, found.name) == ("error", "nan-loss")
    assert str(tmp_path / "ends") in found.where


def test_curves_that_are_no_losses_tell_nothing(tmp_path: Path) -> None:
    write_curve(tmp_path, "learning_rate", RISING)
    write_curve(tmp_path, "gpu/memory", {1: math.nan})
    assert findings_below(tmp_path) == []


def test_a_run_of_ours_in_a_log_directory_is_told_what_its_own_files_tell(tmp_path: Path) -> None:
    run = make_run(tmp_path, status="interrupted", files=False)
    write_curve(run.logs / "train", "epoch_loss", FALLING)
    write_curve(run.logs / "validation", "epoch_loss", RISING)
    write_curve(run.logs.parent / "other", "loss", FALLING)
    assert [found.name for found in findings_below(run.logs.parent)] == ["training-interrupted"]
