"""`tbcli stop`: asks through a file, waits for the end, and refuses what does not train."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import tbcli.cli.stop
import tbcli.training.conclusion
from tbcli.runs import Run
from tbcli.runs.claim import claim
from tbcli.runs.owner import Owner
from tbcli.runs.stopping import ask_to_stop
from tbcli.training.conclusion import Heartbeat, signal_stop
from tbcli.training.continuing.resuming import reopen
from tests.cli.trainings import TBCLI, the_record
from tests.fakes import make_run

Cli = Callable[..., Result]


def make_live(workspace: Path, **more: Any) -> Run:
    """Make a run that this process trains."""
    owner = Owner.current()
    facts = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}
    return make_run(workspace, status="running", record=facts, **more)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Runs that are interrupted when somebody waits for it, if they were asked."""
    runs: list[Run] = []

    def pause(seconds: float) -> None:
        for run in runs:
            assert run.stop_file.exists()
            run.update(status="interrupted")

    monkeypatch.setattr("tbcli.cli.stop.time.sleep", pause)
    return runs


def test_it_asks_waits_and_says_how_each_run_ended(cli: Cli, workspace: Path, answers: list[Run]) -> None:
    answers += [make_live(workspace, name="first"), make_live(workspace)]
    result = cli("stop", "first", answers[1].id, "first")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.count("asked ") == 2
    assert result.stderr.count(": interrupted after 3 epochs\n") == 2
    assert not [run for run in answers if run.stop_file.exists()]


def test_of_runs_with_one_name_the_one_in_training_is_meant(cli: Cli, workspace: Path, answers: list[Run]) -> None:
    answers.append(make_live(workspace, name="same"))
    make_run(workspace, name="same")
    assert cli("stop", "same", "--quiet").stderr == ""
    answers += [make_live(workspace, name="same"), make_live(workspace, name="same")]
    result = cli("stop", "same")
    assert result.exit_code == 8
    assert answers[1].id in result.stderr


@pytest.mark.parametrize("status", ["finished", "interrupted", "failed", "diverged"])
def test_what_does_not_train_is_refused_with_what_became_of_it(cli: Cli, workspace: Path, status: str) -> None:
    live, ended = make_live(workspace), make_run(workspace, status=status)
    result = cli("stop", live.id, ended.id)
    assert result.exit_code == 8
    assert f"is not training: {status}" in result.stderr
    assert not live.stop_file.exists()  # all is checked before anybody is asked


def test_a_training_that_does_not_end_in_time_is_told_of(cli: Cli, workspace: Path) -> None:
    run = make_live(workspace)
    result = cli("stop", "latest", "--wait", "0s")
    assert result.exit_code == 8
    assert "still trains" in result.stderr
    assert f"`kill -KILL {run.record['pid']}`" in result.stderr
    assert cli("stop", "latest", "--wait", "soon").exit_code == 2
    assert cli("stop", "nobody").exit_code == 3
    run.stop_file.unlink()
    assert cli("stop", "").exit_code == 2  # of a variable that is not set: no run without a name is meant
    assert not run.stop_file.exists()


def test_it_waits_for_the_last_files_too(cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_live(workspace)
    held = claim(run.logs)
    ends = [lambda: run.update(status="interrupted"), held.release]
    monkeypatch.setattr("tbcli.cli.stop.time.sleep", lambda _: ends.pop(0)())
    assert cli("stop", "latest").exit_code == 0
    assert ends == []


def test_only_what_trains_is_offered_to_a_shell(workspace: Path, cli: Cli) -> None:
    from types import SimpleNamespace

    from tbcli.cli.completing import complete_live_run

    live = make_live(workspace, name="now")
    make_run(workspace, name="then")
    context: Any = SimpleNamespace(params={}, meta={})
    assert complete_live_run(context, "") == [live.id, "now"]


def test_a_heartbeat_that_is_asked_signals_once(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tbcli.training.conclusion, "_LOOK_SECONDS", 0.001)
    called, run = threading.Semaphore(0), make_live(workspace)
    monkeypatch.setattr(tbcli.training.conclusion, "signal_stop", called.release)
    ask_to_stop(run)  # between the making of the run and its first beat
    heartbeat = Heartbeat(run)
    assert called.acquire(timeout=30)
    ask_to_stop(run)
    while run.stop_file.exists():
        pass
    heartbeat.stop()
    assert not called.acquire(blocking=False)


def test_a_resumed_run_is_not_stopped_by_what_was_asked_of_an_earlier_process(workspace: Path) -> None:
    run = make_run(workspace, status="interrupted")
    ask_to_stop(run)
    reopen(run, {})
    assert (run.stop_file.exists(), run.record["status"]) == (False, "running")


@pytest.mark.parametrize(
    ("term", "interrupt", "sent"),
    [
        (lambda *_: None, signal.default_int_handler, signal.SIGTERM),
        (signal.SIG_DFL, signal.default_int_handler, signal.SIGINT),
        (signal.SIG_DFL, signal.SIG_IGN, signal.SIGTERM),
    ],
    ids=["handled", "a script of the user's", "in the background"],
)
def test_the_signal_is_one_that_lets_a_run_be_concluded(
    monkeypatch: pytest.MonkeyPatch, term: Any, interrupt: Any, sent: signal.Signals
) -> None:
    handlers, received = {signal.SIGTERM: term, signal.SIGINT: interrupt}, list[int]()
    monkeypatch.setattr("tbcli.training.conclusion.signal.getsignal", handlers.__getitem__)
    monkeypatch.setattr("tbcli.training.conclusion.os.kill", lambda _, number: received.append(number))
    signal_stop()
    assert received == [sent]


SCRIPT = """
import keras, numpy
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(numpy.zeros((8, 2)), numpy.zeros(8), epochs=100_000, verbose=0)
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_script_under_run_is_stopped_and_its_run_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    argv = [*TBCLI, "run", "--record", "off", "train.py"]
    with subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            assert any(line.startswith("tbcli: run ") for line in process.stderr)
            done = subprocess.run([*TBCLI, "stop", "latest"], cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout) == (0, ""), done.stderr
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == -signal.SIGTERM  # 143, as a shell has it
    assert the_record(tmp_path)["status"] == "interrupted"
