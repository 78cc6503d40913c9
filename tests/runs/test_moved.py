"""Run directories that were renamed or copied."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.errors import ConfigError
from tbcli.runs import Run, RunStore
from tests.fakes import make_run


@pytest.fixture
def store(workspace: Path) -> RunStore:
    return RunStore(PathsConfig())


def copied(run: Run, name: str = "copy") -> Path:
    shutil.copytree(run.logs, run.logs.with_name(name))
    return run.logs.with_name(name)


@pytest.mark.parametrize("name", ["best one [bold]", "20261124-000000-zzzz", "数 字", "new\nline"])
def test_a_renamed_run_is_still_that_run_with_its_plots_and_model(workspace: Path, store: RunStore, name: str) -> None:
    run = make_run(workspace, name="first")
    run.logs.rename(run.logs.with_name(name))
    for reference in (run.id, run.id[:-3], "first", "latest", "best", f"logs/{name}"):
        found = store.find(reference)
        assert (found.id, found.is_moved, found.is_copy) == (run.id, True, False)
        assert found.logs.name == name
        assert (found.plots.name, found.saved_model.exists()) == (run.id, True)
    if name != "20261124-000000-zzzz":
        assert store.find(name).id == run.id


def test_of_two_directories_with_one_id_the_one_called_so_owns_plots_and_model(
    workspace: Path, store: RunStore
) -> None:
    run = make_run(workspace, name="first")
    copied(run)
    runs = {one.logs.name: one for one in store.list()}
    assert set(runs) == {run.id, "copy"}
    assert (runs["copy"].id, runs["copy"].recorded_id, runs["copy"].is_copy) == ("copy", run.id, True)
    assert not runs["copy"].saved_model.exists()
    assert runs[run.id].saved_model.exists()
    for reference in (run.id, run.id[:-2], "first", "latest", "best", f"logs/{run.id}"):
        assert store.find(reference).logs.name == run.id
    for reference in ("copy", "logs/copy"):
        assert (store.find(reference).logs.name, store.find(reference).is_copy) == ("copy", True)
    assert [one.logs.name for one in store.named("first")] == [run.id]


def test_a_copy_in_another_place_is_a_run_of_its_own_without_plots_and_model(
    cli, workspace: Path, store: RunStore
) -> None:
    run = make_run(workspace)
    (workspace / "backup").mkdir()
    shutil.copytree(run.logs, workspace / "backup" / run.id)
    found = store.find(f"backup/{run.id}")
    assert (found.id, found.recorded_id, found.is_copy) == (f"{run.id}-copy", run.id, True)
    assert (found.plots.name, found.models.name) == (f"{run.id}-copy", f"{run.id}-copy")
    assert not store.find(f"logs/{run.id}").is_copy
    compared = json.loads(cli("compare", run.id, f"backup/{run.id}", "--json").stdout)
    assert [one["id"] for one in compared["sides"]] == [run.id, f"{run.id}-copy"]
    shutil.rmtree(run.logs)
    assert not store.find(f"backup/{run.id}").is_copy
    (workspace / "link").symlink_to(workspace / "logs")
    make_run(workspace)
    assert not store.find(f"link/{store.find('latest').id}").is_copy


def test_two_directories_with_the_id_of_neither_are_ambiguous(workspace: Path, store: RunStore) -> None:
    run = make_run(workspace)
    copied(run)
    run.logs.rename(run.logs.with_name("other"))
    assert [one.is_copy for one in store.list()] == [True, True]
    with pytest.raises(ConfigError, match="'logs/copy' and 'logs/other' have that id"):
        store.find(run.id)
    assert store.find("other").logs.name == "other"


def test_a_record_cannot_lead_out_of_the_workspace(workspace: Path, store: RunStore) -> None:
    run = make_run(workspace)
    record = json.loads(run.record_file.read_text())
    for bad in ("../../etc", "a/b", "", None, 3, ["x"]):
        run.record_file.write_text(json.dumps({**record, "id": bad}))
        assert store.list() == []


def test_runs_lists_both_and_names_the_directory(cli, workspace: Path) -> None:
    run = make_run(workspace)
    copied(run)
    listed = cli("runs").stdout
    assert listed.count(run.id) == 2
    assert f"{run.id} in copy" in listed
    entries = json.loads(cli("runs", "--json").stdout)["runs"]
    assert [(one["id"], one["directory"]) for one in entries] == [(run.id, f"logs/{run.id}"), (run.id, "logs/copy")]


def test_reading_commands_take_both_as_two_runs(cli, workspace: Path) -> None:
    run = make_run(workspace)
    copied(run)
    compared = json.loads(cli("compare", run.id, "logs/copy", "--json").stdout)
    assert [one["id"] for one in compared["sides"]] == [run.id, "copy"]
    assert cli("check", "logs/copy", "val_accuracy.best>0.5").exit_code == 0
    drawn = cli("plot", run.id, "copy")
    assert drawn.exit_code == 0, drawn.stderr
    assert cli("plot", "logs/copy", "--kind", "history").stdout.splitlines() == ["plots/copy/training_history.png"]
