"""Verdicts on conditions: as a table, and as one document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from tbcli.cli.output import padded, printable, styled, wants_colour
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.gates import Verdict
    from tbcli.runs.summary import Summary

STYLES = {"passed": "green", "failed": "red", "missing": "yellow"}


def verdict_lines(verdicts: Sequence[Verdict], stream: IO[str]) -> list[str]:
    """Return one line per gate, coloured if the stream is a terminal: verdict, run if several, gate, value."""
    has_runs = len({verdict.run for verdict in verdicts}) > 1
    rows = [
        [verdict.outcome, *([verdict.run] if has_runs else []), verdict.gate, verdict.found] for verdict in verdicts
    ]

    def paint(column: int, cell: str) -> str:
        return styled(cell, STYLES[cell.rstrip()], stream) if column == 0 else cell

    return padded([list(map(printable, row)) for row in rows], paint=paint if wants_colour(stream) else None)


def as_document(checked: Sequence[tuple[Summary, Sequence[Verdict]]], baseline: Summary | None) -> dict[str, object]:
    """Return the verdicts for JSON; keys are only ever added.

    Args:
        checked: The runs, each with its verdicts.
        baseline: What they were compared with, if anything.
    """
    from tbcli.gates.reports import as_documents

    runs = [
        {
            "run": summary.id,
            "label": summary.label,
            "passed": all(verdict.outcome == "passed" for verdict in verdicts),
            "gates": as_documents(verdicts),
        }
        for summary, verdicts in checked
    ]
    return {
        "schema": schemas.METRICS,
        "baseline": baseline.id if baseline else None,
        "passed": all(run["passed"] for run in runs),
        "runs": runs,
        # of a single run, as in schema 1
        **({key: runs[0][key] for key in ("run", "label", "gates")} if len(runs) == 1 else {}),
    }
