"""Any log directory as a table: its runs, their tags, and the last value of each."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tbcli.cli.listing import ListingQuery, choose
from tbcli.cli.output import counted_bytes, is_terminal, padded, printable
from tbcli.cli.render.run_table import NOTHING, View, width_of
from tbcli.cli.render.runs import show_chosen_columns
from tbcli.cli.render.shown import Form, Shown, csv_lines, json_lines, json_text, shown_metric
from tbcli.errors import NotFound
from tbcli.events.damage import located
from tbcli.gates import Field
from tbcli.naming import schemas
from tbcli.naming.direction import Overrides
from tbcli.naming.directories import HERE
from tbcli.naming.series import Identity, natural_key
from tbcli.readers.logged_runs import LoggedRuns, joined_path, metric_of, read_runs
from tbcli.readers.metrics import joined
from tbcli.readers.series import Series
from tbcli.runs.summary import Metric, Summary

if TYPE_CHECKING:
    from tbcli.runs import LogDirectory

HEADER = ("RUN", "METRIC", "TAG", "KIND", "POINTS", "STEP", "LAST")
CSV_HEADER = (
    "run", "metric", "split", "unit", "directory", "tag", "kind", "points", "bytes", "step", "wall_time",
    "last", "best", "best_step",
)  # fmt: skip
RUN, METRIC, TAG, KIND = 0, 1, 2, 3
RUN_FIELD = Field("run")
OF_RUNS = {"run", "bytes"}  # columns that make sense of a run as of a tag
FROM_THE_RIGHT = {4, 5, 6}
NARROWEST = 10  # of a name


@dataclass(frozen=True, slots=True)
class Tag:
    """What a run has under one tag.

    Args:
        directory: Where its event files are, relative to the log directory.
        tag: Its name as the files have it.
        kind: ``scalars``, or the plugin whose data they are.
        points: How many there are.
        name: What every command calls it; ``""`` for what is no scalar.
        split: ``train``, ``validation``, ``test`` or ``""``.
        unit: ``epoch``, ``step`` or ``""``.
        bytes: How much they take; None for scalars, which are not weighed.
        step: Of the last scalar.
        wall_time: Of the last scalar, seconds since 1970.
        metric: Best and last of scalars.
    """

    directory: str
    tag: str
    kind: str
    points: int
    name: str = ""
    split: str = ""
    unit: str = ""
    bytes: int | None = None
    step: int | None = None
    wall_time: float | None = None
    metric: Metric | None = None


Tags = dict[str, list[Tag]]
"""The tags of each run."""


def show_logdir(
    found: LogDirectory, form: Form, query: ListingQuery, view: View, *, cache: bool = True, verify: bool = False
) -> Shown:
    """Return what a log directory holds, with what is damaged as warnings.

    Raises:
        NotFound: There are no event files, or nothing in them; or no run has a name that was asked for.
    """
    view = view._replace(is_sorted=True)  # by name, where the first are as good as the last
    logged = read_runs(found, cache=cache, verify=verify)
    tags, where = _tags(logged), str(found.logs)
    damage = tuple(str(incident) for incident in located(logged.damage, found.logs) if incident.is_loss)
    if not tags:
        what = (
            f"nothing can be read in the event files below {where!r}"
            if logged.content.files
            else f"no event files and no other logs below {where!r}"
        )
        raise NotFound(
            f"{what}{': ' if damage else ''}{'; '.join(damage[:3])}",
            hint="a path names a log directory; `tbcli runs` lists the runs of this workspace",
        )
    unread = (str(incident) for incident in located(logged.unread_settings, found.logs) if incident.is_loss)
    warnings = (*damage, *logged.notes, *unread)
    summaries = {summary.id: summary for summary in logged.summaries()}

    def summarize(run: str) -> Summary:
        path = joined_path(found, run)
        return summaries.get(path) or Summary(path, path, {}, read_settings=partial(logged.settings, run))

    if form == "table" and query.asks_of_runs and not query.columns:
        query = query._replace(columns=tuple(dict.fromkeys((RUN_FIELD, *query.fields))))
    chosen = _columns_of_tags(query, tags)
    if chosen:
        runs, _ = choose(query._replace(columns=()), tags, summarize, lambda run, _: run, order=natural_key)
        values = [
            [dict(zip(CSV_HEADER, _csv_row(logged.called(run), tag), strict=True))[n] for n in chosen]
            for run in runs
            for tag in tags[run]
        ]
        return _chosen_tags(list(map(str, query.columns)), values, form, view)._replace(warnings=warnings)
    if query.columns:
        shown = show_chosen_columns(tags, summarize, form, query, view, order=natural_key)
        return shown._replace(warnings=(*warnings, *shown.warnings))
    runs, notes = choose(query, tags, summarize, lambda run, _: run, order=natural_key)
    match form:
        case "json":
            texts = [
                json_text(_document(joined_path(found, run), logged.called(run), tags[run], logged.settings(run)))
                for run in runs
            ]
            lines, note = json_lines(schemas.METRICS, texts), ""
        case "csv":
            cells = (_csv_row(logged.called(run), tag) for run in runs for tag in tags[run])
            lines, note = csv_lines(CSV_HEADER, cells), ""
        case _:
            rows = [_row(run, logged.called(run), tag) for run in runs for tag in tags[run]]
            lines = _table_lines([HEADER, *view.cut(rows)]) if rows else []
            lines += _settings_lines({logged.called(run): logged.settings(run) for run in runs})
            note = view.tell_hidden(rows) or _counted(len(runs), len(rows), logged)
    return Shown(lines, note if runs else NOTHING, (*warnings, *notes))


def _columns_of_tags(query: ListingQuery, tags: Tags) -> list[str]:
    """Return the columns where all are the table's own, which has one row per tag; else nothing."""
    names = [field.name.lower() for field in query.columns if not field.selector]
    metrics = {tag.name for each in tags.values() for tag in each if tag.metric}
    is_own = len(names) == len(query.columns) and set(names) <= set(CSV_HEADER)
    is_of_tags = "tag" in names or not metrics.intersection(names)
    return names if is_own and is_of_tags and not set(names) <= OF_RUNS else []


