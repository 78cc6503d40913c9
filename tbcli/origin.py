"""What started this process, if it was ``tbcli run``: it adds to the record of each run, and hears of each.

A run that is made in such a process, by whatever, is one of the script's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.runs.run import Run


class Origin(Protocol):
    """What a process of runs was started by."""

    def config(self) -> Config:
        """Return the configuration that was settled for the runs."""

    def facts(self) -> dict[str, Any]:
        """Return what each run's record says from the start."""

    def welcome(self, run: Run) -> None:
        """Hear of a run that has just been made."""


class _Process:
    origin: Origin | None = None


def set_origin(origin: Origin | None) -> None:
    """Say what the runs of this process belong to."""
    _Process.origin = origin


def current_origin() -> Origin | None:
    """Return what the runs of this process belong to; None where nothing but the program itself."""
    return _Process.origin
