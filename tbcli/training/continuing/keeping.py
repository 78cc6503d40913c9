"""When the state of a training is saved, and what that may cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tbcli.config import TrainConfig
from tbcli.errors import describe_error
from tbcli.runs.disk import disk_words, is_of_disk
from tbcli.training.continuing.packing import CannotKeep
from tbcli.training.continuing.state import Generations, pack

MOST_SHARE = 0.01
"""Of the time so far, spent on saving; but for what must be saved."""
FIRST_SHARE = 0.1
"""The same of the first one, after an epoch: a killed training is not to lose more than one with it."""
LONGEST_SECONDS = 300.0
"""Between two states, whatever they cost."""
_FIRST_SECONDS, _BYTES_PER_SECOND = 0.03, 100e6  # what the first one is expected to cost


class StateKeeper:
    """Saves the state of a training at the right moments; what it cannot save it says once.

    Args:
        generations: Where it goes.
        config: Says how often.
        warn: Told what could not be saved.
        note: Told that states are saved less often than was asked.
    """

    def __init__(
        self,
        generations: Generations,
        config: TrainConfig,
        warn: Callable[[str], None],
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._generations, self._warn, self._note = generations, warn, note
        self._every_steps, self._every_seconds = config.checkpoint_steps, config.checkpoint_seconds
        self._keeps = config.keep_state
        self._began = self._at = time.perf_counter()
        self._expected = 0.0
        self._has_failed = self._is_seldom_told = False
        self._not_kept: set[str] = set()
        self.step = 0
        """Steps done when the latest state was saved."""
        self.saved = 0
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.bytes = 0

    def begin(self, step: int, size: int) -> None:
        """Count from now on.

        Args:
            step: Steps done: of a resumed training those of its state.
            size: Bytes of a state, more or less.
        """
        self.step = step
        self._began = self._at = time.perf_counter()
        self._expected = _FIRST_SECONDS + size / _BYTES_PER_SECOND

    def is_due(self, step: int, *, epoch_ended: bool) -> bool:
        """Say whether the state after a step is to be saved.

        Args:
            step: Optimizer steps done.
            epoch_ended: Whether an epoch is complete.
        """
        if step == self.step:
            return False
        now = time.perf_counter()
        since = now - self._at
        if since >= LONGEST_SECONDS:
            return True
        by_step = bool(self._every_steps) and step // self._every_steps > self.step // self._every_steps
        by_time = bool(self._every_seconds) and since >= self._every_seconds
        may = self.seconds + self._expected <= MOST_SHARE * (now - self._began)
        if (by_step or by_time) and not may and not self._is_seldom_told:
            self._is_seldom_told = True
            self._note("states are saved less often than --checkpoint-every asks: they would cost over 1 % of the time")
        if epoch_ended and not self.step:
            return self._expected <= FIRST_SHARE * (now - self._began)
        return may and (epoch_ended or by_step or by_time)

    def save(self, step: int, parts: Callable[[], dict[str, Any]]) -> None:
        """Save the state after a step; one that cannot be saved is told once, and the training goes on.

        Args:
            step: Optimizer steps done.
            parts: Asked for the state of each part.
        """
        try:
            self.write(step, parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training must go on
            self._tell(error)

    def write(self, step: int, parts: Callable[[], dict[str, Any]]) -> None:
        """Save the state after a step.

        Raises:
            OSError, CannotKeep: It could not be saved; older ones are untouched.
        """
        began, cpu = time.perf_counter(), time.process_time()
        try:
            self.bytes = self._written(step, parts())
            self.step, self.saved, self._has_failed = step, self.saved + 1, False
        finally:
            self._at = time.perf_counter()
            self._expected = self._at - began
            self.seconds += self._expected
            self.cpu_seconds += time.process_time() - cpu

    def conclude(self) -> None:
        """Keep one state of a training that is finished, or none, as was asked."""
        self._generations.keep(1 if self._keeps else 0)

    def report(self, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what saving cost, for the run's record.

        Args:
            before: The same of earlier processes, empty of a new run.
        """
        costs = {"states": self.saved, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        return {
            **{name: round(before.get(name, 0) + value, 3) for name, value in costs.items()},
            "bytes": self.bytes or before.get("bytes", 0),
        }

    def _written(self, step: int, parts: dict[str, Any]) -> int:
        try:
            return self._generations.save(step, parts)
        except CannotKeep:
            recorders = parts["recording"]["recorders"]
            self._leave_out(sorted(_unkeepable(recorders)), recorders)
            return self._generations.save(step, parts)

    def _leave_out(self, names: Iterable[str], recorders: dict[str, Any]) -> None:
        for name in names:
            del recorders[name]
            if name not in self._not_kept:
                self._not_kept.add(name)
                self._warn(f"recorder {name!r} begins anew where the run is resumed: its state cannot be saved")

    def _tell(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            what = disk_words(error)[0] if is_of_disk(error) else describe_error(error)
            self._warn(f"the state to resume from could not be saved: {what}; training goes on")


def _unkeepable(recorders: Mapping[str, Any]) -> Iterable[str]:
    for name, state in recorders.items():
        try:
            pack({name: state})
        except CannotKeep:
            yield name
