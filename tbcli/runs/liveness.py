"""Whether something still trains a run: its lock, its process and its heartbeat, each as far as it tells from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tbcli.runs.claim import is_claimed
from tbcli.runs.files import utc_now
from tbcli.runs.owner import Owner, booted_at, host_name

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 60.0
STALE_ELSEWHERE_SECONDS = 900.0
"""How old the heartbeat of another machine must be before its run may be removed: clocks and mounts lag."""


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of life of a run whose record says that it is training.

    Args:
        is_claimed: Whether a process of this kernel holds the directory; None where locks tell nothing.
        process: Whether its process is alive; None where that cannot be determined from here.
        beat_age: Seconds since the last heartbeat, negative for one that lies in the future; None without one.
        is_elsewhere: Whether it was, or may have been, trained on another machine.
    """

    is_claimed: bool | None
    process: bool | None
    beat_age: float | None
    is_elsewhere: bool

    @property
    def is_alive(self) -> bool | None:
        """Whether it is training; None if nothing tells, for the heartbeat lies in the future."""
        if self.is_claimed:
            return True
        if self.process is not None:
            return self.process
        if self.beat_age is None:
            return False
        return None if self.is_ahead else self.beat_age < STALE_SECONDS

    @property
    def is_ahead(self) -> bool:
        """Whether the heartbeat lies in the future: a clock was set, so that its age says nothing."""
        return self.beat_age is not None and self.beat_age < -HEARTBEAT_SECONDS

    def doubt(self) -> str:
        """Return why the run may still be training although its process does not show it; ``""`` if it is dead.

        Dead is what shows both signs of it: no process and no fresh heartbeat.
        """
        if self.beat_age is None:
            return ""
        if self.is_ahead:
            return f"its heartbeat is {-self.beat_age:.0f} s ahead of this machine's clock"
        limit = STALE_ELSEWHERE_SECONDS if self.is_elsewhere else STALE_SECONDS
        if self.beat_age >= limit:
            return ""
        but = "its process is gone, but " if self.process is False else ""
        where = " on another machine" if self.is_elsewhere else ""
        return f"{but}its last heartbeat{where} was {max(0.0, self.beat_age):.0f} s ago, less than {limit:.0f}"


def read_signs(
    logs: Path,
    heartbeat: Path,
    owner: Owner | None,
    now: datetime | None,
    *,
    is_moved: bool,
    is_held: bool = False,
) -> Signs:
    """Return the signs of life of a run.

    Args:
        logs: Its directory.
        heartbeat: Its heartbeat file.
        owner: The process that its record names.
        now: The moment to measure from; the present unless given.
        is_moved: Whether the directory is called otherwise than the run: renamed, or a copy of one that may train.
        is_held: Whether this process itself holds the directory, so that no other does.
    """
    beat, claimed = last_beat(heartbeat), False if is_held else is_claimed(logs)
    process = owner.lives() if owner else None
    is_here = owner is not None and owner.host == host_name()
    if owner and owner.is_of_another_boot:
        booted = booted_at()  # another machine of that name may have touched it since
        is_here = beat is None or booted is None or beat.timestamp() < booted
        process = False if is_here else None
    if process and is_moved and claimed is False:
        process = None  # it trains, but not in this directory
    age = ((now or utc_now()) - beat).total_seconds() if beat else None
    return Signs(claimed, process, age, is_elsewhere=not is_here)


def last_beat(heartbeat: Path) -> datetime | None:
    """Return when a heartbeat file was touched last, or None where there is none."""
    try:
        return datetime.fromtimestamp(heartbeat.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None
