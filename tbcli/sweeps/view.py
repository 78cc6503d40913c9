"""What a sweep tells of its progress; override what is to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from tbcli.sweeps.definition import Definition, Trial
from tbcli.sweeps.endings import Outcome
from tbcli.sweeps.goal import Goal


class SweepView:
    """Receives what happens and shows nothing."""

    def begin(self, definition: Definition, slots: int, ended: Sequence[Outcome], goal: Goal) -> None:
        """The sweep begins, or goes on with what has ended before."""

    def started(self, slot: int, trial: Trial) -> None:
        """A trial begins, or goes on."""

    def stage(self, slot: int, text: str) -> None:
        """A stage of a trial begins."""

    def epoch(self, slot: int, epoch: int, value: float | None) -> None:
        """An epoch of a trial is done."""

    def ended(self, slot: int, outcome: Outcome, seconds: float) -> None:
        """A trial has ended."""

    def freed(self, slot: int) -> None:
        """A slot is free, and its trial has not ended: it will go on, or begin again."""

    def say(self, text: str) -> None:
        """Something that a person waits for."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def warn(self, text: str) -> None:
        """Something that may be wrong."""

    def leaving(self, text: str, runs: Sequence[str]) -> None:
        """A second signal came: the process ends when this returns, and these are the ids of the runs."""

    def tick(self) -> None:
        """A second has passed, or something has happened."""

    def close(self) -> None:
        """Nothing more happens."""
