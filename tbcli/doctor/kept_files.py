"""What a run keeps besides its record and its logs: the model, the evidence, states to resume from; is each whole?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from tbcli.doctor.findings import Finding
from tbcli.doctor.system import command, set_aside
from tbcli.naming.words import SPLITS
from tbcli.runs import Run
from tbcli.runs.files import open_regular

_MOST_BYTES = 200_000_000  # of an archive whose members are read to compare their checksums
_OF_MODEL = ("config.json", "model.weights.h5")


def check_kept(run: Run) -> Iterator[Finding]:
    """Yield which files that a run keeps are damaged, and what lies in the place of its directories."""
    again = f"tbcli train --config {run.id}" if "backend" not in run.record else "run the script again"
    if problem := archive_problem(run.saved_model, _OF_MODEL):
        why = "`evaluate` and `predict` cannot load the model"
        yield _damaged("model-damaged", run.saved_model, problem, why, again)
    if problem := archive_problem(run.evidence_file):
        why = "figures of its predictions cannot be drawn, and the findings about its classes are missing"
        yield _damaged("evidence-damaged", run.evidence_file, problem, why, again)
    parts = [run.logs / name for name in SPLITS]
    for place in (*parts, run.checkpoints, run.plots, run.models):
        if os.path.lexists(place) and not os.path.isdir(place):  # noqa: PTH112 - which raises where it may not look
            yield _damaged(
                "not-a-directory", place, "it is no directory", "what belongs there is missing", set_aside(place)
            )


def _damaged(name: str, place: Path, what: str, why: str, fix: str) -> Finding:
    return Finding(level="warning", name=name, where=str(place), what=what, why=why, fix=fix)


def archive_problem(path: Path, members: tuple[str, ...] = ()) -> str:
    """Return what is wrong with a zip archive, as the end of a sentence; ``""`` if nothing, or if it is not there.

    Args:
        path: The file.
        members: What it must hold.
    """
    if not os.path.lexists(path):
        return ""
    try:
        with open_regular(path) as handle, open(handle, "rb", closefd=False) as file, ZipFile(file) as archive:
            missing = [name for name in members if name not in archive.namelist()]
            is_small = os.fstat(handle).st_size <= _MOST_BYTES
            bad = archive.testzip() if is_small and not missing else None
    except BadZipFile:
        return "the file is cut short or damaged: it is no whole archive"
    except (OSError, ValueError, EOFError, RuntimeError, NotImplementedError) as error:
        return f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    if missing:
        return f"{missing[0]} is missing in it"
    return f"{bad} in it is damaged: its checksum is wrong" if bad else ""


def describe_states(run: Run, states: Mapping[Path, str]) -> Iterator[Finding]:
    """Yield that states to resume from are damaged.

    Args:
        run: The run.
        states: What is wrong with each of its states, ``""`` of a whole one.
    """
    damaged = {path: problem for path, problem in states.items() if problem}
    has_whole = len(damaged) < len(states)
    for path, problem in damaged.items():
        yield Finding(
            level="note" if has_whole else "warning",
            name="state-damaged",
            where=str(path),
            what=problem,
            why="`--resume` takes the older one" if has_whole else "the training cannot be resumed",
            fix="" if has_whole else command("tbcli", "train", "--config", run.id),
        )
