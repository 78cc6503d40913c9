"""What a command shows: its forms (a table, CSV, JSON), and how values read in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tbcli.cli.output import counted_age, counted_bytes, counted_seconds, printable

if TYPE_CHECKING:
    from tbcli.gates import Field
    from tbcli.runs.summary import Summary

IN_UNITS: dict[str, Callable[[float], str]] = {
    "age": counted_age,
    "bytes": counted_bytes,
    "seconds": counted_seconds,
}
Form = Literal["table", "csv", "json"]


class Shown(NamedTuple):
    """What a command is about to show.

    Args:
        lines: The result.
        note: What a person should know besides, or ``""``.
        warnings: What may be wrong with it.
    """

    lines: Sequence[str]
    note: str = ""
    warnings: Sequence[str] = ()


def shown_field(field: Field, summary: Summary) -> str:
    """Return a value as a person reads it in a table, ``-`` for nothing."""
    value = field.of(summary)
    if value is None or value == "":
        return "-"
    if isinstance(value, (bool, str)):
        return printable(value if isinstance(value, str) else str(value).lower())
    is_metric = summary.metric(field.name, field.selector) is not None
    if field.name in IN_UNITS and not is_metric:
        return IN_UNITS[field.name](value)
    return shown_metric(value) if is_metric and isinstance(value, float) else f"{value:.15g}"


def shown_metric(value: float) -> str:
    """Return a metric with four decimals, or four digits where those would show little."""
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 10_000 else f"{value:.4g}"


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return rows as CSV; what is None is empty."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().removesuffix("\n").split("\n")


def json_text(document: Any) -> str:
    """Return a document on one line, NaN as null."""
    import json

    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False)
    except ValueError:
        from tbcli.runs.files import json_ready

        return json.dumps(json_ready(document), ensure_ascii=False)


def json_lines(schema: int, entries: Sequence[str], **more: Any) -> list[str]:
    """Return one document that holds a list of runs, an entry a line, and behind it what else there is."""
    end = "".join(f', "{key}": {json_text(value)}' for key, value in more.items())
    if not entries:
        return [f'{{"schema": {schema}, "runs": []{end}}}']
    lines = [f"  {entry}," for entry in entries[:-1]]
    return [f'{{"schema": {schema}, "runs": [', *lines, f"  {entries[-1]}", f"]{end}}}"]
