"""What is told of sweeps beside a list of runs, so that their names are found again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tbcli.cli.output import printable
from tbcli.cli.render.shown import shown_metric

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tbcli.config import PathsConfig
    from tbcli.runs import RunStore
    from tbcli.sweeps.endings import Outcome
    from tbcli.sweeps.standing import Standing

_MOST = 3
_MOST_NUMBERS = 8


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


def told_without_runs(paths: PathsConfig, sweep: str, with_runs: Collection[int]) -> list[str]:
    """Return a line for the trials of a sweep that failed without a run, and one for those that were stopped so.

    Args:
        paths: Of the workspace.
        sweep: The sweep, which may be kept no more.
        with_runs: The trials of which there are runs.
    """
    from tbcli.sweeps.directory import SweepDirectory, sweeps_root
    from tbcli.sweeps.endings import ENDED, FAILED, read_outcomes

    outcomes = read_outcomes(SweepDirectory(sweeps_root(paths) / sweep).log_file).values()
    without = [each for each in outcomes if not each.run and each.trial not in with_runs]
    failed = [each for each in without if each.status in FAILED]
    stopped = [each for each in without if each.status not in ENDED]
    resume = f"tbcli sweep --resume {shlex.quote(sweep)}"
    return [
        *([_told_of("failed", failed, f"`{resume} --retry 1` begins anew")] if failed else []),
        *([_told_of("stopped", stopped, f"`{resume}` goes on")] if stopped else []),
    ]


def _told_of(how: str, outcomes: Sequence[Outcome], what_next: str) -> str:
    numbers = [str(each.trial) for each in sorted(outcomes, key=lambda each: each.trial)]
    shown = ", ".join(numbers[:_MOST_NUMBERS]) + (", ..." if len(numbers) > _MOST_NUMBERS else "")
    reasons = dict.fromkeys(each.reason for each in outcomes if each.reason)
    why = f": {next(iter(reasons))}" + (f", and {len(reasons) - 1} other reasons" if len(reasons) > 1 else "")
    which = f"trial {shown}" if len(numbers) == 1 else f"{len(numbers)} trials ({shown})"
    return printable(f"{which} {how} without a run{why if reasons else ''}; {what_next}")


def told_cleaned(store: RunStore, outcomes: Iterable[Outcome], with_runs: Collection[int]) -> str:
    """Return how many of the runs of a sweep were cleaned, and where they are now; ``""`` if none were.

    Args:
        store: The runs of the workspace.
        outcomes: How the trials of the sweep ended.
        with_runs: The trials whose runs are there.
    """
    gone = {each.run for each in outcomes if each.run and each.trial not in with_runs}
    count = "the run of 1 trial" if len(gone) == 1 else f"the runs of {len(gone)} trials"
    return f"cleaned since: {count}; {where_cleaned(store, gone)}" if gone else ""


def where_cleaned(store: RunStore, ids: Collection[str]) -> str:
    """Return where runs are that were cleaned: in the trash, or nowhere."""
    from tbcli.errors import Refused
    from tbcli.runs.cleaning.trash_contents import TrashContents

    try:
        kept = {each.id for each in TrashContents(store).list()}
    except Refused:
        kept = set()
    if kept.isdisjoint(ids):
        return "they are removed for good, and only a new sweep trains them again"
    return "`tbcli clean --restore` lists the trash"
