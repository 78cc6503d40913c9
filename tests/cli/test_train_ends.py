"""However a training ends once its run was claimed: the id stands on stdout, and the code is that of the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import tbcli.cli.train
from tbcli.cli.output import Output
from tbcli.config import Config
from tbcli.errors import ConfigError, Diverged, DoesNotFit, Interrupted, TrainingFailed
from tests.fakes import make_run

Cli = Callable[..., Result]
ENDS = [
    (TrainingFailed("the disk is full", hint="make room"), 5),
    (Diverged("the loss is nan", hint="a smaller rate"), 5),
    *((Interrupted(number, "stopped", hint="`tbcli runs`"), 128 + number) for number in (1, 2, 15)),
    (SystemExit(9), 9),
]


def end_with(monkeypatch: pytest.MonkeyPatch, workspace: Path, error: BaseException, *, is_kept: bool = True) -> str:
    """Let a training claim a run and fail."""
    run = make_run(workspace, status="failed")

    def train(config: Any, narrator: Any, **_: Any) -> None:
        narrator.claimed(run)
        if not is_kept:
            shutil.rmtree(run.logs)
        raise error

    monkeypatch.setattr("tbcli.training.session.train", train)
    return run.id


@pytest.mark.parametrize(("error", "code"), ENDS, ids=[str(error) for error, _ in ENDS])
@pytest.mark.parametrize("words", [(), ("--quiet",)], ids=["", "quiet"])
def test_whatever_ends_a_claimed_run_its_id_is_on_stdout(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: tuple[str, ...]
) -> None:
    run_id = end_with(monkeypatch, workspace, error)
    result = cli("train", *words)
    assert (result.exit_code, result.stdout) == (code, f"{run_id}\n")


def test_a_run_in_which_nothing_could_begin_is_not_named(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_with(monkeypatch, workspace, DoesNotFit("3 samples", hint="more"), is_kept=False)
    result = cli("train")
    assert (result.exit_code, result.stdout) == (4, "")


def test_a_failure_before_there_is_a_run_names_none(cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: Any, **__: Any) -> None:
        raise ConfigError("not writable", hint="elsewhere")

    monkeypatch.setattr("tbcli.training.session.train", train)
    result = cli("train")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_bug_of_ours_is_no_exception(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id = end_with(monkeypatch, workspace, RuntimeError("a bug of ours"))
    with pytest.raises(RuntimeError):
        tbcli.cli.train._train(Config(), (), Output())
    assert capfd.readouterr().out == f"{run_id}\n"
