"""What ``tbcli plot`` asks of curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tbcli.cli.output import Output
from tbcli.cli.render.damage import warn_of_settings
from tbcli.errors import ConfigError
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.figures.curves import Request
    from tbcli.runs import LogDirectory, Run
    from tbcli.runs.summary import Summary


def make_request(
    metrics: Sequence[str], config: Config, *, x: str | None, log: str | None, verify: bool, cache: bool
) -> Request:
    """Return what is to be drawn.

    Raises:
        ConfigError: There is no such axis.
    """
    from tbcli.figures.curves import AXES, LOGS, Request

    for option, said, known in (("--x", x, AXES), ("--log", log, LOGS)):
        if said is not None and said not in known:
            raise ConfigError(f"unknown {option} {said!r}", hint=did_you_mean(said, known))
    return Request(
        metrics=tuple(metrics),
        x=x or "",
        log=log or "",
        smooth=config.plot.smooth,
        directions=config.direction,
        verify=verify,
        cache=cache,
    )


def grouped(
    request: Request, places: Sequence[Run | LogDirectory], key: str, output: Output
) -> tuple[Request, Sequence[Run | LogDirectory]]:
    """Return the request with the runs in groups by a setting, a fact, or a hyperparameter, and what is in these.

    Raises:
        NotFound: No run has such a key, or none has finished.
    """
    from tbcli.grouping import group_finished, notes_on_groups
    from tbcli.runs import Run

    told: set[str] = set()
    summaries = [summary for place in places for summary in _summaries(place, output, told)]
    found = group_finished(summaries, key)
    groups = {member.id: side.label for side in found.sides for member in side.members}
    left_out = {summary.id for summary in found.left_out}
    stay = [place for place in places if not (isinstance(place, Run) and place.id in left_out)]
    remarks = (*found.notes, *notes_on_groups(found.sides, key))
    return replace(request, groups=groups, grouped_by=key, remarks=remarks), stay


def _summaries(place: Run | LogDirectory, output: Output, told: set[str]) -> list[Summary]:
    """Return the run, or the runs inside a log directory with the hyperparameters that they recorded."""
    from tbcli.runs import Run
    from tbcli.runs.run_summary import summary_of
    from tbcli.runs.summary import Summary

    if isinstance(place, Run):
        return [summary_of(place)]
    from tbcli.figures.traces import foreign_id
    from tbcli.readers.logged_runs import read_runs

    logged = read_runs(place)
    logged.tell_unread = lambda unread: warn_of_settings(output, unread, place, told)
    with_scalars = {identity.run for identity in logged.named.identities}
    return [
        Summary(run, foreign_id(place, run), {}, read_settings=partial(logged.settings, run))
        for run in logged.names
        if run in with_scalars
    ]
