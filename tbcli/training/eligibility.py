"""Whether a run can be resumed, and whether there is anything left to do."""

from __future__ import annotations

from collections.abc import Iterable

from tbcli.config import Config
from tbcli.errors import ConfigError, Refused
from tbcli.runs import Run
from tbcli.runs.history import read_history
from tbcli.training.changes import Change, counted_epochs
from tbcli.training.state import Generations

_STOPPED_BY = {"until": ("train.until",), "patience": ("train.patience", "train.monitor", "direction.")}
"""What ended a training early -> the settings that decide it."""


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


def require_at_rest(run: Run) -> None:
    """Check that nothing trains a run, as far as its record tells; to be sure, see `tbcli.runs.claim`.

    Raises:
        Refused: Something does.
    """
    if run.is_live():
        raise Refused(
            f"run {run.label} is still training (process {run.record.get('pid')} on {run.record.get('host')})",
            hint=f"`tbcli stop {run.id}` ends it and keeps its state",
        )


def require_state(run: Run) -> None:
    """Check that a run keeps a state.

    Raises:
        Refused: It keeps none, and why.
    """
    if slimmed := _slimmed(run):
        raise Refused(
            f"run {run.label} was slimmed ({', '.join(slimmed)}): its states belong to event files that were whole",
            hint=f"`tbcli train --config {run.id}` repeats it from its start",
        )
    if Generations(run.checkpoints).has_any:
        return
    why = "it ended before one was kept, or it was removed"
    if run.record.get("status") == "finished":
        why = "it was removed, or not kept after the end (--no-keep-state)"
    raise Refused(
        f"run {run.label} has no state to resume from: {why}",
        hint=f"`tbcli train --config {run.id}` repeats it from its start",
    )


def _slimmed(run: Run) -> list[str]:
    """Return what `tbcli clean --slim` took from the files that a resumed training continues."""
    slimmed = run.record.get("slimmed")
    return (
        [str(kind) for kind in slimmed if kind not in ("checkpoints", "profile")] if isinstance(slimmed, list) else []
    )


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
