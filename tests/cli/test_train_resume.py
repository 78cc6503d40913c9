"""`tbcli train --resume RUN`: which run, with which settings, and what is refused before TensorFlow is loaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tbcli.config import Config
from tbcli.runs import Run
from tbcli.runs.owner import Owner
from tests.fakes import make_run

Cli = Callable[..., Result]
CONSTANT = {"train.schedule": "constant", "train.epochs": 3}


class Resumed(list[tuple[Run, Config, bool]]):
    """What was resumed: the run, with which settings, and whether those may differ."""

    @property
    def config(self) -> Config:
        """The latest settings."""
        return self[-1][1]


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> Resumed:
    calls = Resumed()

    def resume(run: Run, config: Config, narrator: Any, *, allow_changes: bool, **_: Any) -> Run:
        narrator.claimed(run)
        calls.append((run, config, allow_changes))
        return run

    monkeypatch.setattr("tbcli.training.session.resume", resume, raising=False)
    monkeypatch.setattr("tbcli.training.session.train", lambda *_, **__: pytest.fail("a new run"))
    return calls


@pytest.mark.parametrize("reference", ["latest", "first", "ID", "PREFIX", "./logs/ID"])
def test_a_run_goes_on_with_its_own_settings_however_it_is_named(
    cli: Cli, workspace: Path, resumed: Resumed, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.setenv("TBCLI_TRAIN_EPOCHS", "77")
    (workspace / "tbcli.toml").write_text("[train]\nbatch_size = 7\n")
    run = make_run(workspace, name="first", status="interrupted", settings={"train.seed": 4})
    result = cli("train", "--resume", reference.replace("ID", run.id).replace("PREFIX", run.id[:-2]))
    assert (result.exit_code, result.stdout) == (0, f"{run.id}\n"), result.stderr
    train = resumed.config.train
    assert (resumed[0][0].id, train.seed, train.epochs, train.batch_size) == (run.id, 4, 5, 128)


def test_what_leaves_the_result_as_it_is_is_taken(cli: Cli, workspace: Path, resumed: Resumed) -> None:
    make_run(workspace, settings=CONSTANT)
    words = ["epochs=9", "--name", "b", "--max-time", "5m", "--no-plots", "--save-format", "h5", "--quiet"]
    assert cli("train", "--resume", "latest", *words, "--set", "train.steps_per_execution=4").exit_code == 0
    train = resumed.config.train
    assert (train.epochs, train.name, train.max_time, train.save_formats) == (9, "b", "5m", ("h5",))
    assert (train.steps_per_execution, resumed.config.plot.automatic, resumed[0][2]) == (4, False, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--batch-size", "64", "lr=0.5"], "batch_size 64 instead of 128, learning_rate 0.5 instead of 0.002"),
        (["--epochs", "9"], "epochs 9 instead of 5"),
        (["--record", "light"], "record light instead of standard"),
        (["--set", "model.dropout=0.5"], "dropout 0.5 instead of 0.3"),
    ],
)
def test_another_experiment_is_refused_unless_it_is_allowed(
    cli: Cli, workspace: Path, resumed: Resumed, words: list[str], said: str
) -> None:
    run = make_run(workspace, status="interrupted")
    result = cli("train", "--resume", "latest", *words)
    assert (result.exit_code, result.stdout) == (8, "")
    assert f"another experiment than run {run.id}: " in result.stderr
    assert said in result.stderr
    assert "--allow-changes" in result.stderr.splitlines()[-1]
    assert resumed == []
    assert cli("train", "--resume", "latest", *words, "--allow-changes").exit_code == 0
    assert resumed[0][2]


@pytest.mark.parametrize(
    ("settings", "record", "advice"),
    [
        ({}, {"ended_by": "epochs", "epochs": 5}, "`--epochs 6` or more"),
        ({"train.until": "loss<1"}, {"ended_by": "until"}, "--until '' --allow-changes"),
        ({"train.patience": 1}, {"ended_by": "patience"}, "--patience 0 --allow-changes"),
    ],
)
def test_a_finished_run_with_nothing_left_says_so_and_is_no_error(
    cli: Cli, workspace: Path, resumed: Resumed, settings: dict[str, object], record: dict[str, object], advice: str
) -> None:
    run = make_run(workspace, epochs=5, settings=settings, record=record)
    result = cli("train", "--resume", "latest")
    assert (result.exit_code, result.stdout) == (0, f"{run.id}\n")
    assert "has nothing left to train" in result.stderr
    assert advice in result.stderr
    assert cli("train", "--resume", "latest", "--check", "val_accuracy>0.99").exit_code == 7
    assert resumed == []


def test_a_finished_run_takes_a_name_and_a_note_and_says_what_has_no_effect(
    cli: Cli, workspace: Path, resumed: Resumed
) -> None:
    run = make_run(workspace, name="old", epochs=5, record={"ended_by": "epochs", "epochs": 5})
    words = ["--name", "new", "--note", "why", "--save-format", "h5", "--max-time", "5m"]
    result = cli("train", "--resume", "latest", *words)
    assert (result.exit_code, result.stdout) == (0, f"{run.id}\n")
    run.reload()
    assert (run.name, run.record["note"], run.read_config()["train"]["name"]) == ("new", "why", "new")
    assert "HParams keep the name old" in result.stderr
    assert "not applied, for nothing is left to train: save_format h5 instead of" in result.stderr
    assert "max_time" not in result.stderr
    assert resumed == []


@pytest.mark.parametrize("name", ["history.csv", "config.json", "heartbeat", "train/events.out.tfevents.9.x"])
def test_what_is_no_file_is_refused_and_the_run_stays_as_it_was(
    cli: Cli, workspace: Path, resumed: Resumed, name: str
) -> None:
    run = make_run(workspace, epochs=5, record={"ended_by": "epochs"})
    (run.logs / name).unlink(missing_ok=True)
    os.mkfifo(run.logs / name)
    before = run.record_file.read_bytes()
    code, said = refused(cli, "latest", "--epochs", "9", "--allow-changes")
    assert code == 8
    assert f"{name}' is no regular file" in said
    assert run.record_file.read_bytes() == before


def test_a_run_cannot_end_before_what_it_has_trained(cli: Cli, workspace: Path, resumed: Resumed) -> None:
    make_run(workspace, epochs=5)
    code, said = refused(cli, "latest", "--epochs", "2", "--allow-changes")
    assert code == 2
    assert "has trained 5" in said
    assert "--until" not in said


def test_a_run_that_stopped_by_its_time_goes_on(cli: Cli, workspace: Path, resumed: Resumed) -> None:
    make_run(workspace, record={"ended_by": "max_time"}, settings={"train.max_time": "1m"})
    assert cli("train", "--resume", "latest").exit_code == 0
    assert resumed.config.train.max_time == "1m"


def refused(cli: Cli, *words: str) -> tuple[int, str]:
    result = cli("train", "--resume", *words)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) >= 2
    return result.exit_code, result.stderr


def test_what_cannot_be_resumed_is_said_with_what_can_be_done(cli: Cli, workspace: Path, resumed: Resumed) -> None:
    owner = Owner.current()
    live = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}
    running = make_run(workspace, name="running", status="running", record=live)
    make_run(workspace, name="script", record={"backend": "jax", "script": "mine.py"})
    done = make_run(workspace, name="done", status="interrupted", settings={"train.epochs": 9})
    (workspace / "others" / "train").mkdir(parents=True)
    for words, code, said in [
        (["running"], 8, f"`tbcli stop {running.id}`"),
        (["script"], 8, "`tbcli run mine.py`"),
        (["done", "--epochs", "4", "--allow-changes"], 8, "schedule spans 9 epochs"),
        (["./others"], 3, "not a run of tbcli's"),
        (["nobody"], 3, "nobody"),
        ([""], 2, "empty"),
        (["done", "--config", "latest"], 2, "--resume and --config"),
        (["done", "--dry-run"], 2, "--resume and --dry-run"),
    ]:
        assert refused(cli, *words)[0] == code, words
        assert said in refused(cli, *words)[1], words
    done.update(status="interrupted")
    shutil.rmtree(done.checkpoints, ignore_errors=True)
    done.config_file.unlink()
    assert refused(cli, "done")[0] == 8
    assert resumed == []


def test_fewer_epochs_than_are_done_are_a_wrong_request(cli: Cli, workspace: Path, resumed: Resumed) -> None:
    make_run(workspace, status="interrupted", settings=CONSTANT | {"train.epochs": 9})
    code, said = refused(cli, "latest", "--epochs", "2")
    assert code == 2
    assert "has trained 3" in said
    assert cli("train", "--resume", "latest", "--epochs", "3").exit_code == 0
    result = cli("train", "--allow-changes")
    assert (result.exit_code, "needs --resume" in result.stderr) == (2, True)


def test_it_takes_exactly_one_run_and_a_copy_by_its_path_alone(cli: Cli, workspace: Path, resumed: Resumed) -> None:
    runs = [make_run(workspace, name="same", status="interrupted") for _ in range(2)]
    shutil.copytree(runs[0].logs, workspace / "logs" / "copied")
    shutil.move(runs[1].logs, workspace / "logs" / "renamed")
    for reference, said in (("same", runs[1].id), ("./logs", "3 runs"), ("copied", "./logs/copied")):
        code, told = refused(cli, reference)
        assert (code, said.removeprefix("./") in told) == (8, True), told
    for reference, run_id in (("./logs/copied", "copied"), (runs[0].id, runs[0].id), (runs[1].id, runs[1].id)):
        assert cli("train", "--resume", reference).stdout == f"{run_id}\n"
    assert resumed[-1][0].logs.name == "renamed"
