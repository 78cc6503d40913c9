"""`train --check`: the gates are read before anything is trained, and judged when the run is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.fakes import make_run

Cli = Callable[..., Result]


@pytest.fixture
def trained(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let `train` find a finished run."""
    run = make_run(workspace)
    monkeypatch.setattr("tbcli.cli.train._train", lambda *_: run)
    return run


def test_gates_that_hold_are_told_and_the_id_is_all_of_stdout(cli: Cli, trained: Any) -> None:
    result = cli("train", "--check", "status=finished", "--check", "epoch>0")
    assert (result.exit_code, result.stdout) == (0, f"{trained.id}\n")
    assert "passed  status=finished" in result.stderr
    assert "passed  epoch>0" in result.stderr


def test_a_gate_that_fails_is_code_7_and_the_run_is_kept(cli: Cli, trained: Any) -> None:
    result = cli("train", "--quiet", "--check", "val_accuracy>2 and status=finished")
    assert (result.exit_code, result.stdout) == (7, f"{trained.id}\n")
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert "fails 1 of 2 gates: val_accuracy>2" in error
    assert hint.startswith("try:")
    assert trained.logs.is_dir()


def test_a_metric_that_no_run_has_is_code_3_and_the_nearest_is_named(cli: Cli, trained: Any) -> None:
    result = cli("train", "--quiet", "--check", "val_acuracy>0.5")
    assert result.exit_code == 3
    assert "did you mean 'val_accuracy'" in result.stderr


def test_what_is_no_gate_is_an_error_before_anything_is_trained(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbcli.cli.train._train", lambda *_: pytest.fail("trained"))
    assert cli("train", "--check", "val_accuracy").exit_code == 2


def test_a_gate_that_fails_does_not_hide_what_the_audit_says(
    cli: Cli, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    audited: list[Any] = []
    monkeypatch.setattr("tbcli.cli.render.audit.audit_trained", lambda *words: audited.append(words))
    assert cli("train", "--audit", "--check", "epoch<0").exit_code == 7
    assert audited


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("loss<9 and accuracy>=0 and learning_rate<1 and test_loss<9 and test_accuracy>=0", 0),
        ("val_loss.best<9 or VAL_LOSS.epoch<3", 0),
        ("status=finished and epoch>0 and seconds<1e9 and model=cnn", 0),
        ("train.seed=0 and seed=0 and optimizer=adam", 0),
        ("gradients/whatever<1 or epoch>0", 0),  # only the recorders know their tags
        ("val_los<9", 3),
        ("status=finished or val_los<9", 3),
        ("seconds<soon", 2),
        ("loss<little", 2),
    ],
)
def test_a_name_that_training_will_not_know_is_refused_before_it(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch, words: str, refused: int
) -> None:
    begun: list[str] = []
    run = make_run(workspace)
    monkeypatch.setattr("tbcli.cli.train._train", lambda *_: begun.append(words) or run)
    result = cli("train", "--quiet", "--check", words)
    assert begun == ([] if refused else [words])
    if refused:
        assert (result.exit_code, result.stdout) == (refused, "")
