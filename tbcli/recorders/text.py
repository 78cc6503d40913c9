"""Text: model layers, configuration, environment, note, and a report per class."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tbcli.config.toml import to_toml
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer
from tbcli.tasks.class_report import report_classes

MOST_ROWS = 200  # of a table of classes; TensorBoard turns every step's table into HTML at once


class TextRecorder(Recorder):
    """Writes ``run/*`` to the run's own directory, and ``run/report_validation`` to ``validation``.

    TensorBoard opens two groups of tags at first, so all stands in one.
    """

    is_spaced = True

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Without predictions there is nothing to report."""
        return {tags.REPORT_OF_VALIDATION: snapshot.no_evidence} if snapshot.no_evidence else {}

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write what is settled before the first step."""
        texts = {
            tags.RUN_MODEL: describe_model(snapshot.model),
            # A string's line breaks are escaped in TOML: no value can end the fence.
            tags.RUN_CONFIGURATION: f"```toml\n{_settings_as_toml(snapshot)}```",
            tags.RUN_ENVIRONMENT: describe_environment(snapshot.facts),
        }
        if snapshot.config.train.note:
            texts[tags.RUN_NOTE] = escaped(snapshot.config.train.note, line_break="<br>")
        for tag, markdown in texts.items():
            writer.text(tag, markdown, 0, where="")

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the report per class for the validation split."""
        if snapshot.validation:
            markdown = describe_report(snapshot.validation, snapshot.dataset.class_names)
            writer.text(tags.REPORT_OF_VALIDATION, markdown, snapshot.epoch, where="validation")

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the report per class of the saved model for the test set."""
        if snapshot.test:
            markdown = describe_report(snapshot.test, snapshot.dataset.class_names)
            writer.text(tags.REPORT_OF_TEST, markdown, snapshot.epoch, where="")


def _settings_as_toml(snapshot: Snapshot) -> str:
    """Return the whole configuration, or what is known of one that is not ours."""
    return snapshot.config.as_toml() if snapshot.settings is None else to_toml(snapshot.settings, {})


def escaped(text: object, line_break: str = " ") -> str:
    """Return text that Markdown shows as it stands, also in a table: no markup, no link, no picture from the web."""
    special = r"[^\w\s.,:;/%=+@'\"?-]|_"
    as_entities = re.sub(special, lambda found: f"&#{ord(found[0])};", str(text).strip())
    # At the beginning of a line these would make a list, a heading, a rule, or code.
    lines = [re.sub(r"^\s*(\d*)([-+=.])(?!\d)", r"\1&#8203;\2", line.strip()) for line in as_entities.splitlines()]
    return line_break.join(lines)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers_from: int | None = None) -> str:
    """Return a Markdown table whose cells are escaped.

    Args:
        header: The names of the columns, written as they are.
        rows: As many cells each.
        numbers_from: The first column of numbers, which are aligned to the right. TensorBoard's page drops that; it is
            for who reads the Markdown itself.
    """
    numbers = len(header) if numbers_from is None else numbers_from
    rules = ["---" if column < numbers else "---:" for column in range(len(header))]
    lines = [header, rules, *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def describe_model(model: Any) -> str:
    """Return a table of the layers, nested ones too, and the count of parameters.

    Of a model that was not made by connecting its layers, such as a subclassed one, the shapes are not known.
    """
    rows = [
        (name, type(layer).__name__, _output_shape(layer), f"{_count(layer.weights):,}")
        for name, layer in _layers(model)
    ]
    trainable, total = _count(model.trainable_weights), _count(model.weights)
    return f"**{escaped(model.name)}**: {total:,} parameters, {trainable:,} of them trainable\n\n" + table(
        ("layer", "type", "output shape", "parameters"), rows, numbers_from=3
    )


def _layers(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for layer in getattr(model, "layers", []):
        yield f"{path}{layer.name}", layer
        yield from _layers(layer, f"{path}{layer.name}/")


def _count(weights: Iterable[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _output_shape(layer: Any) -> str:
    try:
        outputs = layer.output
    except (AttributeError, ValueError):  # Keras' ways to say that it was never connected
        return "not known"
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return ", ".join(
        str(tuple(output.shape)).replace("None", "batch") for output in outputs if hasattr(output, "shape")
    )


def describe_environment(facts: Mapping[str, Any]) -> str:
    """Return a table of the machine, the code and the versions that the run's record names."""
    git = facts.get("git") or {}
    commit = f"{git.get('commit', '')}{' with changes' if git.get('dirty') else ''}"
    rows = [
        *((name, facts.get(name)) for name in ("id", "name", "started", "host", "device", "precision")),
        ("measured in", _measured_in(str(facts.get("precision") or ""))),
        ("git commit", commit),
        *(facts.get("versions") or {}).items(),
    ]
    return table(("what", "value"), [row for row in rows if row[1]])


def _measured_in(precision: str) -> str:
    """Return what tells values of the epochs from those of the saved model, where they are not measured alike."""
    in_training = precision.removeprefix("mixed_")
    return f"{in_training} in training and validation, float32 at the end" if in_training not in ("", "float32") else ""


def describe_report(evidence: Evidence, class_names: Sequence[str]) -> str:
    """Return a table of the classes, of many those with the lowest F1, and of their averages."""
    report = report_classes(evidence.labels, evidence.predictions, len(class_names))
    columns = (report.precision, report.recall, report.f1)
    shown = list(range(len(class_names)))
    if len(shown) > MOST_ROWS:
        shown = np.argsort(report.f1, kind="stable")[:MOST_ROWS].tolist()
    rows = [(class_names[number], *_row(columns, number), f"{report.support[number]:,}") for number in shown]
    total = int(report.support.sum())
    weights = report.support / max(total, 1)
    means = {
        "macro average": [float(column[report.occurs].mean()) if total else 0.0 for column in columns],
        "weighted average": [float(column @ weights) for column in columns],
    }
    rows += [(name, *(f"{value:.4f}" for value in values), f"{total:,}") for name, values in means.items()]
    accuracy = float(np.mean(evidence.labels == evidence.predictions)) if total else 0.0
    chosen = (
        "" if len(shown) == len(class_names) else f"; the {len(shown)} of {len(class_names)} classes with the lowest F1"
    )
    return f"{total:,} samples, accuracy {accuracy:.4f}{chosen}\n\n" + table(
        ("class", "precision", "recall", "F1", "support"), rows, numbers_from=1
    )


def _row(columns: Sequence[np.ndarray], number: int) -> list[str]:
    return [f"{column[number]:.4f}" for column in columns]
