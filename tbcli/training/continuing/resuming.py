"""What a run is resumed from: its configuration, its newest whole state, and a record that says it trains again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tbcli.errors import Refused
from tbcli.runs import Run
from tbcli.runs.creation import owner_facts
from tbcli.runs.files import utc_now, utc_text, write_atomically
from tbcli.runs.history import read_history
from tbcli.runs.stopping import take_request
from tbcli.training.continuing.keeping import LONGEST_SECONDS
from tbcli.training.continuing.state import DamagedState, Generations, Saved

_OF_AN_END = (
    "ended",
    "reason",
    "bytes",
    "recording",
    "metrics",
    "measured_in",
    "ended_by",
    "saved_epoch",
    "saved_step",
    "shares",
    "scaled_learning_rate",
)


def saved_parts(run: Run, warn: Callable[[str], None]) -> Mapping[str, Any]:
    """Return the newest whole state of a run, empty where it ended before its first one and begins anew.

    Args:
        run: Claimed.
        warn: Told of a damaged state, and that the run begins anew.

    Raises:
        DamagedState: There are states, and none is whole.
        Refused: There is no state, although the run has trained for longer than one takes to be saved.
    """
    generations = Generations(run.checkpoints)
    saved = generations.newest(warn)
    if saved is not None:
        _require_known(saved)
        generations.keep(len(generations.files()), up_to=saved.step)
        return saved.parts
    seconds = read_history(run.history_file).columns.get("seconds", ())
    if run.record.get("status") == "finished" or any(second > LONGEST_SECONDS for second in seconds):
        raise Refused(
            f"run {run.id} has no state to resume from",
            hint=f"`tbcli train --config {run.id}` repeats it as a new run",
        )
    warn("no state was saved before the run ended: it begins again")
    return {}


def _require_known(saved: Saved) -> None:
    """Check what is read of a state before its parts are restored; these check theirs.

    Raises:
        DamagedState: It is not what a training saves.
    """
    own: Any = saved.parts.get("epochs")
    feed: Any = saved.parts.get("feed")
    try:
        steps, restarts = own["plan"]
        counts = (own["epochs_done"], own["steps_done"], steps, *restarts, feed["epoch"], feed["position"])
        is_known = type(own["seconds"]) is float and all(type(count) is int and count >= 0 for count in counts)
    except (TypeError, ValueError, KeyError):
        is_known = False
    if not is_known:
        raise DamagedState(saved.path, "it is not what a training saves")


def with_any_data(parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a state that does not say which samples it is of."""
    feed = {name: value for name, value in parts.get("feed", {}).items() if name not in ("samples", "labels")}
    return {**parts, "feed": feed} if parts else parts


def progress_in(parts: Mapping[str, Any]) -> tuple[int, bool]:
    """Return the complete epochs of a state, and whether there are steps of a further one."""
    own, feed = parts.get("epochs", {}), parts.get("feed", {})
    done = int(own.get("epochs_done", 0))
    if own.get("awaits_validation"):  # all steps of the next one are done
        return done + 1, False
    return done, bool(feed.get("position")) and int(feed.get("epoch", 0)) > done


def remembered(run: Run) -> Callable[[], None]:
    """Return what writes the record and the settings of a run as they are now."""
    record, config = dict(run.record), run.config_file.read_bytes()

    def put_back() -> None:
        run.record = record
        write_atomically(run.config_file, config)
        run.update()

    return put_back


def reopen(run: Run, parts: Mapping[str, Any]) -> float:
    """Write in a run's record that this process trains it; return the seconds that earlier ones have trained."""
    take_request(run)  # to stop, of whoever asked an earlier process
    own = parts.get("epochs", {})
    seconds = run.number("seconds") or float(own.get("seconds", 0.0))
    earlier = run.record.get("resumed")
    now = {"step": own.get("steps_done", 0), "at": utc_text(utc_now())}
    resumed = [*(earlier if isinstance(earlier, list) else []), now]
    for name in _OF_AN_END:
        run.record.pop(name, None)
    with suppress(OSError):
        run.beat()  # first: other machines know by nothing else that a run that says so is in training
    run.update(status="running", ended=None, seconds=None, resumed=resumed, **owner_facts())
    return seconds
