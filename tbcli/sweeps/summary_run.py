"""The groups of a sweep written back as a run of event files, so that TensorBoard shows them: means and bands.

The run is called by no reference but its id, and is no trial: see `tbcli.runs.run.Run.summary_of`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

from tbcli.comparison import compare_sides
from tbcli.config import Config
from tbcli.grouping import Side, note_on_left_out
from tbcli.naming import tags
from tbcli.naming.series import is_of_validation, without_split
from tbcli.naming.words import TRAIN, VALIDATION
from tbcli.runs.cleaning.removal import remove_run
from tbcli.runs.files import utc_now, utc_text
from tbcli.runs.run import Run
from tbcli.runs.run_summary import metrics_of, summary_of
from tbcli.runs.store import RunStore
from tbcli.sweeps.definition import SUMMARY
from tbcli.sweeps.group_means import GroupCurves, TrialGroup, curves_of_group, group_trials

if TYPE_CHECKING:
    from tbcli.comparison import Cell
    from tbcli.recorders.writer import EventWriter

MOST_GROUPS = 100  # with curves of their own
_LONGEST_NAME = 100  # of a directory


def write_summary(store: RunStore, name: str) -> Run | None:
    """Write the summary of a sweep anew and remove the one before; None where no finished trial has a metric.

    Args:
        store: Where the trials are.
        name: Of the sweep.

    Raises:
        TbcliError: The directory cannot be made.
        OSError: Something could not be written.
    """
    trials = [run for run in store.list() if run.sweep.get("name") == name and not run.is_copy]
    measured = [run for run in trials if metrics_of(run)]
    finished = [run for run in measured if not summary_of(run).unfinished]
    groups = group_trials(finished)
    if not groups:
        return None
    earlier = [run for run in store.summaries() if run.summary_of == name]
    first = groups[0].runs[0]
    config = Config().updated({"train.name": f"{name}{SUMMARY}"})
    facts = {"summary_of": name, "model": first.model_name, "data": first.data_name, "task": first.task_name}
    run = store.create(config, facts, settings={})
    try:
        _write_events(run, name, groups, _sentence_on_others(measured))
    except BaseException:
        shutil.rmtree(run.logs, ignore_errors=True)
        raise
    run.update(status="finished", ended=utc_text(utc_now()), bytes=run.walk_bytes())
    run.heartbeat_file.unlink(missing_ok=True)
    for old in earlier:
        remove_run(old)
    return run


def _sentence_on_others(trials: Sequence[Run]) -> str:
    """Return which trials are in no group, ``""`` where all are."""
    return note_on_left_out([summary for summary in map(summary_of, trials) if summary.unfinished])


def _write_events(run: Run, name: str, groups: Sequence[TrialGroup], on_others: str) -> None:
    from tbcli.recorders.writer import EventWriter

    writer = EventWriter(run.logs)
    try:
        shown = groups[:MOST_GROUPS]
        of_groups = [curves_of_group(group) for group in shown]
        for where, curves in zip(_directories(shown), of_groups, strict=True):
            _write_curves(writer, where, curves)
        _write_bands(writer, name, of_groups)
        writer.text(tags.SWEEP_GROUPS, _told(name, groups, of_groups, on_others), 0, where="")
    finally:
        writer.close()


def _directories(groups: Sequence[TrialGroup]) -> list[str]:
    """Return what TensorBoard calls each group; different groups stay different."""
    names: dict[str, None] = {}
    for group in groups:
        plain = re.sub(r"[^\w.,=+ -]+", "_", group.label)[:_LONGEST_NAME].strip(" .") or "_"
        several = (f"{plain}-{number}" for number in count(2))
        names[plain if plain not in names else next(each for each in several if each not in names)] = None
    return list(names)


def _write_curves(writer: EventWriter, where: str, curves: GroupCurves) -> None:
    """Write the means of a group as `tbcli train` writes the metrics of a run, and the bands beside them."""
    writer.directory(where)
    has_bands = _has_bands(curves)
    for epoch in curves.epochs:
        if has_bands:
            writer.scalars({tags.BAND_RUNS: curves.runs}, epoch, where=where)
        for split in (TRAIN, VALIDATION):
            values = dict(_values_of(curves, epoch, split, has_bands=has_bands))
            if values:
                writer.scalars(values, epoch, where=f"{where}/{split}")


def _has_bands(curves: GroupCurves) -> bool:
    return curves.runs > 1


def _values_of(curves: GroupCurves, epoch: int, split: str, *, has_bands: bool) -> Iterator[tuple[str, float]]:
    for name, spreads in curves.metrics.items():
        if epoch not in spreads or is_of_validation(name) != (split == VALIDATION):
            continue
        mean, deviation = spreads[epoch]
        metric = without_split(name)
        yield tags.EPOCH + metric, mean
        if has_bands:
            width = deviation or 0.0
            ends = (mean, mean - width, mean + width)
            yield from zip(_band_tags(metric), ends, strict=True)


def _band_tags(metric: str) -> tuple[str, str, str]:
    # The mean has a further tag here: of one that trials have too, the page would miss the ends in each of them.
    mean, lower, upper = (f"{tags.BAND}{metric}/{end}" for end in (tags.MEAN, tags.LOWER, tags.UPPER))
    return mean, lower, upper


def _write_bands(writer: EventWriter, name: str, of_groups: Sequence[GroupCurves]) -> None:
    from tbcli.recorders.layout import arrange_bands, metric_title, write_layout

    metrics = dict.fromkeys(
        without_split(metric) for curves in of_groups if _has_bands(curves) for metric in curves.metrics
    )
    if metrics:
        bands = {f"{metric_title(metric)}: mean and deviation": _band_tags(metric) for metric in metrics}
        write_layout(arrange_bands(f"Sweep {name}", bands), writer, 0)


def _told(name: str, groups: Sequence[TrialGroup], of_groups: Sequence[GroupCurves], on_others: str) -> str:
    """Return the groups as Markdown: what each reached, with all digits, and what its curves are of."""
    from tbcli.recorders.markdown import escaped, table

    comparison = compare_sides([Side(group.label, tuple(map(summary_of, group.runs))) for group in groups])
    header = ["group", "runs", *(escaped(f"{row.metric} {row.at}".rstrip()) for row in comparison.rows)]
    rows = [
        [group.label, len(group.runs), *(_shown(row.cells[position]) for row in comparison.rows)]
        for position, group in enumerate(groups)
    ]
    sentences = [escaped(sentence) for sentence in _sentences(name, groups, of_groups, on_others)]
    return "\n\n".join([*sentences, table(header, rows, numbers_from=1)])


def _sentences(
    name: str, groups: Sequence[TrialGroup], of_groups: Sequence[GroupCurves], on_others: str
) -> Iterator[str]:
    several = any(len(group.runs) > 1 for group in groups)
    yield f"Sweep {name}: " + (
        "the mean over the runs of each group, which differ in their seed alone, +- their sample standard deviation."
        if several
        else "each group is a single run, so that nothing tells how much seeds matter, and there are no bands."
    )
    yield "The curves are the same in float32, which is what TensorBoard keeps of a scalar."
    if on_others:
        yield f"{on_others[:1].upper()}{on_others[1:]}."
    for group, curves in zip(groups, of_groups, strict=False):
        last = curves.epochs[-1] if curves.epochs else 0
        if curves.longest > last:
            yield (
                f"{group.label}: the curves of {curves.runs} runs end at epoch {last}, where the first of them ends; "
                f"the longest reaches epoch {curves.longest}."
            )
    if len(groups) > len(of_groups):
        yield f"Only the first {len(of_groups)} of {len(groups)} groups have curves."


def _shown(cell: Cell) -> str:
    if cell.value is None:
        return "-"
    deviation = "" if cell.deviation is None else f" +- {cell.deviation!r}"
    return f"{cell.value!r}{deviation}"
