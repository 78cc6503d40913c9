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
        found.append(LogDirectory(path.name, path) if is_event_file else find_place(store, reference, output))
    return list({place.logs.resolve(): place for place in found}.values())


def find_place(store: RunStore, reference: str, output: Output) -> Run | LogDirectory:
    """Return what a reference names, and warn of runs that could not be looked at for it; see `RunStore.find_any`."""
    known = len(store.damage)
    try:
        return store.find_any(reference, output.say)
    finally:
        for sentence in store.damage[known:]:
            output.warn(sentence)


def list_runs(store: RunStore, output: Output) -> list[Run]:
    """Return all runs, oldest first, and warn of those that could not be looked at; see `RunStore.list`."""
    known = len(store.damage)
    runs = store.list()
    for sentence in store.damage[known:]:
        output.warn(sentence)
    return runs


def warn_of_records(output: Output, places: Iterable[Run | LogDirectory]) -> None:
    """Say what cannot be read of the records of runs of ours."""
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
