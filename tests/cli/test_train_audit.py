"""`tbcli train --audit`: the run is kept and named whatever the audit says, and the code tells what it said."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tbcli.errors import ConfigError
from tbcli.serving.audit import Audit, Gap, Line
from tests.cli.trainings import SMALL, the_record, training
from tests.fakes import make_run

Cli = Callable[..., Result]

# Stands where a bug in a recorder would: training goes on, the audit does not let it pass.
BROKEN = """
from tbcli.recorders.text import TextRecorder

def fail(self, snapshot, writer):
    raise ZeroDivisionError("broken on purpose")

TextRecorder.on_begin = fail
from tbcli.cli.app import main
main()
"""


@pytest.fixture
def trained(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let `train` find a finished run, and its audit these gaps."""

    def stand_in(*findings: Gap, excused: tuple[Gap, ...] = ()) -> None:
        def audited(config: object, chosen: list[Any], **_: object) -> Audit:
            assert [item.id for item in chosen] == [run.id]
            return Audit((Line("images", "Images", 2, 6, 1000, True),), findings, excused)

        run = make_run(workspace)
        monkeypatch.setattr("tbcli.cli.train._train", lambda *_: run)
        monkeypatch.setattr("tbcli.serving.audit.audit_runs", audited)

    return stand_in


def test_the_table_goes_to_stderr_and_the_id_alone_to_stdout(cli: Cli, trained: Callable[..., None]) -> None:
    trained(excused=(Gap("a-run", "attention", "Images", "there is no convolution"),))
    result = cli("train", "--audit")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert "Images     filled     2       6  1.0 kB" in result.stderr
    assert "Images: 'attention' of a-run is excused: there is no convolution" in result.stderr


def test_an_audit_that_fails_is_code_7_and_the_id_is_told_all_the_same(cli: Cli, trained: Callable[..., None]) -> None:
    gaps = [Gap("a-run", name, "Images", "nothing under 'x' in 'a-run'") for name in ("confusion", "mistakes")]
    trained(*gaps)
    result = cli("train", "--audit", "--quiet")
    assert result.exit_code == 7
    assert len(result.stdout.splitlines()) == 1
    *warnings, error, advice = result.stderr.splitlines()
    assert warnings == [
        "warning: Images: 'confusion' of a-run: nothing under 'x' in 'a-run'",
        "warning: Images: 'mistakes' of a-run: nothing under 'x' in 'a-run'",
    ]
    assert error == "error: the audit found 2 gaps: Images (recorder confusion, mistakes)"
    assert advice.startswith("try: ")


def test_a_run_whose_id_cannot_be_written_is_named_in_the_error(
    cli: Cli, trained: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained()

    def full(text: str) -> None:
        raise ConfigError("cannot write to stdout: No space left on device", hint="make room where the output goes")

    monkeypatch.setattr("tbcli.cli.output._to_stdout", full)
    result = cli("train", "--quiet")
    assert result.exit_code == 2
    assert re.search(r"No space left on device; the run is \S+", result.stderr)


def test_without_the_flag_nothing_is_audited(
    cli: Cli, trained: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained()
    monkeypatch.setattr("tbcli.serving.audit.audit_runs", lambda *_, **__: pytest.fail("audited"))
    assert cli("train").exit_code == 0


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_real_training_passes_its_audit_without_noise(tmp_path: Path) -> None:
    workspace = tmp_path / "odd näme"
    workspace.mkdir()
    with training(workspace, *SMALL, "--record", "full", "--audit") as process:
        code, stdout = process.end()
    assert code == 0, process.said
    assert stdout == f"{the_record(workspace)['id']}\n"
    lines = [line.split() for line in process.said[process.said.index(f"Auditing {stdout.strip()}") + 1 :]]
    assert lines[0] == ["dashboard", "state", "tags", "points", "bytes"]
    states = {" ".join(words[:-5]): words[-5] for words in lines[1:13]}
    assert {title for title, state in states.items() if state != "filled"} == {"Profile"}


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_real_training_with_a_broken_recorder_fails_its_audit_by_name(tmp_path: Path) -> None:
    words = [*SMALL, "--quiet", "--no-plots", "--audit"]
    command = [sys.executable, "-c", BROKEN, "train", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 7, done.stderr
    assert done.stdout == f"{the_record(tmp_path)['id']}\n"
    assert "recorder 'text' was switched off: ZeroDivisionError: broken on purpose" in done.stderr
    assert done.stderr.splitlines()[-2] == "error: the audit found one gap: Text (recorder text)"
