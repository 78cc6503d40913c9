"""All runs of a workspace: create, list, find by reference."""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.config import Config, PathsConfig, load_config
from tbcli.errors import ConfigError, NotFound, TrainingFailed
from tbcli.runs.files import utc_now, utc_text, write_json
from tbcli.runs.ids import looks_like_id, new_id
from tbcli.runs.owner import Owner
from tbcli.runs.run import SCHEMA, LogDirectory, Run, load_run
from tbcli.runs.unreadable import describe_invalid_run

if TYPE_CHECKING:
    from tbcli.naming.direction import Direction, Overrides
    from tbcli.runs.summary import Summary

DEFAULT_RANK_METRIC = "val_accuracy"

Say = Callable[[str], None]
"""Tells a person one line."""


def is_path(reference: str) -> bool:
    """Say whether a reference is a path: ids and names hold neither a slash nor a dot."""
    return "/" in reference or "." in reference


def is_directory(path: Path) -> bool:
    """Say whether a directory is there and can be seen, whatever was typed as its name."""
    try:
        return path.is_dir()
    except OSError:  # too long, or in a place that is closed to us
        return False


def by_time(run: Run) -> tuple[str, str]:
    """Return what sorts runs, oldest first: ids sort by second, the record tells apart what started within one."""
    return str(run.record.get("started")), run.id


