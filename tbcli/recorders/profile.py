"""Profile: a trace of the optimizer steps that ``--profile START:STOP`` names."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tbcli.recorders.base import Recorder, Snapshot, Steps, Writer


class ProfileRecorder(Recorder):
    """Traces from the end of step START to the end of step STOP, into ``train``."""

    def __init__(self) -> None:
        self._start = self._stop = 0
        self._tracing = False

    def restore(self, state: Mapping[str, Any]) -> None:
        """Trace the rest of the steps asked for, in a trace of its own: the other ended with its process."""
        super().restore(state)
        if self._tracing:
            self._tracing, self._start = False, 1

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Learn which steps are asked for."""
        self._start, self._stop = snapshot.config.record.profile_steps or (0, 0)

    def on_steps(self, steps: Steps, writer: Writer) -> None:
        """Start and stop at the ends of executions, which fall on the steps asked for."""
        if self._tracing and steps.last >= self._stop:
            self._finish()
        elif steps.last >= self._start and self._start:
            tf.profiler.experimental.start(writer.directory("train"))
            self._tracing, self._start = True, 0

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Finish a trace that outlasted the training.

        Raises:
            ValueError: The training ended before the trace was to begin.
        """
        if self._tracing:
            self._finish()
        elif self._start:
            raise ValueError(f"training ended at step {snapshot.step}, before step {self._start}")

    def _finish(self) -> None:
        self._tracing = False
        with contextlib.suppress(tf.errors.UnavailableError):  # another process stopped it
            tf.profiler.experimental.stop()
