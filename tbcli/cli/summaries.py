"""Summaries of the runs that references name: tbcli runs and the runs inside any log directory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tbcli.cli.listing import tags_of_run
from tbcli.cli.output import Output, printable
from tbcli.cli.render.damage import warn_of_damage, warn_of_records, warn_of_settings
from tbcli.errors import NotFound
from tbcli.runs import LogDirectory, Run
from tbcli.runs.run_summary import summary_of
from tbcli.runs.summary import Summary


def summaries_of_place(
    found: Run | LogDirectory,
    output: Output,
    now: datetime | None = None,
    *,
    verify: bool = False,
    cache: bool = True,
    told: set[str] | None = None,
) -> list[Summary]:
    """Return the summaries of the runs that a reference named; damage in event files is said as a warning.

    What cannot be read of settings is said when they are asked for, unless ``told`` has it.

    Raises:
        NotFound: A log directory without any scalars.
    """
    if isinstance(found, Run):
        warn_of_records(output, [found])
        return [summary_of(found, now, lambda: tags_of_run(found))]
    from tbcli.events.damage import located
    from tbcli.readers.logged_runs import read_runs

    runs = read_runs(found, verify=verify, cache=cache)
    runs.tell_unread = lambda unread: warn_of_settings(output, unread, found, set() if told is None else told)
    warn_of_damage(output, located(runs.damage, found.logs))
    for note in runs.notes:
        output.warn(note)
    summaries = runs.summaries()
    if not summaries:
        raise NotFound(
            f"no scalars below {printable(str(found.logs))!r}",
            hint="a path names a log directory; `tbcli runs` lists the runs of this workspace",
        )
    return summaries


def summaries_of(places: Iterable[Run | LogDirectory], output: Output) -> list[Summary]:
    """Return the summaries of all runs that references named."""
    told: set[str] = set()
    return [summary for place in places for summary in summaries_of_place(place, output, told=told)]
