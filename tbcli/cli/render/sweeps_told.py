"""What is told of sweeps beside a list of runs, so that their names are found again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tbcli.cli.output import printable
from tbcli.cli.render.shown import shown_metric

if TYPE_CHECKING:
    from tbcli.config import PathsConfig
    from tbcli.sweeps.standing import Standing

_MOST = 3


def told_sweeps(paths: PathsConfig, *, whole: bool) -> list[str]:
    """Return a line for each of the newest sweeps of a workspace, or for all of them, and one on the others."""
    from tbcli.sweeps.directory import sweep_names
    from tbcli.sweeps.standing import standings

    count = len(sweep_names(paths))
    shown = count if whole else _MOST
    lines = [_told(standing) for standing in standings(paths, shown)] if count else []
    older = count - shown
    if older > 0:
        lines.insert(0, f"{older} older sweep{'s' if older > 1 else ''}: `tbcli runs --all`")
    return lines


def _told(one: Standing) -> str:
    quoted = printable(shlex.quote(one.name))
    best = "" if one.best is None else f", best {printable(one.metric)} {shown_metric(one.best)}"
    state = ", running" if one.is_running else ""
    next_ = f"tbcli sweep --resume {quoted}" if one.ended < one.total and not state else f"tbcli runs --sweep {quoted}"
    return f"sweep {printable(one.name)}: {one.ended} of {one.total} trials have ended{best}{state}: `{next_}`"
