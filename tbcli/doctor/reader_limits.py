"""Findings about series that a reader or the server of TensorBoard drops, thins or refuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.doctor.examined_logs import Logs
from tbcli.doctor.findings import Finding
from tbcli.doctor.system import command

if TYPE_CHECKING:
    from tbcli.readers.series import Scalars

_LONGEST_TAG = 490_000  # letters; TensorBoard's server takes questions of up to 500,000
_MANY_SERIES = 5000  # of one run
_MOST_BYTES_ODD = 4_000_000_000  # in which other formats are looked for: 2 s


def check_reader_limits(logs: Logs, scalars: Scalars) -> Iterator[Finding]:
    """Yield what TensorBoard does not show as it was written."""
    yield from _formats(logs)
    yield from _tags(logs, scalars)
    yield from _amounts(logs, scalars)


def _formats(logs: Logs) -> Iterator[Finding]:
    from tbcli.serving.formats import describe_scalars, find_odd_scalars

    if logs.found.is_file or sum(file.size for file in logs.found.files) > _MOST_BYTES_ODD:
        return
    odd = find_odd_scalars([(".", logs.top)], skip_runs=True)
    slow, never = [each for each in odd if each.is_readable], [each for each in odd if not each.is_readable]
    if slow:
        yield Finding(
            level="warning",
            name="fast-reader-drops",
            where=str(logs.top),
            what=describe_scalars(slow, 3),
            why="TensorBoard's fast reader shows float32 only, and drops these silently",
            fix=command("tensorboard", "--logdir", logs.top, "--load_fast=false"),
        )
    if never:
        yield Finding(
            level="warning",
            name="no-reader-shows",
            where=str(logs.top),
            what=describe_scalars(never, 3),
            why="no reader of TensorBoard shows them as scalars",
            fix="log float(value): one number, as float32",
        )


def _tags(logs: Logs, scalars: Scalars) -> Iterator[Finding]:
    """Yield tags that TensorBoard answers with an error."""
    others = {(entry.run, entry.tag): entry.plugin for entry in logs.content.inventory() if entry.plugin}
    for run, tag in scalars.names:
        if (run, tag) in others:
            yield Finding(
                level="warning",
                name="tag-of-two-kinds",
                where=logs.path(run),
                what=f"{tag!r} is a scalar and something for {others[run, tag]} too",
                why="TensorBoard shows no curve for it, and its slow reader answers with an error",
                fix="give each kind a tag of its own",
            )
    long = [tag for _, tag in scalars.names if len(tag) > _LONGEST_TAG]
    if long:
        yield Finding(
            level="warning",
            name="tag-too-long",
            where=str(logs.top),
            what=f"a tag has {len(long[0]):,} letters: {long[0][:40]!r}...",
            why="TensorBoard's page cannot ask for it: its server refuses questions of 500,000 letters",
            fix="log it under a shorter tag",
        )


def _amounts(logs: Logs, scalars: Scalars) -> Iterator[Finding]:
    from tbcli.serving.samples import settle_samples

    series: dict[str, int] = defaultdict(int)
    for run, _ in scalars.names:
        series[run] += 1
    crowded = [run for run, count in series.items() if count > _MANY_SERIES]
    if crowded:
        yield Finding(
            level="note",
            name="many-series",
            where=logs.path(crowded[0]),
            what=f"it holds {series[crowded[0]]:,} series of scalars",
            why="TensorBoard sends the names of all of them with each reload: the page is slow",
            fix=command("tbcli", "export", Path(logs.path(crowded[0])), "--metric", "*loss*"),
        )
    most = settle_samples(sum(file.size for file in logs.found.files))["scalars"]
    longest = int(scalars.counts.max(initial=0))
    if longest > most:
        run, tag = scalars.names[int(scalars.counts.argmax())]
        yield Finding(
            level="note",
            name="long-series",
            where=logs.path(run),
            what=f"{tag!r} has {longest:,} points",
            why=f"`tensorboard` shows a random 1,000 of them, `tbcli serve` {most:,}",
            fix=command("tensorboard", "--logdir", logs.top, "--samples_per_plugin", f"scalars={longest}"),
        )