def _chosen_tags(titles: list[str], values: list[list[object]], form: Form, view: View) -> Shown:
    note = "" if values else NOTHING
    match form:
        case "json":
            texts = [json_text(dict(zip(titles, row, strict=True))) for row in values]
            return Shown(json_lines(schemas.METRICS, texts), note)
        case "csv":
            return Shown(csv_lines(titles, values), note)
        case _:
            rows = [tuple(_cell(value) for value in row) for row in values]
            right = {
                i
                for i, title in enumerate(titles)
                if title.lower() not in ("run", "metric", "split", "unit", "tag", "kind")
            }
            return Shown(padded([titles, *view.cut(rows)], right=right) if rows else [], note or view.tell_hidden(rows))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return shown_metric(value)
    return "-" if value is None else printable(str(value))


def _tags(logged: LoggedRuns) -> Tags:
    """Return the tags of each run, scalars first; runs in the order in which people count."""
    tags: Tags = {run: [] for run in logged.names}
    for identity, series in zip(logged.named.identities, logged.scalars, strict=True):
        if identity.run in tags:
            tags[identity.run].append(_tag(identity, series, logged.place.directions))
    for entry in logged.content.inventory():
        run = logged.owner_of(entry.run)
        if run in tags and entry.plugin != "hparams":  # shown as settings
            tags[run].append(Tag(entry.run, entry.tag, entry.plugin or "-", entry.count, bytes=entry.bytes))
    return {run: found for run, found in tags.items() if found or logged.settings(run)}


def _tag(identity: Identity, series: Series, directions: Overrides) -> Tag:
    return Tag(
        series.run,
        series.tag,
        "scalars",
        len(series.step),
        identity.name,
        identity.split,
        identity.unit,
        step=int(series.step[-1]),
        wall_time=float(series.wall_time[-1]),
        metric=metric_of(series, identity, directions),
    )


def _row(run: str, called: str, tag: Tag) -> tuple[str, ...]:
    last = shown_metric(tag.metric.last) if tag.metric else counted_bytes(tag.bytes or 0)
    step = "-" if tag.step is None else str(tag.step)
    return (
        printable(called),
        printable(tag.name) or "-",
        printable(_below(run, tag)),
        printable(tag.kind),
        str(tag.points),
        step,
        last,
    )


def _below(run: str, tag: Tag) -> str:
    """Return the tag with what of its directory the run does not say."""
    inside = tag.directory if run == HERE else tag.directory.removeprefix(run).removeprefix("/")
    return joined(inside, tag.tag)


def _table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the table; for a person without its kinds, and with the ends alone of long names, where it must fit."""
    columns = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else 0
    table = [list(row) for row in rows]
    if columns and width_of(table) > columns:
        table = [row[:KIND] + row[KIND + 1 :] for row in table]
    for column in (TAG, RUN, METRIC) if columns else ():
        too_wide = width_of(table) - columns
        room = max(NARROWEST, max(len(row[column]) for row in table) - too_wide)
        for row in table if too_wide > 0 else ():
            row[column] = row[column] if len(row[column]) <= room else f"…{row[column][1 - room :]}"
    right = {i for i, title in enumerate(table[0]) if HEADER.index(title) in FROM_THE_RIGHT}
    return padded(table, right=right)


def _counted(runs: int, tags: int, logged: LoggedRuns) -> str:
    """Return a sentence on how much there is."""
    files = logged.content.files
    size, noun = counted_bytes(sum(file.size for file in files)), "event file"
    if not all("tfevents" in file.name for file in files):
        noun = "log file"
    words = [
        f"{count} {noun}{'' if count == 1 else 's'}"
        for count, noun in ((runs, "run"), (tags, "tag"), (len(files), noun))
    ]
    return f"{', '.join(words)}, {size}"


def _settings_lines(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the hyperparameters of all runs as a table below an empty line; nothing where there are none."""
    rows = [
        [printable(run), printable(name), printable(f"{value:g}" if isinstance(value, float) else str(value))]
        for run, values in settings.items()
        for name, value in values.items()
    ]
    return ["", *padded([["RUN", "SETTING", "VALUE"], *rows])] if rows else []


def _csv_row(run: str, tag: Tag) -> tuple[object, ...]:
    metric = tag.metric
    best = (metric.last, metric.best, metric.best_epoch) if metric else (None, None, None)
    name, split, unit = (text or None for text in (tag.name, tag.split, tag.unit))
    return (
        run,
        name,
        split,
        unit,
        tag.directory,
        tag.tag,
        tag.kind,
        tag.points,
        tag.bytes,
        tag.step,
        tag.wall_time,
        *best,
    )


def _document(path: str, called: str, tags: Sequence[Tag], settings: Mapping[str, Any]) -> dict[str, object]:
    rows = [dict(zip(CSV_HEADER[1:], _csv_row(called, tag)[1:], strict=True)) for tag in tags]
    return {"id": path, "run": called, "settings": dict(settings), "tags": rows}
