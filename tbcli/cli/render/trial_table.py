"""The table of the runs of one sweep: what varies over them, and what they are judged by."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tbcli.cli.listing import ListingQuery
from tbcli.cli.output import counted_age, counted_bytes, is_terminal, printable, shortened
from tbcli.cli.render.run_table import View, epochs_and_best, fitted, is_number, shown_id, table_lines
from tbcli.cli.render.shown import csv_lines, shown_metric
from tbcli.naming.matching import listed

if TYPE_CHECKING:
    from tbcli.runs import Run

_FACTS = ("ID", "TRIAL", "STATUS", "AGE", "EPOCHS", "SIZE")
_TRIAL, _STATUS = _FACTS.index("TRIAL"), _FACTS.index("STATUS")
_FIRST_TO_GO = ("SIZE", "EPOCHS", "AGE")
_FACTS_END = len(_FACTS)
_SEED, _SEED_KEY = "seed", "train.seed"
_LONGEST_VALUE = 24  # of a setting, on a terminal


class TrialRow(NamedTuple):
    """A run of a sweep.

    Args:
        facts: The cells of what is known of every run.
        params: The settings that vary.
        seed: Of a trial that differs from others in it alone, else None.
        judged_by: The metric of the sweep, ``""`` where the record does not tell.
        value: What it reached.
        reason: Why it failed, or was stopped; ``""`` of one that finished.
    """

    facts: tuple[str, ...]
    params: Mapping[str, Any]
    seed: int | None
    judged_by: str
    value: float | None
    reason: str = ""


def trial_row(run: Run, now: datetime) -> TrialRow:
    """Return what the table says of a run."""
    from tbcli.runs.trials import judged_by, number_of_trial, reached

    status, said = run.status(now), run.sweep
    epochs = epochs_and_best(run, status)[0]
    age, size = counted_age(run.age_seconds(now)), counted_bytes(run.bytes())
    facts = (shown_id(run), str(number_of_trial(run)), status, age, epochs, size)
    return TrialRow(
        facts, said.get("params") or {}, said.get("seed"), judged_by(run), reached(run), _reason(run, status)
    )


def _reason(run: Run, status: str) -> str:
    return "" if status in ("running", "finished") else str(run.record.get("reason") or "").partition("\n")[0]


def told_reasons(rows: Sequence[TrialRow]) -> list[str]:
    """Return why trials have failed or were stopped, the trials of one reason together."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.reason:
            found.setdefault((row.facts[_STATUS], row.reason), []).append(row.facts[_TRIAL])
    return [
        f"trial{'s' if len(trials) > 1 else ''} {listed(trials)} {status}: {printable(reason)}"
        for (status, reason), trials in found.items()
    ]


def trial_order(run: Run) -> tuple[int, str]:
    """Return what sorts the runs of a sweep: by trial."""
    from tbcli.runs.trials import number_of_trial

    return number_of_trial(run), run.id


def view_of(view: View, sweep: str, query: ListingQuery) -> View:
    """Return how the runs of a sweep are shown: the first ones, for they are in the order of the trials."""
    return view._replace(is_sorted=not query.is_reversed or view.is_sorted, command=_command(sweep))


def _command(sweep: str) -> str:
    return f"tbcli runs --sweep {printable(shlex.quote(sweep))}"


class _Varied(NamedTuple):
    """What is shown besides facts.

    Args:
        keys: The settings that vary.
        has_seeds: Whether trials differ in their seed alone.
        goals: What the trials are judged by; one, unless records were edited.
    """

    keys: tuple[str, ...]
    has_seeds: bool
    goals: tuple[str, ...]

    @classmethod
    def among(cls, rows: Sequence[TrialRow]) -> _Varied:
        """Return what varies over runs."""
        keys = dict.fromkeys(key for row in rows for key in row.params)
        goals = dict.fromkeys(row.judged_by for row in rows if row.judged_by)
        return cls(tuple(keys), any(row.seed is not None for row in rows), tuple(goals))

    def row(self, row: TrialRow) -> list[Any]:
        """Return the values of a run, None where it has none."""
        settings = [row.params.get(key) for key in self.keys]
        seed = [row.seed] if self.has_seeds else []
        return [*settings, *seed, *(row.value if row.judged_by == goal else None for goal in self.goals)]

    def cells(self, row: TrialRow) -> list[str]:
        """Return the same as a person reads it."""
        from tbcli.cli.render.sweep import spoken_setting

        values = self.row(row)
        first_goal = len(values) - len(self.goals)
        settings = ["-" if value is None else printable(spoken_setting(value)) for value in values[:first_goal]]
        return [*settings, *("-" if value is None else shown_metric(value) for value in values[first_goal:])]


def trial_lines(rows: Sequence[TrialRow], view: View) -> list[str]:
    """Return the table: for a person cut to the window, for a pipe all there is."""
    from tbcli.sweeps.space import short_name_of

    varied = _Varied.among(rows)
    names = [*map(short_name_of, varied.keys), *([_SEED] if varied.has_seeds else []), *varied.goals]
    shown = view.cut(rows)
    table: Sequence[Sequence[str]] = [
        [*_FACTS, *map(printable, names)],
        *([*row.facts, *varied.cells(row)] for row in shown),
    ]
    if is_terminal(sys.stdout):
        table = [[*row[:_FACTS_END], *(shortened(cell, _LONGEST_VALUE) for cell in row[_FACTS_END:])] for row in table]
        table = fitted(table, shutil.get_terminal_size().columns, _FIRST_TO_GO)
    right = {place for place in range(1, len(table[0])) if all(is_number(row[place]) for row in table[1:])}
    return table_lines(table, right, table[0].index("STATUS"))


def trial_csv(header: Sequence[str], rows: Sequence[tuple[list[object], TrialRow]]) -> list[str]:
    """Return the usual CSV of runs, and behind it the trial, its settings by their keys, and what it reached."""
    varied = _Varied.among([row for _, row in rows])
    titles = [*header, "trial", *varied.keys, *([_SEED_KEY] if varied.has_seeds else []), *varied.goals]
    return csv_lines(titles, ([*usual, row.facts[1], *varied.row(row)] for usual, row in rows))
