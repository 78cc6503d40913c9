"""All runs of a workspace: create, list, find."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.config import Config, PathsConfig, load_config
from tbcli.errors import ConfigError, NotFound
from tbcli.runs.creation import create_run
from tbcli.runs.files import utc_now
from tbcli.runs.ids import looks_like_id, time_in
from tbcli.runs.run import LogDirectory, Run, load_run
from tbcli.runs.unreadable import InvalidRun, read_invalid_run

if TYPE_CHECKING:
    from tbcli.naming.direction import Overrides
    from tbcli.runs.cleaning.wreckage import Wreck
    from tbcli.runs.references import Say


def by_time(run: Run) -> tuple[float, str]:
    """Return what sorts runs, oldest first: ids sort by second, the record tells apart what started within one."""
    started = run.started or time_in(run.recorded_id)
    return started.timestamp() if started else 0.0, run.id


class RunStore:
    """The runs below the three roots of a workspace."""

    def __init__(self, paths: PathsConfig, directions: Overrides | None = None) -> None:
        """Look for runs in the directories of a workspace; ``directions`` is the user's ``[direction]`` section."""
        self.directions = directions or {}
        self.logs_root = paths.logs
        self.plots_root = paths.plots
        self.models_root = paths.models
        self.sweep = ""
        """The only sweep whose runs there are here; see `of_sweep`."""
        self._has_earlier_fits = False
        self._invalid: dict[Path, InvalidRun] = {}
        self._others: dict[Path, None] = {}

    @property
    def damage(self) -> Sequence[str]:
        """What was no run though it seems to be one, of all that was looked at so far: a sentence each."""
        return tuple(map(str, self._invalid.values()))

    @property
    def invalid(self) -> Sequence[InvalidRun]:
        """The directories whose records cannot be read, of all that was looked at so far."""
        return tuple(self._invalid.values())

    @property
    def others(self) -> Sequence[Path]:
        """The directories that are no tbcli runs, of all that was looked at so far."""
        return tuple(self._others)

    def of_sweep(self, name: str, *, with_earlier_fits: bool = False) -> RunStore:
        """Return the store of the runs of one sweep alone, in which ``latest`` and ``best`` are of that sweep.

        Args:
            name: Of the sweep, or ``latest`` for the one whose first run is the newest.
            with_earlier_fits: Whether those of scripts are among them that are no trial; see `Run.earlier_fit_of`.

        Raises:
            NotFound: There is no run of it.
        """
        from tbcli.naming.matching import did_you_mean

        trials = [self._trial_of(run, with_earlier_fits) for run in self.list()]
        known = list(dict.fromkeys(str(trial["name"]) for trial in trials if trial))
        if not known or (name != "latest" and name not in known):
            hint = did_you_mean(name, reversed(known)) if known else "`tbcli sweep` makes some"
            raise NotFound(f"no runs of a sweep {name!r} in {str(self.logs_root)!r}", hint=hint)
        chosen = copy(self)
        chosen.sweep = known[-1] if name == "latest" else name
        chosen._has_earlier_fits = with_earlier_fits
        return chosen

    @staticmethod
    def _trial_of(run: Run, with_earlier_fits: bool) -> Mapping[str, Any]:
        return run.sweep or (run.earlier_fit_of if with_earlier_fits else {})

    def create(
        self,
        config: Config,
        facts: Mapping[str, Any] | None = None,
        *,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        now: datetime | None = None,
    ) -> Run:
        """Claim a directory for a new run and write its first record and its configuration.

        Args:
            config: Kept whole as ``config.json``.
            facts: What else the record says from the start.
            settings: What is kept as ``config.json`` of a training that is not ours, as ``{section: {name: value}}``.
            now: The moment of the start; the present unless given.

        Raises:
            ConfigError: The directory cannot be made: not writable, a file in the way.
            TrainingFailed: The disk is full.
        """
        return create_run(self.logs_root, self._run, config, facts, settings=settings, now=now or utc_now())

    def _run(self, run_id: str) -> Run:
        run = Run(run_id, self.logs_root / run_id, self.plots_root / run_id, self.models_root / run_id)
        run.directions = self.directions
        return run

    def _read(self, logs: Path) -> Run | None:
        run = load_run(logs, self.plots_root, self.models_root)
        if run is not None:
            run.directions = self.directions
        return run

    def _loaded(self, logs: Path) -> Run | None:
        """Return the run in a directory, as a copy if it is not the one with its id beside it or in the workspace."""
        run = self._read(logs)
        if run is None or logs == self.logs_root / run.id:
            return run
        others = [*(_beside(logs) if run.is_moved else ()), self.logs_root / run.id]
        found = (self._read(other) for other in others if not _is_same(other, logs))
        return run.as_copy() if any(other and other.id == run.id for other in found) else run

    def load(self, run_id: str) -> Run | None:
        """Return the run whose directory is called by this id, or None; a link to a run elsewhere is none of ours."""
        if (self.logs_root / run_id).is_symlink():
            return None
        run = self._loaded(self.logs_root / run_id)
        return run if run and run.id == run_id else None

    def ids(self) -> list[str]:
        """Return the names of all directories that may be runs, oldest first, without opening them.

        Raises:
            NotFound: The directory is there, but cannot be listed.
        """
        try:
            with os.scandir(self.logs_root) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise NotFound(
                f"cannot read the log directory {str(self.logs_root)!r}: {error.strerror or error}",
                hint="`--logdir DIR` or `--workspace DIR` with a directory that can be read",
            ) from error

    def each(self) -> Iterator[Run]:
        """Yield the runs by their ids, those in directories of other names last; what is no tbcli run is left out.

        So are the summaries of sweeps, in which nothing was trained.

        Raises:
            NotFound: The directory is there, but cannot be listed.
        """
        moved, known = [], Counter[str]()
        for name in self.ids():
            logs = self.logs_root / name
            run = self._read(logs)
            if run is None:
                self._note_other(logs)
                continue
            self._invalid.pop(logs, None)
            if run.summary_of:
                continue
            known[run.id] += 1
            if self.sweep and self._trial_of(run, self._has_earlier_fits).get("name") != self.sweep:
                continue
            if run.is_moved:
                moved.append(run)
            else:
                yield run
        yield from (run.as_copy() if known[run.id] > 1 else run for run in moved)

    def summaries(self) -> Sequence[Run]:
        """Return the summaries of sweeps, oldest first; see `Run.summary_of`."""
        found = (self._read(self.logs_root / name) for name in self.ids())
        chosen = [run for run in found if run and run.summary_of and self.sweep in ("", run.summary_of)]
        return sorted(chosen, key=by_time)

    def _note_other(self, logs: Path) -> None:
        self._others[logs] = None
        self._invalid.pop(logs, None)
        if invalid := read_invalid_run(logs):
            self._invalid[logs] = invalid

    def list(self) -> list[Run]:
        """Return all runs, oldest first."""
        return sorted(self.each(), key=by_time)

    def find(self, reference: str, say: Say | None = None, *, decides: bool = False) -> Run:
        """Return the run a reference names: ``latest~2``, ``best:val_loss``, an id, a unique prefix, a name or a path.

        Args:
            reference: What the user typed.
            say: Told which run is taken where several have the name.
            decides: Whether an exit code depends on it: ``best`` then refuses where a run cannot be read.

        Raises:
            UnreadableRun: It is there and cannot be read, or another run that may be the one meant.
            NotFound: Nothing answers to it, or only a log directory that is not a tbcli run.
            ConfigError: A prefix is ambiguous (the message lists the candidates), or nothing was typed.
        """
        found = self.find_any(reference, say, decides=decides)
        if isinstance(found, LogDirectory):
            raise NotFound(
                f"{reference!r} is a log directory but not a run of tbcli's", hint="`tbcli runs` lists the runs"
            )
        return found

    def find_any(self, reference: str, say: Say | None = None, *, decides: bool = False) -> Run | LogDirectory:
        """Return the run a reference names, or the log directory a path leads to; see `find`."""
        from tbcli.runs.references import Listed, choose_run, is_path

        if not reference:
            raise ConfigError("the run's name is empty: ''", hint="`latest` is the newest run; `tbcli runs` lists all")
        if is_path(reference):
            return self._at_path(reference)
        exact = self.load(reference) if looks_like_id(reference) else None
        if exact is not None:
            self._require_of_sweep(exact)
            return _as_place(exact)
        listed = Listed(self.list(), [one for one in self.invalid if one.is_ours], self.logs_root, self.sweep)
        return choose_run(reference, listed, self.directions, say, decides=decides)

    def named(self, name: str) -> Sequence[Run]:
        """Return every run with this ``--name``, oldest first, without copies."""
        return [run for run in self.list() if run.name == name and not run.is_copy]

    def wreckage(self, now: datetime | None = None) -> Sequence[Wreck]:
        """Return what killed processes of ours left behind, and runs without a whole record; see `WreckSearch`."""
        from tbcli.runs.cleaning.wreckage import WreckSearch

        search = WreckSearch(self, now or utc_now())
        for _ in search.each():
            pass
        return search.found()

    def _require_of_sweep(self, run: Run) -> None:
        """Refuse a run of no sweep or of another one, where those of one sweep were asked for."""
        if self.sweep and self.sweep not in (run.sweep.get("name"), run.summary_of):
            raise NotFound(
                f"run {run.id} is not of the sweep {self.sweep!r}",
                hint=f"`tbcli runs --sweep {shlex.quote(self.sweep)}` lists those",
            )

    def _at_path(self, reference: str) -> Run | LogDirectory:
        from tbcli.runs.references import is_directory

        path = Path(reference)
        if not is_directory(path):
            raise NotFound(
                f"no log directory {reference!r}",
                hint="a reference with a slash or a dot is a path; `tbcli runs` lists ids",
            )
        resolved = path.resolve()
        run = self._loaded(resolved)
        if run is None:
            self._note_other(resolved)
        else:
            self._require_of_sweep(run)
        return _as_place(run) if run else LogDirectory(resolved.name, path, directions=self.directions)


def _as_place(run: Run) -> Run | LogDirectory:
    """Return the summary of a sweep as a log directory, for it is no run but has several in it."""
    return LogDirectory(run.logs.name, run.logs, directions=run.directions) if run.summary_of else run


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def _beside(logs: Path) -> Sequence[Path]:
    """Return the directories beside one, links left out."""
    try:
        with os.scandir(logs.parent) as entries:
            return [logs.parent / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return ()


def list_runs(workspace: str | os.PathLike[str] = ".") -> list[Run]:
    """Return the runs of a workspace, oldest first.

    They are those that ``tbcli runs`` lists there: ``tbcli.toml`` and ``TBCLI_*`` variables say where they lie.

    Args:
        workspace: The directory that holds ``logs``.

    Raises:
        ConfigError: The workspace's ``tbcli.toml`` is invalid.

    Example:
        >>> import tbcli
        >>> [run.status() for run in tbcli.list_runs()]
        ['finished']
        >>> tbcli.list_runs()[-1].metric("test_accuracy") > 0.1
        True
    """
    config = load_config(flags={"paths.workspace": os.fspath(workspace)})
    return RunStore(config.paths, config.direction).list()
