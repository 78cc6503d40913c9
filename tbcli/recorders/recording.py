"""Run the recorders, measure the cost of each, and disable one that fails."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tbcli.config import RecordConfig
from tbcli.errors import Interrupted, status_of
from tbcli.recorders.base import Recorder, Snapshot, Steps
from tbcli.recorders.cadence import Cadence
from tbcli.recorders.writer import EventWriter


class Recording:
    """All recorders of one run, with their writer.

    Args:
        recorders: What to record, in this order.
        config: How often.
        directory: The run's own directory.
        warn: Told once of each recorder that is switched off, or has nothing to show.
    """

    def __init__(
        self, recorders: Sequence[Recorder], config: RecordConfig, directory: Path, warn: Callable[[str], None]
    ) -> None:
        self._active = list(recorders)
        self._cadence = Cadence(config)
        self._writer = EventWriter(directory)
        self._warn = warn
        self._latest: Snapshot | None = None
        self._began: float | None = None
        self._cpu_seconds = 0.0
        self.milliseconds = {recorder.name: 0.0 for recorder in recorders}
        self.bytes = {recorder.name: 0 for recorder in recorders}
        self.switched_off: dict[str, str] = {}
        self._failed: list[str] = []
        self._left_out: dict[str, dict[str, str]] = {}
        self._promises = {recorder.name: [asdict(promise) for promise in recorder.promises] for recorder in recorders}

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Finish the recorders, however training ended, and close the event files."""
        try:
            if self._latest is not None:
                self.end(replace(self._latest, outcome=status_of(error)))
        finally:
            self._writer.close()

    @property
    def seconds(self) -> float:
        """Wall time since the training began, recording included; 0 before."""
        return 0.0 if self._began is None else time.perf_counter() - self._began

    @property
    def needs_backward(self) -> bool:
        """Whether any recorder needs measurements of the backward pass."""
        return any(recorder.needs_backward for recorder in self._active)

    def begin(self, snapshot: Snapshot) -> None:
        """Record the state before the first step; drop recorders that do not apply."""
        self._began = time.perf_counter()
        self._latest = snapshot
        for recorder in list(self._active):
            with self._guarded(recorder):
                reason = recorder.unsuitable(snapshot)
                if reason is None:
                    recorder.on_begin(snapshot, self._writer)
                else:
                    self._switch_off(recorder, reason)

    def steps(self, steps: Steps) -> None:
        """Record after an execution of optimizer steps."""
        for recorder in list(self._active):
            with self._guarded(recorder):
                recorder.on_steps(steps, self._writer)

    def epoch(self, snapshot: Snapshot, *, last: bool) -> None:
        """Record an epoch with the recorders that are due; all are due in the last epoch."""
        self._latest = snapshot
        brief = replace(snapshot, activations=None)  # what layers answer is looked at as seldom as pictures are made
        for recorder in list(self._active):
            is_full = last or self._cadence.includes(recorder.name, snapshot.epoch, is_spaced=True)
            if is_full or self._cadence.includes(recorder.name, snapshot.epoch, is_spaced=recorder.is_spaced):
                with self._guarded(recorder):
                    recorder.on_epoch(snapshot if is_full else brief, self._writer)

    def end(self, snapshot: Snapshot) -> None:
        """Record what is known at the end; once."""
        self._latest = None
        for recorder in list(self._active):
            with self._guarded(recorder):
                self._left_out[recorder.name] = dict(recorder.leaves_out(snapshot))
                recorder.on_end(snapshot, self._writer)

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
            "failed": self._failed,
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
        except Exception as error:  # whatever it is, training must go on
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # the disk is full: that is not the recorder's fault
            self._failed.append(recorder.name)
            self._switch_off(recorder, f"{type(error).__name__}: {error}")
        finally:
            self.milliseconds[recorder.name] += (time.perf_counter() - began) * 1000
            self._cpu_seconds += time.process_time() - cpu
            self.bytes[recorder.name] += self._writer.written - written

    def _switch_off(self, recorder: Recorder, reason: str) -> None:
        self._active.remove(recorder)
        self.switched_off[recorder.name] = reason
        self._warn(f"recorder {recorder.name!r} was switched off: {reason}")
