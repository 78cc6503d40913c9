"""Findings about what event files hold: writers, steps, times, numbers, HParams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.doctor.examined_logs import Logs
from tbcli.doctor.findings import Finding, at_most
from tbcli.doctor.reader_limits import check_reader_limits
from tbcli.doctor.system import command, rewritten
from tbcli.events import damage
from tbcli.naming.shortening import few

if TYPE_CHECKING:
    from tbcli.readers.series import Scalars
    from tbcli.readers.setbacks import FileSequence

_ENOUGH_POINTS = 5  # of a series whose step should go on
_SKEW = 60.0  # seconds
_AT_WORK = 600.0  # seconds since a file was written to, in which its writer may still be at work
_EARLIEST = 946_684_800.0  # of 2000: an earlier time is no time


def check_content(logs: Logs) -> Iterator[Finding]:
    """Yield what is wrong with the numbers and documents."""
    if not logs.files:
        return
    scalars = logs.content.scalars(keep_all=True)
    yield from _writers(logs)
    yield from at_most(_restarted(logs, scalars))
    sequences = logs.content.sequences()
    yield from at_most(_steps_back(logs, sequences))
    yield from at_most(_clocks(logs, sequences))
    yield from _not_finite(logs, scalars)
    yield from _at_one_step(logs, scalars)
    yield from check_reader_limits(logs, scalars)
    yield from _hparams(logs, scalars)


def _writers(logs: Logs) -> Iterator[Finding]:
    for incident in logs.content.damage:
        if incident.kind == damage.WRITERS:
            path = logs.path(incident.path)
            yield Finding(
                level="warning",
                name="several-writers",
                where=path,
                what=f"in one directory {incident.detail}",
                why="TensorBoard mixes their points into one zigzag; tbcli shows one of them",
                fix=_apart(logs, incident.path),
            )


def _apart(logs: Logs, run: str) -> str:
    """Return the command that gives each file of a directory one of its own."""
    place = command("cd", logs.path(run))
    return f'{place} && for f in *tfevents*; do mkdir "writer-$f" && mv "$f" "writer-$f"; done'


def _restarted(logs: Logs, scalars: Scalars) -> Iterator[Finding]:
    """Yield runs that were continued from an earlier step in another file."""
    kept = logs.content.scalars()
    counts = dict(zip(kept.names, kept.counts.tolist(), strict=True))
    lost: dict[str, int] = defaultdict(int)
    for name, count in zip(scalars.names, scalars.counts.tolist(), strict=True):
        lost[name[0]] += count - counts.get(name, 0)
    mixed = {incident.path for incident in logs.content.damage if incident.kind == damage.WRITERS}
    for run, count in lost.items():
        if count and run not in mixed:
            yield Finding(
                level="note",
                name="restarted",
                where=logs.path(run),
                what=f"{count:,} points of earlier files were written again by a later one, as after a restart",
                why="TensorBoard's slow reader draws both, as a zigzag; the fast one and tbcli show the later",
                fix=rewritten(logs.path(run)),
            )


def _steps_back(logs: Logs, sequences: Sequence[FileSequence]) -> Iterator[Finding]:
    for sequence in sequences:
        if sequence.overwritten:
            yield Finding(
                level="warning",
                name="steps-go-back",
                where=logs.path(sequence.file.name),
                what=f"steps of {sequence.tag!r} go back from {sequence.back_from:,} to {sequence.back_to:,}: "
                f"{sequence.overwritten:,} points of the file come before",
                why="TensorBoard's fast reader drops them silently; its slow one draws a zigzag",
                fix=command("tbcli", "serve", "--logdir", logs.top, "--load-fast", "false"),
            )


def _clocks(logs: Logs, sequences: Sequence[FileSequence]) -> Iterator[Finding]:
    for sequence in sequences:
        where = logs.path(sequence.file.name)
        if sequence.last > logs.now + _SKEW:
            yield _clock(where, f"its last point is of {_date(sequence.last)}, which is yet to come")
        elif 0 < sequence.last < _EARLIEST or 0 < sequence.first < _EARLIEST:
            yield _clock(where, f"its points are of {_date(sequence.first)}: a counter, not a clock")
        elif sequence.last > sequence.file.changed / 1e9 + _SKEW:
            ahead = sequence.last - sequence.file.changed / 1e9
            yield replace(_clock(where, f"its last point is {ahead:,.0f} s younger than the file itself"), level="note")
        elif sequence.clock_back > _SKEW:
            yield _clock(where, f"its clock was set back by {sequence.clock_back:,.0f} s while it was written")
        if sequence.unclocked:
            yield Finding(
                level="warning",
                name="times-not-finite",
                where=where,
                what=f"{sequence.unclocked:,} of {sequence.points:,} points have NaN or infinity as their time",
                why="TensorBoard's fast reader stops reading the file at a NaN, and drops points of infinite time",
                fix=command("tensorboard", "--logdir", logs.top, "--load_fast=false"),
            )
        if sequence.untimed:
            yield Finding(
                level="note",
                name="times-missing",
                where=where,
                what=f"{sequence.untimed:,} of {sequence.points:,} points have no time",
                why="over relative and wall time, TensorBoard draws them in 1970",
                fix=command("tbcli", "plot", Path(where), "--x", "step"),
            )


def _clock(where: str, what: str) -> Finding:
    return Finding(
        level="warning",
        name="clock-skew",
        where=where,
        what=what,
        why="curves over wall time, ages and the order of runs are wrong; those over steps are right",
        fix="timedatectl set-ntp true",
    )


def _at_one_step(logs: Logs, scalars: Scalars) -> Iterator[Finding]:
    """Yield series of which all points have one step, as of a program that forgot to pass it."""
    found = [
        series
        for series in scalars
        if len(series.step) >= _ENOUGH_POINTS
        and series.step[0] == series.step[-1]
        and len(set(series.step.tolist())) < 2
    ]
    if not found:
        return
    names = [each.tag if each.run == "." else f"{each.run}/{each.tag}" for each in found]
    yield Finding(
        level="warning",
        name="steps-missing",
        where=str(logs.top),
        what=f"all points of {len(found):,} series are at one step, {found[0].tag!r} has {len(found[0].step):,} at "
        f"step {found[0].step[0]}: {few(names)}",
        why="TensorBoard draws one point, or a vertical line; tbcli shows the last of them",
        fix="pass the step where it is logged: writer.add_scalar(tag, value, step), tf.summary.scalar(..., step=step)",
    )


def _date(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return f"second {seconds:g}"


def _not_finite(logs: Logs, scalars: Scalars) -> Iterator[Finding]:
    import numpy as np

    names = [
        series.tag if series.run == "." else f"{series.run}/{series.tag}"
        for series in scalars
        if len(series.value) and not np.isfinite(series.value).any()
    ]
    if names:
        yield Finding(
            level="warning",
            name="nothing-finite",
            where=str(logs.top),
            what=f"{len(names):,} series hold nothing but NaN or infinity: {few(names)}",
            why="TensorBoard draws an empty chart",
            fix="find what makes the first of them so: a learning rate that is too large, a division by 0, a log of 0",
        )


def _hparams(logs: Logs, scalars: Scalars) -> Iterator[Finding]:
    """Yield sessions whose row in the HParams table has no metric, and metrics that no run has."""
    if not scalars.described:
        return
    sessions = logs.content.documents().hparams
    declared = dict.fromkeys(metric for each in sessions.values() for metric in each.metrics)
    written = set(scalars.names)
    if not declared:
        return
    bare = []
    for run, session in sessions.items():
        has_any = any((_joined(run, group), tag) in written for group, tag in declared)
        is_over = session.status == "success" or (session.status != "running" and _was_recorded(logs, run, written))
        if session.values and not has_any and is_over:
            bare.append(run)
    if bare:
        yield Finding(
            level="warning",
            name="hparams-without-metrics",
            where=logs.path(bare[0]),
            what=f"{len(bare):,} of {len(sessions):,} sessions have no metric of those that HParams shows: {few(bare)}",
            why="their rows in the table are empty, and Parallel Coordinates leaves them out",
            fix="hp.Metric(tag, group=...) must name a tag of the session's directory; "
            f"`{command('tbcli', 'runs', logs.top)}` lists them",
        )
    runs = [run for run in sessions if run not in bare]
    missing = [
        f"{group}/{tag}" if group else tag
        for group, tag in declared
        if runs and not any((_joined(run, group), tag) in written for run in runs)
    ]
    if missing and not logs.is_ours and not logs.is_part:
        yield Finding(
            level="note",
            name="hparams-metric-missing",
            where=str(logs.top),
            what=f"no session has written {few(missing)}, which HParams has a column for",
            why="the column stays empty",
            fix="correct the name in hp.hparams_config(metrics=...); "
            f"`{command('tbcli', 'runs', logs.top)}` lists the tags",
        )


def _was_recorded(logs: Logs, run: str, written: Collection[tuple[str, str]]) -> bool:
    """Say whether a session of which nothing tells how it ended has written scalars, and none for a while."""

    def is_of_it(other: str) -> bool:
        return run in (other, ".") or other.startswith(f"{run}/")

    changed = max((file.changed / 1e9 for file in logs.files if is_of_it(file.run)), default=0)
    return logs.now - changed > _AT_WORK and any(is_of_it(other) for other, _ in written)


def _joined(run: str, group: str) -> str:
    if not group:
        return run
    return group if run == "." else f"{run}/{group}"
