"""Run the recorders, measure the cost of each, and disable one that fails."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tbcli.config import RecordConfig
from tbcli.errors import Interrupted, describe_error, status_of
from tbcli.recorders.base import Recorder, Snapshot, Steps
from tbcli.recorders.cadence import Cadence
from tbcli.recorders.registry import names_asked_for
from tbcli.recorders.writer import EventWriter
from tbcli.runs.disk import disk_words, is_of_all_files


class Recording:
    """All recorders of one run, with their writer.

    Args:
        recorders: What to record, in this order.
        config: How often.
        directory: The run's own directory.
        warn: Told once of each recorder that fails, or was asked for by name and has nothing to show.
        note: Told in one sentence of the others that have nothing to show.
    """

    def __init__(
        self,
        recorders: Sequence[Recorder],
        config: RecordConfig,
        directory: Path,
        warn: Callable[[str], None],
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._active = list(recorders)
        self._undecided: list[Recorder] = []
        self._stopped: list[Recorder] = []  # those that a resumed training has again: nothing could be written
        self._new: list[Recorder] = []  # those without a state, where a training is resumed
        self._order = [recorder.name for recorder in recorders]
        self._recorded: set[str] = set()  # who had a turn in the latest epoch
        self._cadence = Cadence(config)
        self._directory = directory
        self._writer = EventWriter(directory)
        self._warn, self._note = warn, note
        self._asked_for = names_asked_for(config)
        self._not_noted: list[str] = []  # recorders that do not suit, since the last note
        self._latest: Snapshot | None = None
        self._began: float | None = None
        self._cpu_seconds = 0.0
        self.milliseconds = {recorder.name: 0.0 for recorder in recorders}
        self.bytes = {recorder.name: 0 for recorder in recorders}
        self.switched_off: dict[str, str] = {}
        self.failed: list[str] = []
        self._left_out: dict[str, dict[str, str]] = {}
        self._promises = {recorder.name: [asdict(promise) for promise in recorder.promises] for recorder in recorders}

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Finish the recorders, however training ended, and close the event files."""
        self.finish(status_of(error))

    def finish(self, outcome: str) -> None:
        """Finish the recorders and close the event files.

        Args:
            outcome: What became of the training: one of `tbcli.runs.run.STATUSES`.
        """
        try:
            if self._latest is not None:
                self.end(replace(self._latest, outcome=outcome))
        finally:
            self._writer.close()

    def space(self, config: RecordConfig) -> None:
        """Set anew how often recorders have their turn, once it is known how much an epoch is."""
        self._cadence = Cadence(config)

    @property
    def seconds(self) -> float:
        """Wall time since the training began, recording included; 0 before."""
        return 0.0 if self._began is None else time.perf_counter() - self._began

    @property
    def needs_backward(self) -> bool:
        """Whether any recorder needs measurements of the backward pass."""
        return any(recorder.needs_backward for recorder in self._active)

    def begin(self, snapshot: Snapshot, *, waiting: Collection[str] | None = None) -> None:
        """Record the state before the first step; drop recorders that do not apply.

        Args:
            snapshot: The state.
            waiting: Given where not all is known yet: recorders that do not apply, and these, then wait for `settle`.
        """
        self._began = time.perf_counter()
        self._latest = snapshot
        for recorder in self._going():
            if recorder.name in (waiting or ()):
                self._wait(recorder)
            else:
                self._begin(recorder, snapshot, is_final=waiting is None)
        self._tell_unsuitable()

    def settle(self, snapshot: Snapshot, *, is_final: bool, only: Collection[str] | None = None) -> None:
        """Begin the recorders that waited and apply now.

        Args:
            snapshot: What is known by now.
            is_final: Whether the others are dropped; else they wait on.
            only: The names of the recorders that are meant; all unless given.
        """
        meant = [recorder for recorder in self._undecided if only is None or recorder.name in only]
        for recorder in meant:
            self._undecided.remove(recorder)
            self._active.append(recorder)
            self._begin(recorder, snapshot, is_final=is_final)
        self._active.sort(key=lambda recorder: self._order.index(recorder.name))
        self._tell_unsuitable()

    def exclude(self, names: Collection[str], reason: str) -> None:
        """Switch off the recorders of these names that there are, for a reason that they cannot know."""
        for recorder in [*self._active, *self._undecided]:
            if recorder.name in names:
                self._switch_off(recorder, reason)

    def state(self) -> Mapping[str, Any]:
        """Return the state of each recorder and of the writer, and what recording has cost so far."""
        stopped = {recorder.name for recorder in self._stopped}
        return {
            "recorders": {recorder.name: _state_of(recorder) for recorder in (*self._active, *self._stopped)},
            "writer": self._writer.state(),
            "switched_off": {name: why for name, why in self.switched_off.items() if name not in stopped},
            "failed": self.failed,
            "seconds": self.seconds,
            "cost": [self.milliseconds, self.bytes, self._cpu_seconds],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Cut the event files back to what they were, and give each recorder its state; `go_on` comes next."""
        self._writer.restore(state["writer"])
        if self._writer.lost:
            self._warn(f"points are missing in {', '.join(self._writer.lost)}: the file lost its end")
        self._began = time.perf_counter() - state["seconds"]
        milliseconds, size, self._cpu_seconds = state["cost"]
        for mine, theirs in ((self.milliseconds, milliseconds), (self.bytes, size)):
            mine.update({name: value for name, value in theirs.items() if name in mine})
        self.failed = list(state["failed"])
        self.switched_off = {name: why for name, why in state["switched_off"].items() if name in self._order}
        self._active = [recorder for recorder in self._active if recorder.name not in self.switched_off]
        self._new = [recorder for recorder in self._active if recorder.name not in state["recorders"]]
        for recorder in [one for one in self._active if one not in self._new]:
            with self._guarded(recorder):
                recorder.restore(state["recorders"][recorder.name])

    def go_on(self, snapshot: Snapshot) -> None:
        """Go on from a moment, instead of `begin`; recorders without a state begin.

        Args:
            snapshot: The latest moment that was recorded.
        """
        self._latest = snapshot
        for recorder in self._going():
            if recorder in self._new:
                self._begin(recorder, snapshot, is_final=True)
            else:
                with self._guarded(recorder):
                    recorder.on_resume(snapshot, self._writer)
        self._tell_unsuitable()

    def cut(self) -> None:
        """Remove the event files that there are: the training begins anew."""
        self._writer.restore({"files": {}, "scalar_tags": ()})

    def _begin(self, recorder: Recorder, snapshot: Snapshot, *, is_final: bool) -> None:
        with self._guarded(recorder):
            reason = recorder.unsuitable(snapshot)
            if reason is None:
                recorder.on_begin(snapshot, self._writer)
            elif is_final:
                self._switch_off(recorder, reason)
            else:
                self._wait(recorder)

    def _going(self) -> Iterator[Recorder]:
        """Yield the active recorders one after the other; none any more once nothing can be written."""
        for recorder in list(self._active):
            if recorder in self._active:
                yield recorder

    def _wait(self, recorder: Recorder) -> None:
        self._active.remove(recorder)
        self._undecided.append(recorder)

    def steps(self, steps: Steps) -> None:
        """Record after an execution of optimizer steps."""
        for recorder in self._going():
            with self._guarded(recorder):
                recorder.on_steps(steps, self._writer)

    def includes(self, recorder: str, epoch: int, *, last: bool) -> bool:
        """Say whether a recorder that makes pictures is to have a turn in an epoch, or waits for what it needs."""
        is_there = any(recorder == one.name for one in (*self._active, *self._undecided))
        return is_there and (last or self._cadence.includes(recorder, epoch, is_spaced=True))

    def epoch(self, snapshot: Snapshot, *, last: bool) -> None:
        """Record an epoch with the recorders that are due; all are due in the last epoch."""
        self._latest = snapshot
        self._recorded = set()
        brief = replace(snapshot, activations=None)  # what layers answer is looked at as seldom as pictures are made
        for recorder in self._going():
            is_full = last or self._cadence.includes(recorder.name, snapshot.epoch, is_spaced=True)
            if is_full or self._cadence.includes(recorder.name, snapshot.epoch, is_spaced=recorder.is_spaced):
                self._recorded.add(recorder.name)
                with self._guarded(recorder):
                    recorder.on_epoch(snapshot if is_full else brief, self._writer)

    def complete_epoch(self, snapshot: Snapshot) -> None:
        """Record the latest epoch with those who were not due: it turned out to be the last."""
        for recorder in self._going():
            if recorder.name in self._recorded:
                continue
            with self._guarded(recorder):
                recorder.on_epoch(snapshot, self._writer)

    def end(self, snapshot: Snapshot) -> None:
        """Record what is known at the end; once."""
        self._latest = None
        self.settle(snapshot, is_final=True)
        for recorder in self._going():
            with self._guarded(recorder):
                self._left_out[recorder.name] = dict(recorder.leaves_out(snapshot))
                recorder.on_end(snapshot, self._writer)
                for sentence in recorder.remarks(snapshot, self._writer):
                    self._warn(sentence)

    def report(self, training_seconds: float) -> dict[str, Any]:
        """Return what recording cost, and what an audit must know of it, for the run's record.

        Args:
            training_seconds: From before the first step to the end, recording included.
        """
        spent = sum(self.milliseconds.values()) / 1000
        alone = training_seconds - spent
        return {
            "percent": round(100 * spent / alone, 2) if alone > 0 else None,
            "cpu_seconds": round(self._cpu_seconds, 3),
            "milliseconds": {name: round(value, 1) for name, value in self.milliseconds.items()},
            "bytes": self.bytes,
            "switched_off": self.switched_off,
            "failed": self.failed,
            "left_out": {name: paths for name, paths in self._left_out.items() if paths},
            "promises": {name: promises for name, promises in self._promises.items() if promises},
        }

    @contextmanager
    def _guarded(self, recorder: Recorder) -> Iterator[None]:
        """Time a recorder; an exception disables the recorder, it does not end the training."""
        began, cpu, written = time.perf_counter(), time.process_time(), self._writer.written
        try:
            yield
        except Interrupted:
            raise  # a signal that came while the recorder worked
        except KeyboardInterrupt:
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                raise  # a person's; where signals are handled by us, the recorder's own
            self._fail(recorder, "KeyboardInterrupt")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, training must go on
            if is_of_all_files(error, self._directory):
                self._stop(disk_words(error, self._directory)[0])
            else:
                self._fail(recorder, describe_error(error))
        finally:
            self.milliseconds[recorder.name] += (time.perf_counter() - began) * 1000
            self._cpu_seconds += time.process_time() - cpu
            self.bytes[recorder.name] += self._writer.written - written

    def _fail(self, recorder: Recorder, reason: str) -> None:
        self.failed.append(recorder.name)
        self._switch_off(recorder, reason)

    def _stop(self, reason: str) -> None:
        """Switch off all recorders, for nothing can be written; said once."""
        self._stopped += self._active
        for recorder in [*self._active, *self._undecided]:
            self.switched_off[recorder.name] = reason
        self._active, self._undecided = [], []
        self._warn(f"nothing more is recorded: {reason} ({self._directory}); training goes on")

    def _switch_off(self, recorder: Recorder, reason: str) -> None:
        for known in (self._active, self._undecided):
            if recorder in known:
                known.remove(recorder)
        self.switched_off[recorder.name] = reason
        if recorder.name in self.failed or recorder.name in self._asked_for:
            self._warn(f"recorder {recorder.name!r} was switched off: {reason}")
        else:
            self._not_noted.append(recorder.name)

    def _tell_unsuitable(self) -> None:
        if self._not_noted:
            self._note(f"not recorded: {told_by_reason({name: self.switched_off[name] for name in self._not_noted})}")
            self._not_noted = []


def _state_of(recorder: Recorder) -> Any:
    """Return a recorder's state; the error, which nobody can keep, of one that fails to tell it."""
    try:
        return dict(recorder.state())
    except Exception as error:  # noqa: BLE001 - a recorder that cannot be resumed records all the same
        return error


def told_by_reason(reasons: Mapping[str, str]) -> str:
    """Return recorders and why they do not record: ``kernels, attention (the model has no convolution)``."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(each)} ({reason})" for reason, each in names.items())