class RunStore:
    """The runs below the three roots of a workspace."""

    def __init__(self, paths: PathsConfig, directions: Overrides | None = None) -> None:
        """Look for runs in the directories of a workspace; ``directions`` is the user's ``[direction]`` section."""
        self.directions = directions or {}
        self.logs_root = paths.logs
        self.plots_root = paths.plots
        self.models_root = paths.models
        self._damage: dict[str, str] = {}
        self._others: dict[Path, None] = {}

    @property
    def damage(self) -> Sequence[str]:
        """What was no run though it seems to be one, of all that was looked at so far: a sentence each."""
        return tuple(self._damage.values())

    @property
    def others(self) -> Sequence[Path]:
        """The directories that are no tbcli runs, of all that was looked at so far."""
        return tuple(self._others)

    def create(self, config: Config, facts: Mapping[str, Any] | None = None, *, now: datetime | None = None) -> Run:
        """Claim a directory for a new run and write its first record and its configuration.

        Args:
            config: Kept whole as ``config.json``.
            facts: What else the record says from the start.
            now: The moment of the start; the present unless given.

        Raises:
            ConfigError: The directory cannot be made: not writable, a file in the way.
            TrainingFailed: The disk is full.
        """
        now = now or utc_now()
        try:
            self.logs_root.mkdir(parents=True, exist_ok=True)
            run = self._claimed(now, config.train.name)
            run.record = {**_first_record(run.id, config, now), **(facts or {})}
            _write_first_files(run, config)
        except OSError as error:
            kind = TrainingFailed if error.errno in (errno.ENOSPC, errno.EDQUOT) else ConfigError
            raise kind(
                f"cannot make a run in {str(self.logs_root)!r}: {error.strerror or error}",
                hint="`--workspace DIR` or `--logdir DIR` with a directory that can be written and has room",
            ) from error
        return run

    def _claimed(self, now: datetime, name: str) -> Run:
        while True:
            run = self._run(new_id(now, name))
            try:
                run.logs.mkdir()
            except FileExistsError:
                continue  # another program's, a moment ago
            return run

    def _run(self, run_id: str) -> Run:
        run = Run(run_id, self.logs_root / run_id, self.plots_root / run_id, self.models_root / run_id)
        run.directions = self.directions
        return run

    def _loaded(self, logs: Path) -> Run | None:
        run = load_run(logs, self.plots_root / logs.name, self.models_root / logs.name)
        if run is not None:
            run.directions = self.directions
        return run

    def load(self, run_id: str) -> Run | None:
        """Return the run with exactly this id, or None; a link to a run elsewhere is none of ours."""
        if (self.logs_root / run_id).is_symlink():
            return None
        return self._loaded(self.logs_root / run_id)

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
        """Yield the runs by their ids, one at a time; what is not a tbcli run, and links, are left out.

        Raises:
            NotFound: The directory is there, but cannot be listed.
        """
        for run_id in self.ids():
            run = self._loaded(self.logs_root / run_id)
            if run is not None:
                yield run
            else:
                self._note_damage(self.logs_root / run_id)

    def _note_damage(self, logs: Path) -> None:
        self._others[logs] = None
        sentence = describe_invalid_run(logs)
        if sentence:
            self._damage[str(logs)] = sentence

    def list(self) -> list[Run]:
        """Return all runs, oldest first."""
        return sorted(self.each(), key=by_time)

    def find(self, reference: str, say: Say | None = None) -> Run:
        """Return the run a reference names: ``latest~2``, ``best:val_loss``, an id, a unique prefix, a name or a path.

        Args:
            reference: What the user typed.
            say: Told which run is taken where several have the name.

        Raises:
            NotFound: Nothing answers to it, or only a log directory that is not a tbcli run.
            ConfigError: A prefix is ambiguous (the message lists the candidates), or nothing was typed.
        """
        found = self.find_any(reference, say)
        if isinstance(found, LogDirectory):
            raise NotFound(
                f"{reference!r} is a log directory but not a run of tbcli's", hint="`tbcli runs` lists the runs"
            )
        return found

    def find_any(self, reference: str, say: Say | None = None) -> Run | LogDirectory:
        """Return the run a reference names, or the log directory a path leads to; see `find`."""
        if not reference:
            raise ConfigError("the run's name is empty: ''", hint="`latest` is the newest run; `tbcli runs` lists all")
        if is_path(reference):
            return self._at_path(reference)
        exact = self.load(reference) if looks_like_id(reference) else None
        if exact is not None:
            return exact
        return self._among(reference, self.list(), say)

    def named(self, name: str) -> Sequence[Run]:
        """Return every run with this ``--name``, oldest first."""
        return [run for run in self.list() if run.name == name]

    def _at_path(self, reference: str) -> Run | LogDirectory:
        path = Path(reference)
        if not is_directory(path):
            raise NotFound(
                f"no log directory {reference!r}",
                hint="a reference with a slash or a dot is a path; `tbcli runs` lists ids",
            )
        resolved = path.resolve()
        run = self._loaded(resolved)
        if run is None:
            self._note_damage(resolved)
        return run or LogDirectory(resolved.name, path, directions=self.directions)

    def _among(self, reference: str, runs: Sequence[Run], say: Say | None) -> Run:
        if not runs:
            raise NotFound(
                f"no run {reference!r}: there are no runs in {str(self.logs_root)!r}",
                hint=_as_path(reference) or "`tbcli train` makes the first one; `--workspace DIR` looks elsewhere",
            )
        if reference == "latest" or reference.startswith("latest~"):
            return _nth_latest(reference, runs)
        if reference == "best" or reference.startswith("best:"):
            return _best(reference, runs, self.directions, say)
        by_prefix = [run for run in runs if run.id.startswith(reference)]
        by_name = [run for run in runs if run.name == reference]
        if len(by_prefix) == 1:
            return by_prefix[0]
        if by_prefix:
            listed = ", ".join(run.id for run in by_prefix[-5:])
            more = f" and {len(by_prefix) - 5} more" if len(by_prefix) > 5 else ""
            raise ConfigError(
                f"{reference!r} is ambiguous: it matches {len(by_prefix)} runs: {listed}{more}",
                hint="type more of the id",
            )
        if by_name:
            if len(by_name) > 1 and say:
                say(f"{len(by_name)} runs are named {reference!r}: this is the newest, {by_name[-1].id}")
            return by_name[-1]
        from tbcli.naming.matching import nearest

        guess = nearest(reference, [run.id for run in runs] + [run.name for run in runs if run.name])
        hint = f"did you mean {guess!r}? " if guess else ""
        hint += "`tbcli runs` lists them" if guess else "`tbcli runs` lists what is there"
        raise NotFound(f"no run {reference!r} in {str(self.logs_root)!r}", hint=_as_path(reference) or hint)


