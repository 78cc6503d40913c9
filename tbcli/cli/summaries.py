"""What the names of runs lead to, for commands that ask both runs of ours and log directories of somebody else's."""

from __future__ import annotations

from datetime import datetime

from tbcli.cli.output import Output, printable
from tbcli.cli.places import warn_of_damage, warn_of_records
from tbcli.cli.run_table import tags_of_run
from tbcli.errors import NotFound
from tbcli.runs import LogDirectory, Run
from tbcli.runs.summary import Summary, summary_of


def summarize(found: Run | LogDirectory, output: Output, now: datetime | None = None) -> Summary:
    """Return the summary of what a reference named; damage in event files is said as a warning.

    Raises:
        NotFound: A log directory without any scalars.
    """
    if isinstance(found, Run):
        warn_of_records(output, [found])
        return summary_of(found, now, lambda: tags_of_run(found))
    from tbcli.events.damage import located
    from tbcli.readers.summaries import summarize_logdir

    summary, damage = summarize_logdir(found)
    warn_of_damage(output, located(damage, found.logs))
    if not summary.metrics:
        raise NotFound(
            f"no scalars below {printable(str(found.logs))!r}",
            hint="a path names a log directory; `tbcli runs` lists the runs of this workspace",
        )
    return summary
