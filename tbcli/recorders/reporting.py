"""Reports in Markdown: how well each class or label is found, or how far off each value is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tbcli.recorders.base import Evidence
from tbcli.recorders.markdown import table
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION
from tbcli.tasks.class_report import ClassReport, report_classes, report_labels
from tbcli.tasks.value_report import QUANTILES, report_values

MOST_ROWS = 200  # of a table; TensorBoard turns every step's table into HTML at once


def describe_report(evidence: Evidence, names: Sequence[str]) -> str:
    """Return a table of the classes, labels or values, of many the worst, below a line about all of them.

    Args:
        evidence: What the model says of a split.
        names: A name for each class, label or value.
    """
    return _REPORTS[evidence.task.name](evidence, names)


def _report_classes(evidence: Evidence, names: Sequence[str]) -> str:
    report = report_classes(evidence.labels, evidence.predictions, len(names))
    total = int(report.support.sum())
    accuracy = float(np.mean(evidence.labels == evidence.predictions)) if total else 0.0
    return f"{total:,} samples, accuracy {accuracy:.4f}{_table_of(report, names, 'class', 'classes', total)}"


def _report_labels(evidence: Evidence, names: Sequence[str]) -> str:
    report = report_labels(evidence.labels, evidence.predictions)
    right = evidence.labels == evidence.predictions
    told = (
        f"{len(right):,} samples, binary accuracy {right.mean():.4f}, all labels right {right.all(axis=1).mean():.4f}"
    )
    told += f", micro F1 {report.micro_f1:.4f}"
    return told + _table_of(report, names, "label", "labels", int(report.support.sum()))


def _table_of(report: ClassReport, names: Sequence[str], one: str, many: str, total: int) -> str:
    """Return the rest of the line, and the table: classes or labels, and their averages."""
    columns = (report.precision, report.recall, report.f1)
    shown = _worst(report.f1)
    rows = [(names[number], *_row(columns, number), f"{report.support[number]:,}") for number in shown]
    weights = report.support / max(total, 1)
    means = {
        "macro average": [float(column[report.occurs].mean()) if total else 0.0 for column in columns],
        "weighted average": [float(column @ weights) for column in columns],
    }
    rows += [(name, *(f"{value:.4f}" for value in values), f"{total:,}") for name, values in means.items()]
    chosen = "" if len(shown) == len(names) else f"; the {len(shown)} of {len(names)} {many} with the lowest F1"
    return f"{chosen}\n\n" + table((one, "precision", "recall", "F1", "support"), rows, numbers_from=1)


def _report_values(evidence: Evidence, names: Sequence[str]) -> str:
    report = report_values(evidence.labels, evidence.outputs)
    total = len(evidence.labels)
    lost = int((~np.isfinite(evidence.outputs).all(axis=1)).sum())
    told = f"{total:,} samples" + (f", {lost:,} of them without finite values" if lost else "")
    shown = _worst(report.r2)
    columns = (report.mae, report.rmse, report.r2, report.bias, *report.quantiles.T, report.largest)
    header = ("value", "MAE", "RMSE", "R2", "mean error", *(f"{share:.0%}" for share in QUANTILES), "largest")
    rows = [(names[value], *(f"{column[value]:.4g}" for column in columns)) for value in shown]
    chosen = "" if len(shown) == len(names) else f"; the {len(shown)} of {len(names)} values with the lowest R2"
    quantiles = "Percentages: quantiles of the error, predicted less true.\n\n"
    return f"{told}{chosen}. {quantiles}{table(header, rows, numbers_from=1)}"


def _worst(scores: np.ndarray) -> list[int]:
    """Return all positions in their order; of more than `MOST_ROWS` those with the lowest scores, the lowest first."""
    if len(scores) <= MOST_ROWS:
        return list(range(len(scores)))
    worst: list[int] = np.argsort(np.nan_to_num(scores, nan=-np.inf), kind="stable")[:MOST_ROWS].tolist()
    return worst


def _row(columns: Sequence[np.ndarray], number: int) -> list[str]:
    return [f"{column[number]:.4f}" for column in columns]


_REPORTS: Mapping[str, Callable[[Evidence, Sequence[str]], str]] = {
    CLASSIFICATION.name: _report_classes,
    MULTI_LABEL.name: _report_labels,
    REGRESSION.name: _report_values,
}
