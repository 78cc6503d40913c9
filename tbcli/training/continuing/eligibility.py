"""Whether a run can be resumed, with which settings, and whether there is anything left to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tbcli.config import REPLACING, Config
from tbcli.config.layers import with_absolute_paths
from tbcli.errors import ConfigError, Refused
from tbcli.runs import Run
from tbcli.runs.cleaning.heavy import DISPENSABLE
from tbcli.runs.history import read_history
from tbcli.training.continuing.changes import (
    REPLACES,
    Change,
    changes_record,
    config_of,
    counted_epochs,
    data_changes,
    require_same,
    setting_changes,
    told_changes,
    version_notes,
)

_STOPPED_BY = {"until": ("train.until",), "patience": ("train.patience", "train.monitor", "direction.")}
"""What ended a training early -> the settings that decide it."""

_CHOOSES = {"model.name": "auto", "record.spacing": 0}
"""Settings with a word for what training chooses, which the settings that a run keeps do not have any more."""


def require_ours(run: Run) -> None:
    """Check that a run was trained by `tbcli train`, whose settings say all of it.

    Raises:
        Refused: A script trained it.
    """
    if "backend" not in run.record:
        return
    script = run.record.get("script")
    raise Refused(
        f"run {run.label} is the recording of a training of {repr(script) if script else 'a script'}: "
        "only the script can train again, from its start",
        hint=f"`tbcli run {script}` with its arguments repeats it" if script else "run the script again",
    )


class Amendment:
    """The settings that a run is resumed with.

    Args:
        run: One of ours.
        config: What it is to go on with; its own settings unless given.
        is_allowed: Whether it may become another experiment.

    Raises:
        Refused: The run is a script's or was slimmed, or this would be another experiment.
    """

    def __init__(self, run: Run, config: Config | None = None, *, is_allowed: bool = False) -> None:
        require_ours(run)
        require_whole(run)
        require_files(run)
        self._run, self._is_allowed = run, is_allowed
        self._before = with_absolute_paths(config_of(run))
        chosen = [key for key, word in _CHOOSES.items() if config and config.value(key) == word]
        config = config.updated({key: self._before.value(key) for key in chosen}) if config else self._before
        self.config = with_absolute_paths(config.updated({REPLACES: self._replaced(run, config)}))
        self.changes = setting_changes(self._before, self.config)
        self._done = 0
        self._data_facts: dict[str, Any] = {}
        require_same(run, self.changes, self._before, allowed=is_allowed)

    def _replaced(self, run: Run, config: Config) -> tuple[str, ...]:
        """Return what replaces that of a compiled model; what was said and is as it was changes nothing."""
        before = self._before.train
        if "optimizer" not in run.record:
            return before.replaces
        same = {name for name in REPLACING[1:] if getattr(before, name) == getattr(config.train, name)}
        return tuple(name for name in config.train.replaces if name in before.replaces or name not in same)

    def check_length(self, done: int, is_within: bool = False) -> None:
        """Check that the run has not trained further than it is asked to; see `require_epochs`."""
        self._done = done
        require_epochs(self._run, self.config.train.epochs, done, is_within=is_within)

    def check_data(self, facts: Mapping[str, Any]) -> None:
        """Check that the data are those of the run.

        Args:
            facts: What the record of a run says of the data that were loaded.

        Raises:
            Refused: They are others, and that is not allowed.
        """
        others = data_changes(self._run.record, facts)
        require_same(self._run, others, self._before, allowed=self._is_allowed)
        self.changes += others
        self._data_facts = dict(facts) if others else {}

    def check_code(self, changes: Iterable[Change]) -> list[str]:
        """Check that model, loss and metrics are made as the run's, but for what a setting changed; or record it.

        Args:
            changes: What differs in their code.

        Returns:
            What a person should know.

        Raises:
            Refused: Something differs, and that is not allowed.
        """
        said = {key for each in self.changes for key in (each.key, each.key.partition(".")[0])}
        others = [each for each in changes if not {each.key, f"train.{each.key}"} & said]
        require_same(self._run, others, self._before, allowed=self._is_allowed)
        if others:
            self._run.record["changes"] = changes_record(self._run, others, self._done)
        return told_changes(others, self._before)

    def facts(self) -> dict[str, Any]:
        """Return what the run's record says from now on."""
        train = self.config.train
        changes = changes_record(self._run, self.changes, self._done)
        return {**self._data_facts, "name": train.name, "note": train.note, **({"changes": changes} if changes else {})}

    def notes(self, facts: Mapping[str, Any]) -> list[str]:
        """Return what a person should know.

        Args:
            facts: What the record would say of the packages of now.
        """
        return [*told_changes(self.changes, self._before), *version_notes(self._run.record, facts)]


