"""What is told of files that could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tbcli.cli.output import Output

if TYPE_CHECKING:
    from tbcli.readers import Damage
    from tbcli.runs import LogDirectory, Run


def warn_of_records(output: Output, places: Iterable[Run | LogDirectory]) -> None:
    """Warn about what cannot be read in the records of tbcli runs."""
    from tbcli.runs import Run
    from tbcli.runs.unreadable import damage_of

    for place in places:
        for sentence in damage_of(place) if isinstance(place, Run) else ():
            output.warn(sentence)


def warn_of_damage(output: Output, damage: Iterable[Damage]) -> None:
    """Say what could not be read."""
    for incident in damage:
        if incident.is_loss:
            output.warn(str(incident))


def warn_of_settings(output: Output, unread: Iterable[Damage], place: LogDirectory, told: set[str]) -> None:
    """Say what could not be read of the settings beside logs; what holds of several places alike once.

    Args:
        output: Where to say it.
        unread: What could not be read.
        place: The log directory.
        told: What was said already.
    """
    from tbcli.events.damage import located

    for incident in located(unread, place.logs):
        if incident.detail not in told:
            output.warn(str(incident))
            told.add(incident.detail)
