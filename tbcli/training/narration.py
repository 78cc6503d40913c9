"""What training tells while it works; who listens decides how it looks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext


class Narrator:
    """Hears what happens; this one keeps silent. Override the moments you want to show."""

    def hushed_libraries(self) -> AbstractContextManager[None]:
        """Return what to hold while libraries start that write to the terminal on their own."""
        return nullcontext()

    def stage(self, text: str) -> None:
        """A part of the story begins: ``Loading mnist``."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def warn(self, text: str) -> None:
        """Something that may be wrong."""

    def begin(self, epochs: int, steps: int) -> None:
        """Training begins: so many epochs of so many steps."""

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """An execution of steps is done: the step within the epoch, and the epoch's running means."""

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        """An epoch is done: its metrics, and of each metric the best value so far with its epoch."""

    def close(self) -> None:
        """No more will be told; called also when training failed."""
