"""What a training says at its end of what went wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tbcli.cli.output import Output
from tbcli.cli.render.train import tell_findings
from tbcli.doctor import diagnosis
from tbcli.runs import Run
from tests.doctor.test_diagnosis import run_with
from tests.doctor.test_learning import FALLS, RISES
from tests.fakes import make_run


def said(run: Run, capsys: pytest.CaptureFixture[str], *, quiet: bool = False) -> list[str]:
    tell_findings(run, Output(quiet=quiet))
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_each_finding_is_two_lines_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_with(tmp_path, {"loss": FALLS, "val_loss": RISES})
    what, fix = said(run, capsys)
    assert what.startswith("warning: overfitting since epoch 4")
    assert fix == f"try:   tbcli train --config {run.id} --patience 3"
    assert said(run, capsys, quiet=True) == []


def test_a_healthy_training_has_nothing_to_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(make_run(tmp_path), capsys) == []
    assert said(make_run(tmp_path, status="interrupted"), capsys) == []


def test_whatever_goes_wrong_in_it_ends_no_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(run: Run) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(diagnosis, "diagnose", fail)
    assert said(make_run(tmp_path), capsys) == ["warning: no findings: ZeroDivisionError: a bug"]
