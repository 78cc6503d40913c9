"""What killed processes left behind, and references to runs that cannot be read."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.errors import ConfigError
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import claim
from tbcli.runs.files import utc_now
from tbcli.runs.owner import Owner
from tbcli.runs.unreadable import UnreadableRun
from tests.fakes import SOME_MOMENT, make_run

NOBODY = 2**22 + 1  # above the largest process number there can be


@pytest.fixture
def store(workspace: Path) -> RunStore:
    return RunStore(PathsConfig())


def aged(path: Path, seconds: float = 3600) -> Path:
    moment = time.time() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)
    return path


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "torn": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "of another": lambda path: path.write_text('{"id": "x"}'),
    "a list": lambda path: path.write_text("[]"),
    "a FIFO": make_fifo,
}


def damage(run: Run, how: str = "torn") -> Path:
    DAMAGES[how](run.record_file)
    return aged(run.logs)


def older_and_newer(workspace: Path, **more: str) -> tuple[Run, Run]:
    older = make_run(workspace, name="older", started=SOME_MOMENT)
    return older, make_run(workspace, started=SOME_MOMENT + timedelta(hours=1), **more)


@pytest.mark.parametrize("how", DAMAGES)
def test_an_id_that_exists_is_never_answered_with_another_run(workspace: Path, store: RunStore, how: str) -> None:
    older, newer = older_and_newer(workspace)
    damage(newer, how)
    for reference in (newer.id, newer.id[:-1], "latest", "latest~0"):
        with pytest.raises(UnreadableRun, match=r"run\.json") as caught:
            store.find(reference)
        assert "did you mean" not in caught.value.hint
        assert newer.id in caught.value.message
        assert "clean --damaged" in caught.value.hint
    assert store.find(older.id).id == older.id
    assert store.find("best").id == older.id
    assert any(newer.id in sentence for sentence in store.damage)
    with pytest.raises(UnreadableRun):
        store.find("best", decides=True)
    with pytest.raises(ConfigError, match="cannot be read"):  # the beginning of both
        store.find("2026")


def test_latest_counts_back_as_far_as_all_can_be_read(workspace: Path, store: RunStore) -> None:
    runs = [make_run(workspace, started=SOME_MOMENT + timedelta(hours=hour)) for hour in range(4)]
    damage(runs[1])
    assert store.find("latest~1").id == runs[2].id
    with pytest.raises(UnreadableRun):
        store.find("latest~2")


def test_a_run_that_is_being_made_is_stepped_over_for_a_minute(workspace: Path, store: RunStore) -> None:
    older, newer = older_and_newer(workspace)
    newer.record_file.unlink()
    assert store.find("latest").id == older.id
    assert not store.wreckage()
    with pytest.raises(UnreadableRun, match=r"has no run\.json"):
        store.find(newer.id)
    aged(newer.logs)
    with pytest.raises(UnreadableRun):
        RunStore(PathsConfig()).find("latest")
    (wreck,) = store.wreckage()
    assert [path.parent.name for path in wreck.paths] == ["logs", "plots", "models"]


def test_a_name_is_not_answered_by_an_older_run_of_that_name(workspace: Path, store: RunStore) -> None:
    _, newer = older_and_newer(workspace, name="older")
    damage(newer)
    with pytest.raises(UnreadableRun, match="named 'older'"):
        store.find("older")


def test_a_workspace_of_damaged_runs_alone_says_so(workspace: Path, store: RunStore) -> None:
    run = make_run(workspace)
    damage(run)
    for reference in ("latest", run.id, "best", "base"):
        with pytest.raises(UnreadableRun, match=r"run\.json is damaged"):
            store.find(reference)


def test_directories_of_other_tools_stand_in_nobodys_way(workspace: Path, store: RunStore) -> None:
    run = make_run(workspace)
    for name, text in {"wandb": "{", "tune": '{"id": 3}', "plain": None}.items():
        (workspace / "logs" / name).mkdir()
        if text:
            (workspace / "logs" / name / "run.json").write_text(text)
    assert store.find("latest").id == run.id
    assert not store.wreckage()


def test_wreckage_is_found_and_what_may_be_in_use_is_said(workspace: Path, store: RunStore) -> None:
    run, torn, held, beating, gone = (make_run(workspace) for _ in range(5))
    for one in (torn, held, beating):
        one.heartbeat_file.unlink()
        damage(one)
    aged(gone.plots)
    aged(gone.models)
    (gone.logs).rename(workspace / "moved away")
    beating.heartbeat_file.touch()
    aged(beating.logs)
    with claim(held.logs):
        found = {wreck.paths[0].name: wreck for wreck in store.wreckage()}
    assert set(found) == {torn.id, held.id, beating.id, gone.id}
    assert (found[torn.id].kind, found[torn.id].in_use) == ("run", "")
    assert [path.parent.name for path in found[torn.id].paths] == ["logs", "plots", "models"]
    assert "holds it" in found[held.id].in_use
    assert "heartbeat" in found[beating.id].in_use
    assert (found[gone.id].kind, len(found[gone.id].paths)) == ("orphan", 2)
    assert run.id not in found


@pytest.mark.parametrize("where", ["other", ".tbcli-trash"])
def test_plots_and_models_of_logs_that_are_elsewhere_are_no_wreckage(
    workspace: Path, store: RunStore, where: str
) -> None:
    make_run(workspace)
    run = make_run(workspace)
    (workspace / where).mkdir()
    run.logs.rename(workspace / where / run.id)
    for path in (run.plots, run.models):
        aged(path)
    assert not store.wreckage()
    assert not RunStore(PathsConfig(logdir=str(workspace / "elsewhere" / "logs"))).wreckage()


def test_temporaries_of_dead_processes_are_left_over_and_those_of_others_are_not(
    workspace: Path, store: RunStore
) -> None:
    me = Owner.current()
    here = {"pid": NOBODY, "pid_started": 1, "host": me.host, "boot": me.boot, "pid_namespace": me.namespace}
    run = make_run(workspace, status="running", record=here)
    for path in (run.logs / f".run.{NOBODY}.json", run.models / f".x.{NOBODY}.keras"):
        path.touch()  # of the run's own process
    old = [
        run.plots / f".training_history.{NOBODY + 1}.png",
        run.logs / "train" / f".x.{NOBODY + 2}.tsv",
        run.models / f".{run.model_stem}x",
    ]
    for path in old:
        path.touch()
        aged(path)
    for name in (f".config.{NOBODY + 3}.json", f".config.{os.getpid()}.json", ".keep"):  # young, or of somebody
        (run.logs / name).touch()
    found = {wreck.paths[0].name for wreck in store.wreckage() if wreck.kind == "temporary"}
    assert found == {f".run.{NOBODY}.json", f".x.{NOBODY}.keras", *(path.name for path in old)}


def aged_file(path: Path) -> Path:
    path.touch()
    return aged(path)


def test_a_run_that_trains_has_no_wreckage(workspace: Path, store: RunStore) -> None:
    run = make_run(workspace, status="running")
    aged_file(run.logs / f".run.{NOBODY}.json")
    run.heartbeat_file.touch()
    assert not store.wreckage()


def test_a_directory_that_goes_while_runs_are_listed_is_no_wreckage(
    workspace: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, gone = make_run(workspace), make_run(workspace)
    names = store.ids()
    shutil.rmtree(gone.logs)
    monkeypatch.setattr(store, "ids", lambda: names)
    assert store.find("latest").id == run.id
    assert not store.damage


def test_a_record_that_is_mended_is_damaged_no_longer(workspace: Path, store: RunStore) -> None:
    run = make_run(workspace)
    whole = run.record_file.read_bytes()
    damage(run)
    assert not store.list()
    assert store.damage
    run.record_file.write_bytes(whole)
    assert store.find("latest").id == run.id
    assert not store.damage


def test_runs_says_what_is_left_over(cli, workspace: Path) -> None:
    run, torn = make_run(workspace), make_run(workspace)
    assert "left over" not in cli("runs").stderr
    assert json.loads(cli("runs", "--json").stdout)["wreckage"] == []
    damage(torn)
    aged_file(run.logs / f".run.{NOBODY}.json")
    run.update(status="failed")
    told = cli("runs").stderr
    assert "left over: 1 damaged run, 1 temporary file: `tbcli clean --damaged` removes that" in told
    kinds = [one["kind"] for one in json.loads(cli("runs", "--json").stdout)["wreckage"]]
    assert kinds == ["run", "temporary"]


def test_a_gate_does_not_pass_on_yesterdays_run(cli, workspace: Path) -> None:
    older, newer = older_and_newer(workspace)
    damage(newer)
    for reference in ("latest", "best", "best:val_loss"):
        result = cli("check", reference, "val_accuracy>0.1")
        assert (result.exit_code, "cannot be read" in result.stderr) == (3, True)
    result = cli("check", older.id, "--baseline", "best", "loss<9")
    assert (result.exit_code, "cannot be read" in result.stderr) == (3, True)
    result = cli("runs", "best")
    assert (result.exit_code, "left out" in result.stderr) == (0, True)


def test_a_run_is_made_with_its_record_first(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.config import Config

    def killed(self: Run) -> None:
        assert [path.name for path in self.logs.iterdir()] == ["run.json"]
        raise SystemExit

    monkeypatch.setattr(Run, "beat", killed)
    with pytest.raises(SystemExit):
        store.create(Config(), now=utc_now())
