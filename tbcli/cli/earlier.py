"""The run that ``train --resume RUN`` goes on with, or that ``train --config RUN`` repeats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.cli.options import Common
from tbcli.cli.output import printable
from tbcli.config.said import Said
from tbcli.errors import NotFound, Refused
from tbcli.naming.shortening import few

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbcli.cli.output import Output
    from tbcli.config import Config
    from tbcli.runs import Run
    from tbcli.training.continuing.changes import Change

_PLACES = ("workspace", "logdir", "plots_dir", "models_dir")


@dataclass(frozen=True, slots=True)
class Continuation:
    """A run to go on with.

    Args:
        run: The run.
        config: Its settings with what was changed.
        is_allowed_to_change: Whether it may become another experiment.
        at_end: Why there is nothing to do, and what goes on all the same; both empty where there is.
    """

    run: Run
    config: Config
    is_allowed_to_change: bool
    at_end: tuple[str, str]
    changes: Sequence[Change] = ()
    """What differs from the settings of the run."""


def continued(common: Common, reference: str, *, allow_changes: bool) -> Continuation:
    """Return the run that a reference means, with its own settings and what was typed beside it.

    Raises:
        NotFound: It names nothing, or a log directory of another program.
        Refused: It trains, was not trained by tbcli, or what was typed makes another experiment of it.
        ConfigError: It has trained further than was typed.
    """
    from tbcli.config.layers import amended
    from tbcli.training.continuing.changes import config_of
    from tbcli.training.continuing.eligibility import (
        Amendment,
        count_done,
        nothing_left,
        require_at_rest,
        require_epochs,
        require_files,
        require_ours,
    )

    here = _here(common)
    run = _find_one(common, here, reference)
    require_ours(run)
    require_at_rest(run)
    require_files(run)
    before = config_of(run).updated({f"paths.{name}": getattr(here.paths, name) for name in _PLACES})
    after = amended(before, common.assignments, common.flags)
    require_epochs(run, after.train.epochs, count_done(run))  # first: no change that is allowed helps
    amendment = Amendment(run, after, is_allowed=allow_changes)
    amendment.check_length(count_done(run))
    return Continuation(run, after, allow_changes, nothing_left(run, after, amendment.changes), amendment.changes)


def settle_end(earlier: Continuation, output: Output) -> None:
    """Give a run with nothing left to train the name and the note that were typed; say so, and what has no effect.

    Raises:
        Refused: Another process works on it.
    """
    from tbcli.training.continuing.changes import LABELS, MOOT, relabel

    run, (reason, advice) = earlier.run, earlier.at_end
    output.say(f"{printable(run.label)} has nothing left to train: {reason}; {advice} goes on")
    labels = [each for each in earlier.changes if each.key in LABELS]
    if labels:
        output.say(printable(relabel(run, labels)))
    others = [str(each) for each in earlier.changes if each.key not in (*LABELS, *MOOT)]
    if others:
        output.warn(printable(f"not applied, for nothing is left to train: {', '.join(others)}"))


def repeated(common: Common) -> tuple[Common, Run | None]:
    """Return what was typed with the settings of the run that ``--config`` names, and the run; None for a file.

    The run is repeated in the workspace where it was found, wherever it was trained.

    Raises:
        NotFound: It names neither a file nor a run.
        Refused: The run was not trained by tbcli.
    """
    if common.config is None:
        return common, None
    here = _here(common)
    reference = _reference(common.config)
    if reference is None:
        return common, None
    from tbcli.config import REPLACING
    from tbcli.training.continuing.changes import REPLACES, own_optimizer
    from tbcli.training.continuing.eligibility import require_ours

    run = _find_run(common, here, reference)
    require_ours(run)
    settings: dict[str, Any] = {f"paths.{name}": getattr(here.paths, name) for name in _PLACES} | own_optimizer(run)
    typed = [key.partition(".")[2] for key in common.flags]
    if REPLACES in settings:
        settings[REPLACES] = (*settings[REPLACES], *(name for name in REPLACING if name in typed))
    said = {key: Said(value, key) for key, value in settings.items()}
    return replace(common, config=str(run.config_file), flags={**said, **common.flags}), run


def _reference(config: str) -> str | None:
    """Return the run that ``--config`` means, by a word, its directory or its file; None for a file of settings."""
    from tbcli.runs.references import is_directory, is_path

    path = Path(config)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if is_file:
        is_of_run = path.name == "config.json" and (path.parent / "run.json").is_file()
        return f"{path.parent}/" if is_of_run else None
    return None if is_path(config) and not is_directory(path) else config


def _here(common: Common) -> Config:
    """Return the settings of this workspace: they say where its runs are."""
    return replace(common, config=None).settle()


def _find_one(common: Common, here: Config, reference: str) -> Run:
    """Return the only run that a reference can mean, for it will be changed.

    Raises:
        NotFound: There is none.
        Refused: There are several, or a copy was not named by its path.
    """
    from tbcli.runs import RunStore
    from tbcli.runs.references import is_directory, is_path

    is_place = is_path(reference) and is_directory(Path(reference))
    inside = RunStore(replace(here.paths, logdir=reference)).list() if is_place else []
    is_name = bool(reference) and not is_path(reference)  # an empty one is no name, though most runs have it
    named = inside or (RunStore(here.paths).named(reference) if is_name else [])
    if len(named) > 1:
        listed = few([run.id for run in named], 5, last=True)
        raise Refused(f"{reference!r} is {len(named)} runs: {listed}", hint="name one of them by its id")
    run = inside[0] if inside else _find_run(common, here, reference)
    if run.is_copy and not is_path(reference):
        raise Refused(
            f"{reference!r} is a copy of run {run.recorded_id}, which is there too",
            hint=f"the path says that the copy is meant: {str(run.logs)!r}",
        )
    return run


def _find_run(common: Common, here: Config, reference: str) -> Run:
    from tbcli.cli.places import find_place
    from tbcli.runs import Run, RunStore

    found = find_place(RunStore(here.paths, here.direction), reference, common.output)
    if not isinstance(found, Run):
        raise NotFound(f"{reference!r} is not a run of tbcli's", hint="`tbcli runs` lists the runs")
    return found


def told_repetition(run: Run, config: Config) -> str:
    """Return that a run is repeated, and what is known to differ."""
    from tbcli.training.continuing.changes import config_of, setting_changes

    told = f"repeats {run.label}"
    if changes := setting_changes(config_of(run), config):
        told += f" with {', '.join(map(str, changes))}"
    if run.record.get("changes"):
        told += "; that was changed on its way, this begins with its last settings"
    return printable(told)