def _as_path(reference: str) -> str:
    """Return how to name the directory that is called as a run was to be, or ``""`` where there is none."""
    return f"`./{reference}` names the directory" if is_directory(Path(reference)) else ""


def _first_record(run_id: str, config: Config, now: datetime) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": run_id,
        "name": config.train.name,
        "note": config.train.note,
        "status": "running",
        "started": utc_text(now),
        "ended": None,
        "seconds": None,
        "model": config.model.name,
        "data": config.data.source,
        **_owner_facts(),
    }


def _write_first_files(run: Run, config: Config) -> None:
    try:
        write_json(run.config_file, config.as_dict())
        run.beat()
        run.update()
    except BaseException:
        # Without a record nobody, not even `tbcli clean`, would ever know the directory for a run.
        shutil.rmtree(run.logs, ignore_errors=True)
        raise


def _owner_facts() -> dict[str, Any]:
    owner = Owner.current()
    return {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}


def _nth_latest(reference: str, runs: Sequence[Run]) -> Run:
    _, _, text = reference.partition("~")
    if "~" in reference and not text.isdecimal():
        raise ConfigError(
            f"invalid reference {reference!r}: expected latest~N", hint="`latest~1` is the run before the latest"
        )
    back = int(text or 0)
    if back >= len(runs):
        raise NotFound(f"no run {reference!r}: there are {len(runs)}", hint=f"`latest~{len(runs) - 1}` is the oldest")
    return runs[-1 - back]


def _best(reference: str, runs: Sequence[Run], directions: Overrides, say: Say | None) -> Run:
    """Return the best run by a metric, among those of the data that the newest run with that metric learnt from."""
    from tbcli.naming.direction import direction_of, how_to_declare
    from tbcli.naming.matching import did_you_mean
    from tbcli.runs.summary import summary_of

    asked = reference.partition(":")[2] or DEFAULT_RANK_METRIC
    direction = direction_of(asked, directions, asked=True)
    if not direction.sense:
        raise ConfigError(
            f"no run is the best by {asked!r}: it has no direction",
            hint=how_to_declare(asked),
        )
    summaries = [(run, summary_of(run)) for run in runs]
    # Without validation samples the training metric has to do.
    from tbcli.naming.series import without_split

    for metric in dict.fromkeys((asked, without_split(asked))):
        scored = _scored(summaries, metric)
        if scored:
            break
    else:
        known = dict.fromkeys(name for _, summary in summaries for name in summary.metrics)
        hint = did_you_mean(asked, known) if known else "no run has metrics yet"
        raise NotFound(f"no run has a metric {asked!r}", hint=hint)
    data = scored[-1][1].data_name
    rivals = [(value, run) for value, run in scored if run.data_name == data]
    choose: Callable[..., tuple[float, Run]] = min if direction.sense == "min" else max
    best = choose(rivals, key=lambda pair: pair[0])[1]
    if say:
        _say_how(best, metric, direction, scored, say)
    return best


def _scored(summaries: Iterable[tuple[Run, Summary]], name: str) -> list[tuple[float, Run]]:
    """Return the best value of every run that has a number for a metric."""
    found = ((summary.metric(name, "best"), run) for run, summary in summaries)
    return [(metric.best, run) for metric, run in found if metric and not math.isnan(metric.best)]


def _say_how(best: Run, metric: str, direction: Direction, scored: Sequence[tuple[float, Run]], say: Say) -> None:
    others = sum(run.data_name != best.data_name for _, run in scored)
    if others:
        were = f"{others} run{'s' if others > 1 else ''} of other data {'were' if others > 1 else 'was'} left out"
        say(f"{best.id} is the best by {metric} of the runs on {best.data_name or 'unknown data'}; {were}")
    if direction.note:
        say(f"{best.id} is the best by {metric} {direction.note}")


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