def require_at_rest(run: Run) -> None:
    """Check that nothing trains a run, before it is claimed: the claim tells nothing of another machine.

    Raises:
        Refused: Something does, or may do so on another machine.
    """
    owner = run.owner
    is_dead_here = owner is not None and owner.lives() is False and not run.is_live()
    if run.record.get("status") != "running" or is_dead_here:
        return
    if why := run.why_in_use():
        raise Refused(
            f"run {run.label} {why}",
            hint=f"`tbcli stop {run.id}` ends it and keeps its state" if run.is_live() else "try again later",
        )


def require_whole(run: Run) -> None:
    """Check that nothing was taken from the files that a resumed training continues.

    Raises:
        Refused: `tbcli clean --slim` did.
    """
    kept = run.record.get("slimmed")
    slimmed = [str(kind) for kind in kept if kind not in DISPENSABLE] if isinstance(kept, list) else []
    if slimmed:
        raise Refused(
            f"run {run.label} was slimmed ({', '.join(slimmed)}): its states belong to event files that were whole",
            hint=f"`tbcli train --config {run.id}` repeats it from its start",
        )


def require_files(run: Run) -> None:
    """Check that what a resumed training reads and writes on are files.

    Raises:
        Refused: A pipe, a device or a directory is in the place of one.
    """
    for top, _, names in os.walk(run.logs):
        for path in (Path(top, name) for name in names):
            mode = path.stat().st_mode if path.exists() else stat.S_IFREG  # a link to nowhere is told where it matters
            if not stat.S_ISREG(mode):
                raise Refused(f"{str(path)!r} is no regular file", hint="move it away, then resume the run")
    for path in (run.history_file, run.config_file):
        if path.is_dir():
            raise Refused(f"{str(path)!r} is a directory, no file", hint="move it away, then resume the run")


def count_done(run: Run) -> int:
    """Return how many epochs a run has completed."""
    return max(read_history(run.history_file).epochs, default=0)


def nothing_left(run: Run, config: Config, changes: Iterable[Change]) -> tuple[str, str]:
    """Return why a run is at its end and what goes on with it all the same; two empty texts if it is not.

    Args:
        run: The run.
        config: Its settings with what was changed.
        changes: What was changed.
    """
    if run.record.get("status") != "finished":
        return "", ""
    done, ended_by = count_done(run), str(run.record.get("ended_by"))
    if ended_by in _STOPPED_BY:
        if any(change.key.startswith(_STOPPED_BY[ended_by]) for change in changes):
            return "", ""
        off = "--until '' --allow-changes" if ended_by == "until" else "--patience 0 --allow-changes"
        return f"--{ended_by} ended it after {counted_epochs(done)}", f"`{off}`"
    if done >= config.train.epochs:
        return f"{counted_epochs(done)} of {config.train.epochs} are done", f"`--epochs {done + 1}` or more"
    return "", ""


def require_epochs(run: Run, epochs: int, done: int, *, is_within: bool = False) -> None:
    """Check that a run has not trained further than it is asked to.

    Args:
        run: The run.
        epochs: Asked for.
        done: Complete ones.
        is_within: Whether there are steps of a further one.

    Raises:
        ConfigError: It has.
    """
    if epochs < done or (epochs == done and is_within):
        raise ConfigError(
            f"cannot end after {counted_epochs(epochs)}: run {run.label} has trained {done}{' and a part' * is_within}",
            hint=f"`--epochs {done + is_within}` or more",
        )
