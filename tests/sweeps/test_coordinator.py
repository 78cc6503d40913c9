"""The coordinator with workers that train nothing."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tbcli.config import Config, PathsConfig
from tbcli.errors import Interrupted
from tbcli.runs import Run, RunStore
from tbcli.sweeps.coordinator import Coordinator
from tbcli.sweeps.definition import Definition
from tbcli.sweeps.directory import SweepDirectory, create_sweep
from tbcli.sweeps.endings import Outcome, cut_torn_tail
from tbcli.sweeps.goal import goal_of
from tbcli.sweeps.room import count_slots, share_cores
from tbcli.sweeps.space import Dimension
from tbcli.sweeps.view import SweepView
from tests.sweeps.fake_worker import WHAT

COMMAND = (sys.executable, "-m", "tests.sweeps.fake_worker")
RATES = Dimension("train.learning_rate", (0.1, 0.2, 0.3))


def sizes(*what: str) -> Dimension:
    return Dimension("train.batch_size", tuple(WHAT.get(each, 64) for each in what))


def definition(*dimensions: Dimension, epochs: int = 2, **changed: Any) -> Definition:
    count = 1
    for each in dimensions:
        count *= len(each.values) or 1
    base = Config().updated({"train.epochs": epochs}).as_dict()
    asked = Definition(
        name="s", dimensions=dimensions, method="grid", combinations=count, seeds=1, metric="val_loss", sense="min",
        base=base, started="2026-11-26T00:00:00Z",
    )  # fmt: skip
    return replace(asked, **changed)


class Seen(SweepView):
    """Remembers what was told, and does something after an epoch."""

    def __init__(self, kill_after: int = 0, number: int = signal.SIGTERM) -> None:
        self.said: list[str] = []
        self.epochs = 0
        self._kill_after, self._number = kill_after, number

    def warn(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.said.append(text)

    def epoch(self, slot: int, epoch: int, value: float | None) -> None:
        self.epochs += 1
        if self.epochs == self._kill_after:
            os.kill(os.getpid(), self._number)


class Sweep:
    """A sweep in a workspace of its own."""

    def __init__(self, top: Path, asked: Definition) -> None:
        self.config = Config().updated({"paths.workspace": str(top), "sweep.parallel": "2"})
        self.paths: PathsConfig = self.config.paths
        self.directory: SweepDirectory = create_sweep(self.paths, asked.name)
        self.directory.save(asked)
        self.view = Seen()

    def run(self, view: Seen | None = None, *, goes_on: bool = False, **settings: object) -> list[Outcome]:
        self.view = view or Seen()
        config = self.config.updated({f"sweep.{name}": value for name, value in settings.items()})
        with self.directory.claim():
            coordinator = Coordinator(self.directory.load(), self.directory, config, self.view, COMMAND)
            return coordinator.run(goes_on=goes_on)

    def runs(self) -> list[Run]:
        return RunStore(self.paths).list()

    def study(self) -> Any:
        optuna = pytest.importorskip("optuna")
        backend = optuna.storages.journal.JournalFileBackend(str(self.directory.journal_file))
        return optuna.load_study(study_name="s", storage=optuna.storages.JournalStorage(backend))


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    return tmp_path


def values_of(outcomes: Sequence[Outcome]) -> Mapping[int, float | None]:
    return {outcome.trial: outcome.value for outcome in outcomes}


def test_every_trial_is_a_run_and_all_numbers_agree(top: Path) -> None:
    sweep = Sweep(top, definition(RATES, seeds=2, combinations=3))
    outcomes = sweep.run()
    assert [outcome.status for outcome in outcomes] == ["finished"] * 6
    runs = {int(run.sweep["trial"]): run for run in sweep.runs()}
    assert sorted(runs) == list(range(6))
    for outcome in outcomes:
        run = runs[outcome.trial]
        assert run.id == outcome.run
        assert run.name == f"s-{outcome.trial}"
        assert run.sweep["params"] == dict(outcome.params)
        assert run.sweep["seed"] == outcome.seed == run.read_config()["train"]["seed"]
        assert run.read_config()["train"]["learning_rate"] == outcome.params["train.learning_rate"]
        assert goal_of("val_loss", {}).value(run) == outcome.value
    study = sweep.study()
    told = {trial.user_attrs["trial"]: (trial.value, trial.user_attrs["run"], trial.params) for trial in study.trials}
    assert told == {each.trial: (each.value, each.run, dict(each.params)) for each in outcomes}
    assert [trial.number for trial in study.trials] == [trial.user_attrs["trial"] for trial in study.trials]


def test_a_trial_that_fails_ends_nothing_but_itself(top: Path) -> None:
    sweep = Sweep(top, definition(sizes("fail", "", "die", "unfit"), Dimension("train.learning_rate", (0.1, 0.2))))
    outcomes = sweep.run()
    assert [outcome.status for outcome in outcomes] == [
        *["failed"] * 2, *["finished"] * 2, *["interrupted"] * 2, *["failed"] * 2,
    ]  # fmt: skip
    assert outcomes[0].reason == "no luck"
    assert "SIGKILL" in outcomes[4].reason
    assert outcomes[6].run == ""
    lines = [json.loads(line) for line in sweep.directory.log_file.read_text().splitlines()]
    assert sorted(line["trial"] for line in lines) == list(range(8))
    assert lines[[line["trial"] for line in lines].index(6)]["params"] == dict(outcomes[6].params)
    assert {trial.state.name for trial in sweep.study().trials} == {"COMPLETE", "FAIL"}


def test_a_trial_whose_worker_was_killed_goes_on_whenever_that_was(top: Path) -> None:
    sweep = Sweep(top, definition(sizes("vanish", "late"), epochs=1))
    first, second = sweep.run()
    assert (first.status, first.run, second.status, second.reason) == ("interrupted", "", "finished", "")
    assert [outcome.status for outcome in sweep.run(goes_on=True)] == ["finished"] * 2
    assert len(sweep.runs()) == 2


@pytest.mark.slow
def test_a_worker_is_dead_though_a_child_of_it_lives(top: Path) -> None:
    outcomes = Sweep(top, definition(sizes("fork", ""), epochs=1)).run()
    (top / "go").touch()
    assert [outcome.status for outcome in outcomes] == ["interrupted", "finished"]
    assert not (top / "nobody came").exists()


@pytest.mark.slow
def test_failed_trials_begin_again_on_request(top: Path) -> None:
    sweep = Sweep(top, definition(sizes("fail once", "die once", "fail", ""), epochs=1))
    outcomes = sweep.run(retry=1)
    assert [outcome.status for outcome in outcomes] == ["finished", "finished", "failed", "finished"]
    assert len(sweep.runs()) == 4
    assert sum("begins again" in text for text in sweep.view.said) == 3
    assert [trial.state.name for trial in sweep.study().trials].count("COMPLETE") == 3


def test_a_trial_whose_machine_is_lost_waits_until_nothing_trains_it_any_more(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, looks = Run.is_live, iter((True, True, True))
    monkeypatch.setattr(Run, "is_live", lambda run: next(looks, False) or known(run))
    monkeypatch.setattr("tbcli.sweeps.coordinator._LOOK_SECONDS", 0.01)
    sweep = Sweep(top, definition(sizes("die once"), epochs=1))
    (outcome,) = sweep.run(retry=1)
    assert outcome.status == "finished"
    assert [run.id for run in sweep.runs()] == [outcome.run]  # the same one goes on
    assert next(looks, None) is None
    assert any("once nothing trains it any more" in text for text in sweep.view.said)


@pytest.mark.slow
def test_a_sweep_that_failed_in_part_is_mended_later(top: Path) -> None:
    sweep = Sweep(top, definition(sizes("fail once", "", "unfit"), epochs=1))
    assert [outcome.status for outcome in sweep.run()] == ["failed", "finished", "failed"]
    assert [outcome.status for outcome in sweep.run(goes_on=True)] == ["failed", "finished", "failed"]
    assert [outcome.status for outcome in sweep.run(goes_on=True, retry=1)] == ["finished", "finished", "failed"]
    assert len(sweep.runs()) == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_the_sweep_goes_on_with_the_same_runs(top: Path, number: int) -> None:
    sweep = Sweep(top, definition(RATES, sizes("", "wait"), epochs=1))
    with pytest.raises(Interrupted) as caught:
        sweep.run(Seen(kill_after=2, number=number))
    assert caught.value.exit_code == 128 + number
    assert "--resume s" in caught.value.hint
    (top / "go").touch()
    before = {run.id for run in sweep.runs()}
    assert {run.status() for run in sweep.runs()} <= {"finished", "interrupted"}
    outcomes = sweep.run(goes_on=True)
    assert [outcome.status for outcome in outcomes] == ["finished"] * 6
    assert before <= {run.id for run in sweep.runs()}
    assert len(sweep.runs()) == 6
    study = sweep.study()
    assert values_of(outcomes) == {trial.user_attrs["trial"]: trial.value for trial in study.trials}


@pytest.mark.slow
def test_what_a_killed_coordinator_left_is_taken_up(top: Path) -> None:
    sweep = Sweep(top, definition(RATES, sizes("", "x"), epochs=1))
    outcomes = sweep.run()
    first, second, third, *_ = sweep.runs()
    first.update(status="running")  # killed in training
    second.record_file.unlink()  # killed before it had a record
    for path in second.logs.iterdir():
        if path.is_file():
            path.unlink()
    third.config_file.write_text("{")  # cannot be gone on with
    third.update(status="interrupted")
    unlogged = {int(second.sweep["trial"]), int(first.sweep["trial"])}
    lines = sweep.directory.log_file.read_text().splitlines(keepends=True)
    sweep.directory.log_file.write_text("".join(line for line in lines if json.loads(line)["trial"] not in unlogged))
    for file in (sweep.directory.log_file, sweep.directory.journal_file):
        os.truncate(file, file.stat().st_size - 25)  # torn
    again = sweep.run(goes_on=True)
    assert values_of(again) == values_of(outcomes)
    assert len(sweep.runs()) == 6
    assert first.id in {run.id for run in sweep.runs()}
    assert not [path for path in RunStore(sweep.paths).logs_root.iterdir() if not (path / "run.json").exists()]
    complete = [trial for trial in sweep.study().trials if trial.state.name == "COMPLETE"]
    assert {trial.user_attrs["trial"]: trial.value for trial in complete} == values_of(outcomes)


def test_a_sweep_says_that_its_runs_were_cleaned(
    cli: Callable[..., Result], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr("tbcli.sweeps.coordinator.WORKER", COMMAND)
    assert cli("sweep", "--seeds", "2", "epochs=1", "limit_samples=20", "--name", "s").exit_code == 0
    assert cli("clean", "s-1", "--yes").exit_code == 0
    result = cli("sweep", "--resume", "latest")
    assert (result.exit_code, len(result.stdout.split())) == (0, 1)
    assert "2 of 2 trials have a result" in result.stderr
    assert "cleaned since: the run of 1 trial; `tbcli clean --restore` lists the trash" in result.stderr
    assert cli("clean", "s-0", "--yes").exit_code == 0
    assert cli("clean", "--purge", "--yes").exit_code == 0
    gone = "removed for good, and only a new sweep trains them again"
    result = cli("sweep", "--resume", "s", "--dry-run")
    assert result.stdout.count("stays finished, cleaned") == 2
    assert f"cleaned since: the runs of 2 trials; they are {gone}" in result.stderr
    told = cli("sweep", "--resume", "s").stderr
    assert gone in told
    assert "next " not in told
    assert gone in cli("runs", "--sweep", "s").stderr


def test_a_run_that_was_cleaned_is_not_trained_again(top: Path) -> None:
    sweep = Sweep(top, definition(RATES, epochs=1))
    outcomes = sweep.run()
    for path in (sweep.runs()[0].logs,):
        for file in sorted(path.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
        path.rmdir()
    assert values_of(sweep.run(goes_on=True)) == values_of(outcomes)
    assert len(sweep.runs()) == 2


@pytest.mark.slow
def test_optuna_chooses_with_exact_counts_and_seeds(top: Path) -> None:
    rate = Dimension("train.learning_rate", (), 0.001, 1.0, is_log=True)
    epochs = Dimension("train.epochs", (), 1, 2, is_whole=True)
    sweep = Sweep(top, definition(rate, epochs, method="tpe", combinations=3, seeds=2))
    with pytest.raises(Interrupted):
        sweep.run(Seen(kill_after=3))
    outcomes = sweep.run(goes_on=True)
    assert [outcome.trial for outcome in outcomes] == list(range(6))
    assert len(sweep.runs()) == 6
    for first, second in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert first.params == second.params
        assert (first.seed, second.seed) == (0, 1)
    assert len({outcome.params["train.learning_rate"] for outcome in outcomes}) == 3
    complete = [trial for trial in sweep.study().trials if trial.state.name == "COMPLETE"]
    assert {trial.user_attrs["trial"]: trial.value for trial in complete} == values_of(outcomes)


@pytest.mark.parametrize("metric", ["val_loss", "val_loss.best"])
def test_pruned_trials_are_kept_and_told(top: Path, metric: str) -> None:
    rates = Dimension("train.learning_rate", tuple(0.1 * step for step in range(1, 9)))
    sweep = Sweep(top, definition(rates, epochs=4, prune="median", metric=metric))
    outcomes = sweep.run(parallel="1")
    pruned = [outcome for outcome in outcomes if outcome.status == "pruned"]
    assert pruned
    assert {outcome.status for outcome in outcomes} == {"finished", "pruned"}
    assert all("lags behind" in outcome.reason and outcome.value is not None for outcome in pruned)
    runs = {run.id: run for run in sweep.runs()}
    assert all(runs[outcome.run].status() == "pruned" for outcome in pruned)
    told = {trial.user_attrs["trial"]: trial.value for trial in sweep.study().trials if trial.state.name == "PRUNED"}
    assert told == values_of(pruned)
    assert values_of(sweep.run(goes_on=True)) == values_of(outcomes)


def test_a_pruned_trial_that_was_gone_on_with_is_a_result_like_others(top: Path) -> None:
    rates = Dimension("train.learning_rate", tuple(0.1 * step for step in range(1, 8)))
    sweep = Sweep(top, definition(rates, epochs=4, prune="median"))
    pruned = next(outcome for outcome in sweep.run(parallel="1") if outcome.status == "pruned")
    RunStore(sweep.paths).find(pruned.run).update(status="finished", reason="")  # by `tbcli train --resume`
    again = sweep.run(goes_on=True)[pruned.trial]
    assert (again.status, again.reason) == ("finished", "")
    told = [trial for trial in sweep.study().trials if trial.user_attrs["trial"] == pruned.trial]
    assert [(trial.state.name, trial.user_attrs["run"]) for trial in told] == [
        ("PRUNED", pruned.run),
        ("COMPLETE", pruned.run),
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe\n{}\n", b"[1]\n", b'{"op_code": 4, "worker_id": "x"}\n'])
def test_a_damaged_journal_is_written_anew_from_the_runs(top: Path, content: bytes) -> None:
    sweep = Sweep(top, definition(Dimension("train.learning_rate", (0.1,)), epochs=1))
    outcomes = sweep.run()
    sweep.directory.journal_file.write_bytes(content)
    assert values_of(sweep.run(goes_on=True)) == values_of(outcomes)
    assert "damaged" in sweep.view.said[0]
    assert sweep.directory.journal_file.with_suffix(".damaged").read_bytes() == content
    assert {trial.user_attrs["trial"]: trial.value for trial in sweep.study().trials} == values_of(outcomes)


@pytest.mark.parametrize("tail", [b"", b'{"a": 1', b"\0\0\0\n", b"\xff\n\n{\n", b"\0"])
def test_a_torn_tail_is_cut_to_the_last_whole_line(tmp_path: Path, tail: bytes) -> None:
    for whole in (b"", b'{"b": 2}\n', b'{"b": 2}\n[]\n'):
        (tmp_path / "journal").write_bytes(whole + tail)
        cut_torn_tail(tmp_path / "journal")
        assert (tmp_path / "journal").read_bytes() == whole


def test_a_full_disk_is_told_with_its_place(
    cli: Callable[..., Result], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    monkeypatch.setattr("tbcli.sweeps.coordinator.WORKER", COMMAND)
    monkeypatch.setattr("tbcli.sweeps.endings.OutcomeLog.append", fail)
    result = cli("sweep", "--seeds", "2", "epochs=1", "limit_samples=20")
    assert result.exit_code == 5
    assert "cannot use '.tbcli/sweeps/sweep-1': No space left on device" in result.stderr
    assert RunStore(PathsConfig(workspace=str(workspace))).list()[0].id in result.stdout


@pytest.mark.slow
def test_without_optuna_a_sweep_runs_all_the_same(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.sweeps.study.find_spec", lambda name: None)
    sweep = Sweep(top, definition(RATES, epochs=1, seeds=2))
    with pytest.raises(Interrupted):
        sweep.run(Seen(kill_after=2))
    assert [outcome.status for outcome in sweep.run(goes_on=True)] == ["finished"] * 6
    assert not sweep.directory.journal_file.exists()


@pytest.mark.slow
def test_time_that_is_over_leaves_the_rest_for_later(top: Path) -> None:
    sweep = Sweep(top, definition(sizes("wait", "wait"), Dimension("train.learning_rate", (0.1, 0.2)), epochs=1))
    assert sweep.run(max_time="1s") == []
    assert {run.status() for run in sweep.runs()} <= {"interrupted"}  # of none, where a worker takes longer to start
    (top / "go").touch()
    assert [outcome.status for outcome in sweep.run(goes_on=True, max_time="0")] == ["finished"] * 4


@pytest.mark.slow
def test_workers_are_renewed_and_their_chatter_is_kept(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.sweeps.slots.RENEWED_AFTER", 2)
    flags = Dimension("train.deterministic", (False, True))
    sweep = Sweep(top, definition(RATES, flags, epochs=1))
    assert len(sweep.run(parallel="1")) == 6
    said = (sweep.directory.path / "worker-0.txt").read_text()
    assert said.count("a library's chatter") == 6  # what is deterministic shares no process with what is not


@pytest.mark.parametrize(
    ("asked", "trials", "cores", "slots"),
    [("auto", 9, [0, 1], 2), ("auto", 1, [0, 1], 1), ("3", 9, [0], 3), ("3", 2, [0, 1], 2), ("1", 0, [0], 1)],
)
def test_slots_are_as_many_as_cores_unless_said(asked: str, trials: int, cores: list[int], slots: int) -> None:
    assert count_slots(asked, trials, cores) == slots


def test_cores_are_shared_evenly_and_none_is_left_out() -> None:
    assert share_cores(2, [0, 1]) == [[0], [1]]
    assert share_cores(1, [3, 4]) == [[3, 4]]
    assert share_cores(3, [0, 1, 2, 3, 4, 5, 6]) == [[0, 1], [2, 3], [4, 5, 6]]
    assert share_cores(3, [0, 1]) == [[0], [1], [0]]
