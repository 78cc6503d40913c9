"""A comparison for a program: as one document, and as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tbcli.grouping import configurations_of
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.comparison import Cell, Comparison, Row
    from tbcli.grouping import Side

CSV_HEADER = (
    "kind", "name", "at", "run", "value", "epoch", "deviation", "n", "difference", "relative", "is_better",
    "direction", "is_guessed", "unit", "tag", "noise", "p",
)  # fmt: skip


def as_csv_lines(comparison: Comparison) -> list[str]:
    """Return a header, one row per metric, moment and side, and one row per setting and side."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    ids = [_side_id(side) for side in comparison.sides]
    for row in comparison.rows:
        for run, cell in zip(ids, row.cells, strict=True):
            figures = (cell.value, cell.epoch, cell.deviation, cell.n, cell.difference, cell.relative)
            better = "" if cell.is_better is None else str(cell.is_better).lower()
            noise = (cell.noise.verdict, cell.noise.p) if cell.noise else ("", "")
            writer.writerow(
                ["metric", row.metric, row.at, run, *figures, better, *_directed(row), cell.unit, cell.tag, *noise]
            )
    for key, values in comparison.settings.items():
        for run, value in zip(ids, values, strict=True):
            writer.writerow(["setting", key, "", run, value, *[""] * (len(CSV_HEADER) - 5)])
    return text.getvalue().splitlines()


def _directed(row: Row) -> tuple[str, str]:
    return row.direction.sense, str(row.direction.is_guessed).lower()


def as_document(comparison: Comparison, group_by: str | None) -> dict[str, object]:
    """Return the comparison for JSON; keys are only ever added."""
    ids = [_side_id(side) for side in comparison.sides]
    return {
        "schema": schemas.METRICS,
        "group_by": group_by,
        "baseline": ids[comparison.baseline],
        "sides": [
            {
                "id": name,
                "label": side.label,
                "n": len(side.members),
                "configurations": configurations_of(side.members),
                "status": side.members[0].read_fact("status") if len(side.members) == 1 else None,
                "data": data or None,
                "runs": [member.id for member in side.members],
            }
            for name, side, data in zip(ids, comparison.sides, comparison.data, strict=True)
        ],
        "metrics": [
            {
                "metric": row.metric,
                "at": row.at,
                "direction": row.direction.sense or None,
                "is_guessed": row.direction.is_guessed,
                "best": None if row.best is None else ids[row.best],
                "differs": row.differs or None,
                "tied": [ids[position] for position in row.tied],
                "values": [{"id": name, **_cell_facts(cell)} for name, cell in zip(ids, row.cells, strict=True)],
            }
            for row in comparison.rows
        ],
        "settings": [
            {"key": key, "values": dict(zip(ids, values, strict=True))} for key, values in comparison.settings.items()
        ],
        "left_out": [{"run": one.id, "status": one.unfinished} for one in comparison.left_out],
        "notes": list(comparison.notes),
    }


def _cell_facts(cell: Cell) -> dict[str, object]:
    noise = {**cell.noise._asdict(), "told": cell.noise.told} if cell.noise else None
    return {**cell._asdict(), "noise": noise}


def _side_id(side: Side) -> str:
    """Return the id of a single run, the label of a group."""
    return side.members[0].id if side.label == side.members[0].label else side.label
