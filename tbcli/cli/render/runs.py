"""The list of runs, in the form and with the columns that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tbcli.cli.listing import ListingQuery, choose, tags_of_run
from tbcli.cli.render.run_table import NOTHING, View, column_lines, usual_cells, usual_lines
from tbcli.cli.render.shown import Form, Shown, csv_lines, json_lines, json_text, shown_field
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.gates import Field
    from tbcli.runs import Run, RunStore
    from tbcli.runs.cleaning.wreckage import Wreck, WreckSearch
    from tbcli.runs.summary import Summary, Value

Item = TypeVar("Item")
CSV_HEADER = (
    "id", "name", "note", "status", "started", "ended", "seconds", "age_seconds", "model", "data",
    "epochs", "val_accuracy.best", "test_accuracy", "bytes", "task", "judge", "directory",
)  # fmt: skip


def run_facts(run: Run, now: datetime) -> dict[str, Any]:
    """Return what ``--json`` says of each run; keys are only ever added."""
    from tbcli.runs.trials import reached

    record = run.record
    return {
        "id": run.recorded_id,
        "name": run.name,
        "note": record.get("note", ""),
        "status": run.status(now),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "seconds": run.number("seconds"),
        "age_seconds": run.age_seconds(now),
        "model": run.model_name,
        "data": run.data_name,
        "epochs": run.number("epochs"),
        "val_accuracy": run.metric("val_accuracy"),
        "test_accuracy": run.metric("test_accuracy"),
        "metrics": run.metrics,
        "bytes": run.bytes(),
        "task": run.task_name,
        "judge": run.judge or None,
        "directory": str(run.logs),
        **({"sweep": {**run.sweep, "value": reached(run)}} if run.sweep else {}),
    }


def show_runs(store: RunStore, form: Form, query: ListingQuery, view: View, now: datetime) -> Shown:
    """Return the runs that match, in the order and with the columns that were asked for; damage as warnings.

    Raises:
        NotFound: No run has a name that was asked for.
        ConfigError: A number was to be compared with a word.
    """
    from tbcli.runs.cleaning.wreckage import WreckSearch, count_wreckage

    search = WreckSearch(store, now, thorough=False)
    shown = _runs_shown(search, form, query, view, now, store.sweep)
    wreckage = count_wreckage(search.found())
    return shown._replace(warnings=(*shown.warnings, *store.damage, *([wreckage] if wreckage else [])))


def _runs_shown(search: WreckSearch, form: Form, query: ListingQuery, view: View, now: datetime, sweep: str) -> Shown:
    from tbcli.cli.render import trial_table
    from tbcli.runs.store import by_time

    order: Callable[[Run], Any] = trial_table.trial_order if sweep else by_time
    view = trial_table.view_of(view, sweep, query) if sweep else view

    def summarize(run: Run) -> Summary:
        from tbcli.runs.run_summary import summary_of

        return summary_of(run, now, lambda: tags_of_run(run))

    if query.columns:
        return show_chosen_columns(search.each(), summarize, form, query, view, order=order)
    match form:
        case "json":
            texts = choose(query, search.each(), summarize, lambda run, _: json_text(run_facts(run, now)), order)
            wreckage = list(map(_wreck_facts, search.found()))
            lines = json_lines(schemas.METRICS, texts.rows, wreckage=wreckage)
            return Shown(lines, "" if texts.rows else NOTHING, texts.notes)
        case "csv" if sweep:
            both = choose(
                query, search.each(), summarize,
                lambda run, _: (_csv_row(run, now), trial_table.trial_row(run, now)), order,
            )  # fmt: skip
            return Shown(trial_table.trial_csv(CSV_HEADER, both.rows), "" if both.rows else NOTHING, both.notes)
        case "csv":
            values = choose(query, search.each(), summarize, lambda run, _: _csv_row(run, now), order)
            return Shown(csv_lines(CSV_HEADER, values.rows), "" if values.rows else NOTHING, values.notes)
        case _ if sweep:
            trials = choose(query, search.each(), summarize, lambda run, _: trial_table.trial_row(run, now), order)
            if trials.rows:
                lines = trial_table.trial_lines(trials.rows, view)
                told = [*trial_table.told_reasons(trials.rows), view.tell_hidden(trials.rows)]
                return Shown(lines, "\n".join(filter(None, told)), trials.notes)
            return Shown([], NOTHING, trials.notes)
        case _:
            rows, notes = choose(query, search.each(), summarize, lambda run, _: usual_cells(run, now), order)
            if rows:
                return Shown(usual_lines(rows, view), view.tell_hidden(rows), notes)
            return Shown([], NOTHING, notes)


def _wreck_facts(wreck: Wreck) -> dict[str, Any]:
    from tbcli.runs.files import utc_text

    return {
        "kind": wreck.kind,
        "paths": list(map(str, wreck.paths)),
        "what": wreck.what,
        "since": utc_text(wreck.since),
        "in_use": wreck.in_use or None,
    }


def show_chosen_columns(
    items: Iterable[Item],
    summarize: Callable[[Item], Summary],
    form: Form,
    query: ListingQuery,
    view: View,
    *,
    order: Callable[[Item], Any],
) -> Shown:
    """Return the columns that were asked for, of all runs that match; see `choose`."""
    columns, titles = query.columns, list(map(str, query.columns))
    if form == "table":
        rows, notes = choose(query, items, summarize, lambda _, known: _shown_fields(columns, known), order)
        if rows:
            return Shown(column_lines(rows, columns, view), view.tell_hidden(rows), notes)
        return Shown([], NOTHING, notes)
    values, notes = choose(query, items, summarize, lambda _, known: _values(columns, known), order)
    note = "" if values else NOTHING
    if form == "csv":
        return Shown(csv_lines(titles, values), note, notes)
    texts = [json_text(dict(zip(titles, row, strict=True))) for row in values]
    return Shown(json_lines(schemas.METRICS, texts), note, notes)


def _shown_fields(columns: Sequence[Field], known: Summary | None) -> tuple[str, ...]:
    return tuple(shown_field(field, known) if known else "-" for field in columns)


def _values(columns: Sequence[Field], known: Summary | None) -> list[Value | None]:
    return [field.of(known) if known else None for field in columns]


def _csv_row(run: Run, now: datetime) -> list[object]:
    facts = run_facts(run, now)
    return [facts[name.removesuffix(".best")] for name in CSV_HEADER]
