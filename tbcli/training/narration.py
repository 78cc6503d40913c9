"""Progress events of a training."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbcli.runs import Run


class Narrator:
    """Receives progress events and ignores them. Override the ones you want to show."""

    def hushed_libraries(self) -> AbstractContextManager[None]:
        """Return a context that silences libraries while they start."""
        return nullcontext()

    def stage(self, text: str) -> None:
        """A stage begins, such as ``Loading mnist``."""

    def progress(self, text: str) -> None:
        """How far a stage is, such as ``Decoding 300 of 5,000 images``; it comes often."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def warn(self, text: str) -> None:
        """Something that may be wrong."""

    def claimed(self, run: Run) -> None:
        """The run is made, or taken up again: from now on this process trains it, and it has an id."""

    def begin(self, epochs: int, steps: int) -> None:
        """Training begins, with this many epochs of this many steps."""

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """An execution of steps is done: the step within the epoch, and the epoch's running means."""

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        """An epoch is done: its metrics, and of each metric the best value so far with its epoch."""

    def safe_point(self) -> None:
        """The training could end here: may raise, and all that was done is kept; called often."""

    def interrupted(self, text: str) -> None:
        """A signal came, which is answered soon; called by a thread of its own."""

    def leaving(self, text: str) -> None:
        """A second signal came: the process ends when this returns."""

    def close(self) -> None:
        """No more events follow; also called when training failed."""
