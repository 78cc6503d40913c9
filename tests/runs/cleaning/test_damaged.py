from __future__ import annotations

import os
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.errors import NotFound, Refused
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import claim
from tbcli.runs.cleaning.damaged import plan_wreckage, remove_wreck
from tbcli.runs.cleaning.trash import Trash
from tests.fakes import make_run


def store_of(workspace: Path) -> RunStore:
    return RunStore(PathsConfig(workspace=str(workspace)))


def aged(*places: Path) -> None:
    for place in places:
        os.utime(place, (1e9, 1e9))


def damaged(workspace: Path) -> Run:
    run = make_run(workspace)
    run.record_file.write_text("{")
    aged(run.heartbeat_file, run.logs)
    return run


def orphaned(workspace: Path) -> Run:
    run = make_run(workspace)
    for path in sorted(run.logs.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run.logs.rmdir()
    aged(run.plots, run.models)
    return run


def test_a_damaged_run_and_what_has_no_logs_go_to_the_trash_and_come_back(tmp_path: Path) -> None:
    runs, trash = [damaged(tmp_path), orphaned(tmp_path)], Trash(store_of(tmp_path))
    sound = make_run(tmp_path)
    before = [sorted(run.files()) for run in runs]
    plan = plan_wreckage(store_of(tmp_path))
    assert [trash.move_wreck(wreck) for wreck in plan.wrecks] == list(plan.sizes)
    assert [run.files() for run in runs] == [[], []]
    assert plan_wreckage(store_of(tmp_path)).wrecks == ()
    for run in runs:
        assert trash.find(run.id).status == "damaged"
        trash.restore(trash.find(run.id))
    assert [sorted(run.files()) for run in runs] == before
    assert [run.id for run in store_of(tmp_path).list()] == [sound.id]


def test_what_is_left_over_can_be_removed_at_once(tmp_path: Path) -> None:
    runs, store = [damaged(tmp_path), orphaned(tmp_path)], store_of(tmp_path)
    plan = plan_wreckage(store)
    assert sum(remove_wreck(wreck, store.logs_root) for wreck in plan.wrecks) == sum(plan.sizes) > 0
    assert [run.files() for run in runs] == [[], []]


def test_temporary_files_of_dead_processes_go_alone(tmp_path: Path) -> None:
    run, store = make_run(tmp_path, status="interrupted"), store_of(tmp_path)
    left = run.logs / f".run.{2**22 + 1}.json"
    left.write_text("{")
    aged(left)
    (wreck,) = plan_wreckage(store).wrecks
    remove_wreck(wreck, store.logs_root)
    assert not left.exists()
    assert run.record_file.exists()


def test_what_somebody_works_on_stays(tmp_path: Path) -> None:
    run, trash = damaged(tmp_path), Trash(store_of(tmp_path))
    (wreck,) = plan_wreckage(store_of(tmp_path)).wrecks
    with claim(run.logs):
        plan = plan_wreckage(store_of(tmp_path))
        assert plan.wrecks == ()
        assert run.id in plan.staying[0]
        with pytest.raises(Refused):
            trash.move_wreck(wreck)


def test_what_was_mended_meanwhile_stays(tmp_path: Path) -> None:
    run, orphan, trash = damaged(tmp_path), orphaned(tmp_path), Trash(store_of(tmp_path))
    plan = plan_wreckage(store_of(tmp_path))
    run.update()
    orphan.logs.mkdir()
    for wreck in plan.wrecks:
        with pytest.raises(Refused, match="a run again"):
            trash.move_wreck(wreck)


def test_names_paths_and_ages_narrow_it(tmp_path: Path) -> None:
    run, other, store = damaged(tmp_path), orphaned(tmp_path), store_of(tmp_path)
    for name in (run.id, str(run.logs)):
        (one,) = plan_wreckage(store, [name]).wrecks
        assert one.paths[0] == run.logs
    assert len(plan_wreckage(store, [run.id, other.id, str(other.models)]).wrecks) == 2
    assert plan_wreckage(store, older_than="99999d").wrecks == ()
    with pytest.raises(NotFound, match="nothing that is damaged"):
        plan_wreckage(store, ["sound"])
