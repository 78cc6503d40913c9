"""A finding says what was found, why it matters, and the exact command that mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from tbcli.naming.shortening import few

Level = Literal["note", "warning", "error"]
LEVELS: tuple[Level, ...] = get_args(Level)  # the mildest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the doctor found; its sentences begin in lower case and have no full stop, as errors do.

    Args:
        level: "note" (good to know), "warning" (something is or will be wrong) or "error" (it does not work).
        name: A stable key for scripts, lower-case words joined by hyphens: "disk-almost-full".
        what: What was found, with the values; one line.
        why: Why it matters; one line.
        fix: The exact command that mends it; a sentence where no command does, "" where nothing needs mending.
        where: The path, run or metric that it is about; "" is the machine.
    """

    level: Level
    name: str
    what: str
    why: str
    fix: str = ""
    where: str = ""

    @property
    def severity(self) -> int:
        """The level as a number: 0 is a note."""
        return LEVELS.index(self.level)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by level, the worst first; within a level they keep their order."""
    return sorted(findings, key=lambda finding: -finding.severity)


def needs_action(findings: Iterable[Finding]) -> bool:
    """Return whether there is a warning or an error among findings."""
    return any(finding.severity > 0 for finding in findings)


def at_most(findings: Iterator[Finding], most: int = 3) -> Iterator[Finding]:
    """Yield findings; of one name no more than so many, and then one that counts the others."""
    seen: dict[str, list[Finding]] = {}
    for finding in findings:
        mine = seen.setdefault(finding.name, [])
        mine.append(finding)
        if len(mine) <= most:
            yield finding
    for mine in seen.values():
        if len(mine) > most:
            last = max(mine[most:], key=lambda finding: finding.severity)
            yield Finding(
                level=last.level,
                name=last.name,
                what=f"the same in {len(mine) - most:,} more places",
                why=last.why,
                fix="",
                where=few([each.where for each in mine[most:] if each.where], most),
            )
