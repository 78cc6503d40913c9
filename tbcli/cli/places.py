"""What commands that look into any log directory share: how it is named, how it is read, what is said of damage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.output import Output

if TYPE_CHECKING:
    from tbcli.readers import Damage
    from tbcli.runs import LogDirectory, Run, RunStore

READING_PANEL = "Reading"

Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Prove every checksum, those of pictures too; slower.", rich_help_panel=READING_PANEL
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Read the files themselves, and keep nothing.", rich_help_panel=READING_PANEL)
]


def find_places(store: RunStore, references: Sequence[str], output: Output) -> list[Run | LogDirectory]:
    """Return what the references name, each once: runs, log directories, or single event files.

    Raises:
        NotFound: A reference names nothing.
        ConfigError: A reference is the beginning of several ids.
    """
    from tbcli.runs import LogDirectory

    found: list[Run | LogDirectory] = []
    for reference in references:
        path = Path(reference)
        is_event_file = "tfevents" in path.name and path.is_file()
        found.append(LogDirectory(path.name, path) if is_event_file else store.find_any(reference, output.say))
    return list({place.logs.resolve(): place for place in found}.values())


def warn_of_damage(output: Output, damage: Iterable[Damage]) -> None:
    """Say what could not be read."""
    for incident in damage:
        if incident.is_loss:
            output.warn(str(incident))
