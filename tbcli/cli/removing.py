"""What `tbcli clean` shows before something goes, how it asks, and what it prints of what went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tbcli.cli.output import (
    Output,
    abandon_stdout,
    ask,
    can_ask,
    counted_age,
    counted_bytes,
    padded,
    printable,
    shortened,
)
from tbcli.errors import ConfigError, Refused
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.runs import Run

WIDEST_NAME = 28  # all columns together then fit a window of 80


def show_runs_that_go(
    live: Sequence[str], runs: Sequence[Run], sizes: Sequence[int], output: Output, nothing: str
) -> None:
    """Tell which runs stay because they train, and show the others as a table.

    Args:
        live: See `Removal`.
        runs: What goes, or is made smaller.
        sizes: The bytes that each frees.
        output: Where to speak.
        nothing: What to say where there is none.
    """
    for sentence in live:
        output.say(printable(sentence))
    if not runs:
        output.say(nothing)
        return
    rows = [["ID", "NAME", "STATUS", "AGE", "SIZE"]]
    for run, size in zip(runs, sizes, strict=True):
        cells = run.status(), counted_age(run.age_seconds()), counted_bytes(size)
        rows.append([run.id, shortened(printable(run.name), WIDEST_NAME) or "-", *cells])
    for line in padded(rows, right=frozenset({3, 4})):
        output.say(line)


def counted_going(runs: Sequence[Run]) -> str:
    """Return how many runs go, and how many summaries of sweeps, which are no runs."""
    summaries = sum(bool(run.summary_of) for run in runs)
    told = [] if summaries == len(runs) > 0 else [counted_runs(len(runs) - summaries)]
    told += [f"the summar{'y' if summaries == 1 else 'ies'} of {summaries} sweep{'s'[: summaries > 1]}"] * bool(
        summaries
    )
    return " and ".join(told)


def counted_runs(count: int) -> str:
    """Return how many runs."""
    return "1 run" if count == 1 else f"{count} runs"


def confirm(what: str, question: str) -> None:
    """Ask whether to go on.

    Args:
        what: What would be removed, for the message where nobody can be asked.
        question: The question.

    Raises:
        ConfigError: Nobody is there to be asked.
        Refused: The answer was no.
    """
    if not can_ask():
        raise ConfigError(
            f"refusing to remove {what} without confirmation: stdin is not a terminal",
            hint="`--yes` confirms in advance",
        )
    if not ask(question):
        raise Refused("not confirmed: nothing was removed", hint="`--yes` confirms in advance, `--dry-run` only shows")


def print_at_once(run_id: str, output: Output) -> None:
    """Print an id as soon as it is done with: should a later one fail, a script knows which are."""
    try:
        output.result(printable(run_id))
    except BrokenPipeError:
        abandon_stdout()  # nobody reads the rest, which was to be removed all the same


def report_removed(sizes: dict[str, int], output: Output, *, json: bool, dry_run: bool) -> None:
    """Write ids, or a document with them and their bytes."""
    if json:
        removed = [{"id": run_id, "bytes": count} for run_id, count in sizes.items()]
        output.document({"schema": schemas.OTHERS, "dry_run": dry_run, "runs": removed, "bytes": sum(sizes.values())})
    else:
        output.results(list(sizes))
