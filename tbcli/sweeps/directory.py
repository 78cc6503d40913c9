"""The directory of a sweep, ``.tbcli/sweeps/<name>``: found, made, read and written."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.config import PathsConfig
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.runs.claim import Claim, claim
from tbcli.runs.files import read_json, utc_text, write_json
from tbcli.sweeps.definition import Definition, definition_from

if TYPE_CHECKING:
    from tbcli.sweeps.endings import Outcome

_FILE = "sweep.json"


class SweepDirectory:
    """The directory of a sweep below a workspace.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal_file = path / "study.journal"
        self.log_file = path / "trials.jsonl"

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self.path.name

    def output_file(self, name: str) -> Path:
        """Return where what a worker or a script prints is kept."""
        return self.path / f"{name}.txt"

    def save(self, definition: Definition) -> None:
        """Write the definition, whole."""
        write_json(self.path / _FILE, definition.as_dict())

    def remove_unused(self) -> None:
        """Remove what is left of a sweep of which no trial has begun."""
        if not any(self.path.glob("worker-*")):
            shutil.rmtree(self.path, ignore_errors=True)

    def load(self) -> Definition:
        """Return the definition.

        Raises:
            NotFound: It is missing or damaged.
        """
        kept = read_json(self.path / _FILE)
        try:
            assert kept is not None
            return definition_from(kept)
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError):
            raise NotFound(
                f"{str(self.path / _FILE)!r} is missing or damaged",
                hint="its runs are whole: `tbcli runs` lists them; the same words with `--name` begin a new sweep",
            ) from None

    def claim(self) -> Claim:
        """Lock it until this process ends.

        Raises:
            Refused: Another process runs this sweep.
        """
        try:
            return claim(self.path)
        except Refused:
            raise Refused(
                f"sweep {self.name!r} is in use: another process runs it", hint="wait for its end, or stop it first"
            ) from None


def sweeps_root(paths: PathsConfig) -> Path:
    """Return where a workspace keeps its sweeps."""
    return Path(paths.workspace) / ".tbcli" / "sweeps"


def sweep_names(paths: PathsConfig) -> list[str]:
    """Return the names of the sweeps of a workspace, the newest last."""
    try:
        found = [each for each in sweeps_root(paths).iterdir() if (each / _FILE).is_file()]
    except OSError:
        return []
    return [each.name for each in sorted(found, key=_age)]


def _age(path: Path) -> tuple[str, str]:
    kept = read_json(path / _FILE) or {}
    written = datetime.fromtimestamp((path / _FILE).stat().st_mtime, UTC)  # of one that is damaged
    return str(kept.get("started") or utc_text(written)), path.name


def find_sweep(paths: PathsConfig, name: str) -> SweepDirectory:
    """Return the sweep of a name, or the newest for ``latest``.

    Raises:
        NotFound: There is none.
    """
    names = sweep_names(paths)
    if not names:
        raise NotFound(
            f"no sweep {name!r}: there are no sweeps in {str(sweeps_root(paths))!r}",
            hint="`tbcli sweep learning_rate=0.001,0.01` makes the first one; `--workspace DIR` looks elsewhere",
        )
    if name != "latest" and name not in names:
        from tbcli.naming.matching import did_you_mean

        raise NotFound(f"no sweep {name!r} in {str(sweeps_root(paths))!r}", hint=did_you_mean(name, names))
    return SweepDirectory(sweeps_root(paths) / (names[-1] if name == "latest" else name))


def require_free(paths: PathsConfig, name: str, taken: Collection[str] = ()) -> None:
    """Check that a new sweep can have a name; see `create_sweep`."""
    path = sweeps_root(paths) / name
    if name and (path / _FILE).exists():
        raise Refused(f"there is a sweep {name!r} already", hint=_on_taken(paths, path))
    if name in taken:
        raise Refused(
            f"there are runs of a sweep {name!r} already",
            hint=f"another `--name`; `tbcli runs --sweep {shlex.quote(name)}` lists them",
        )


def create_sweep(paths: PathsConfig, name: str, taken: Collection[str] = ()) -> SweepDirectory:
    """Make the directory of a new sweep; without a name the next free number names it.

    Args:
        paths: Of the workspace.
        name: Of the sweep, or ``""``.
        taken: The sweeps of which there are runs, whether or not these sweeps are still kept.

    Raises:
        Refused: There is a sweep of that name, or there are runs of one.
        ConfigError: The directory cannot be made.
    """
    root = sweeps_root(paths)
    require_free(paths, name, taken)
    try:
        root.mkdir(parents=True, exist_ok=True)
        number = next(each for each in count(1) if f"sweep-{each}" not in taken)
        while True:
            path = root / (name or f"sweep-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                if name and (path / _FILE).exists():
                    raise Refused(f"there is a sweep {name!r} already", hint=_on_taken(paths, path)) from None
                if name:
                    return SweepDirectory(path)  # of a process that was killed before it had begun
                number += 1
            else:
                return SweepDirectory(path)
    except OSError as error:
        raise ConfigError(
            f"cannot make a sweep in {str(root)!r}: {error.strerror or error}",
            hint="`--workspace DIR` with a directory that can be written and has room",
        ) from error


def _on_taken(paths: PathsConfig, path: Path) -> str:
    """Return what to do about a name that a sweep has already."""
    if lost_runs(paths, path.name):
        return f"another `--name`; of that sweep no run is left, without {str(path)!r} its name is free again"
    return f"`tbcli sweep --resume {shlex.quote(path.name)}` goes on with it, another `--name` begins a new one"


def lost_runs(paths: PathsConfig, name: str) -> bool:
    """Say whether trials of a sweep have ended and none of their runs is there any more."""
    from tbcli.sweeps.endings import read_outcomes

    outcomes = read_outcomes(SweepDirectory(sweeps_root(paths) / name).log_file)
    return any(one.run for one in outcomes.values()) and not has_runs(paths, outcomes.values())


def has_runs(paths: PathsConfig, outcomes: Iterable[Outcome]) -> bool:
    """Say whether a run of any of these trials is there."""
    return any(one.run and (paths.logs / one.run).is_dir() for one in outcomes)
