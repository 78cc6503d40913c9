"""The files that a run keeps: model, evidence, states; damaged ones are found, and whole ones are not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import Result

from tbcli.doctor.findings import Finding
from tbcli.doctor.kept_files import check_kept, describe_states
from tbcli.runs import Run
from tbcli.training.continuing.state import Generations
from tests.fakes import make_run

Cli = Callable[..., Result]


def whole_run(workspace: Path, **more: str) -> Run:
    run = make_run(workspace, files=False, **more)  # type: ignore[arg-type]
    run.models.mkdir(parents=True)
    write_archive(run.saved_model, "config.json", "model.weights.h5")
    write_archive(run.evidence_file, "task.npy")
    return run


def write_archive(path: Path, *names: str) -> None:
    with ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, bytes(range(256)) * 20)


def found(run: Run) -> dict[str, Finding]:
    return {finding.name: finding for finding in check_kept(run)}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def incomplete(path: Path) -> None:
    write_archive(path, "other")


def test_whole_files_and_missing_ones_are_no_finding(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    assert not found(run)
    run.saved_model.unlink()
    run.evidence_file.unlink()
    assert not found(run)


@pytest.mark.parametrize("spoil", [cut, flip, empty, pipe, folder])
def test_a_damaged_model_or_evidence_is_found(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    spoil(run.saved_model)
    assert found(run)["model-damaged"].fix == f"tbcli train --config {run.id}"
    spoil(run.evidence_file)
    assert set(found(run)) == {"model-damaged", "evidence-damaged"}


def test_an_archive_that_is_no_model_is_found(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    incomplete(run.saved_model)
    assert "config.json is missing" in found(run)["model-damaged"].what


@pytest.mark.parametrize("name", ["train", "validation", "checkpoints"])
def test_what_stands_for_a_directory_is_found_and_set_aside(name: str, tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    os.mkfifo(run.logs / name)
    assert found(run)["not-a-directory"].fix == f"mv {run.logs / name} {run.logs / name}.set-aside"


def test_a_damaged_state_matters_where_there_is_no_other(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    old, new = run.checkpoints / "step-1.state", run.checkpoints / "step-2.state"
    assert [each.level for each in describe_states(run, {new: "torn", old: ""})] == ["note"]
    assert {each.level for each in describe_states(run, {new: "torn", old: "torn"})} == {"warning"}
    assert not list(describe_states(run, {new: "", old: ""}))


def test_only_what_can_be_resumed_is_proposed_to_be(cli: Cli, workspace: Path) -> None:
    run = whole_run(workspace, status="interrupted")
    states = Generations(run.checkpoints)
    for step in (10, 20):
        states.save(step, {"model": {"step": step}})
    assert f"fix: tbcli train --resume {run.id}" in cli("doctor", run.id).stdout
    newest, oldest = states.files()
    cut(newest)
    result = cli("doctor", run.id)
    assert "state-damaged" in result.stdout
    assert f"--resume {run.id}" in result.stdout
    cut(oldest)
    for place in (run.id, "./logs"):
        result = cli("doctor", place)
        assert f"--resume {run.id}" not in result.stdout
        assert f"fix: tbcli train --config {run.id}" in result.stdout
