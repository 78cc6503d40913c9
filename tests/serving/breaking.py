"""Trainings whose recorders are broken: one that leaves nothing behind, and all that raise."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tbcli.config import PathsConfig
from tbcli.events.writing import EventFile
from tbcli.recorders.base import Recorder
from tbcli.recorders.recording import Recording
from tbcli.recorders.writer import EventWriter
from tbcli.runs import Run, RunStore
from tbcli.runs.files import read_json, write_json
from tests.tiny import train_small

FULL = {"record.recorders": "full", "train.epochs": 2, "plot.automatic": False}


class SortingWriter(EventWriter):
    """Gives every recorder event files of its own, so that what one wrote can be taken away afterwards."""

    writes = ""
    files_of: ClassVar[dict[str, set[Path]]] = {}

    def file(self, name: str, content: bytes, *, where: str) -> None:
        super().file(name, content, where=where)
        self._note(Path(self.directory(where)) / name)

    def _file(self, where: str) -> Any:
        key = f"{self.writes} {where}"
        if key not in self._files:
            directory = Path(self.directory(where))
            before = set(directory.iterdir())
            self._files[key] = EventFile(directory)
            (made,) = set(directory.iterdir()) - before
            self._note(made)
        return self._files[key]

    def _note(self, path: Path) -> None:
        self.files_of.setdefault(self.writes, set()).add(path)


def train_sorted(workspace: Path) -> tuple[Run, dict[str, set[Path]]]:
    """Train with everything on; return the run, and which files are whose."""
    guarded = Recording._guarded

    @contextmanager
    def told(recording: Recording, recorder: Recorder) -> Iterator[None]:
        SortingWriter.writes = recorder.name
        with guarded(recording, recorder):
            yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SortingWriter, "files_of", {})
        patch.setattr("tbcli.recorders.recording.EventWriter", SortingWriter)
        patch.setattr(Recording, "_guarded", told)
        run = train_small(workspace, FULL).run
        return run, SortingWriter.files_of


def train_raising(workspace: Path) -> Run:
    """Train with every recorder raising at its first moment."""
    from tbcli.recorders.registry import load_recorders

    def fail(*_: object) -> None:
        raise ZeroDivisionError("broken on purpose")

    def broken(names: list[str]) -> list[Recorder]:
        recorders = load_recorders(names)
        for recorder in recorders:
            for moment in ("on_begin", "on_steps", "on_epoch", "on_end"):
                setattr(recorder, moment, fail)
        return recorders

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tbcli.training.pipeline.load_recorders", broken)
        return train_small(workspace, FULL).run


def copy_run(run: Run, name: str, without: set[Path] = frozenset()) -> Run:  # type: ignore[assignment]
    """Copy a run's logs beside it, some files left out."""
    left_out = {path.relative_to(run.logs) for path in without}
    copy = run.logs.with_name(f"{run.id[:-4]}{name}")
    shutil.copytree(run.logs, copy)
    for path in left_out:
        (copy / path).unlink()
    write_json(copy / "run.json", {**(read_json(copy / "run.json") or {}), "id": copy.name})
    found = RunStore(PathsConfig(workspace=str(run.logs.parent.parent))).load(copy.name)
    assert found
    return found
