"""Text: model layers, configuration, environment, note, and a report per class, label or value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tbcli.config.toml import to_toml
from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer
from tbcli.recorders.markdown import escaped, table
from tbcli.recorders.reporting import describe_report


class TextRecorder(Recorder):
    """Writes ``run/*`` to the run's own directory, and ``run/report_validation`` to ``validation``.

    TensorBoard opens two groups of tags at first, so all stands in one.
    """

    is_spaced = True

    def __init__(self) -> None:
        self._configuration = ""

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Without predictions there is nothing to report."""
        return {tags.REPORT_OF_VALIDATION: snapshot.no_evidence} if snapshot.no_evidence else {}

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write what is settled before the first step."""
        self._configuration = _configuration_of(snapshot)
        texts = {
            tags.RUN_MODEL: describe_model(snapshot.model),
            tags.RUN_CONFIGURATION: self._configuration,
            tags.RUN_ENVIRONMENT: describe_environment(snapshot.facts),
        }
        if snapshot.config.train.note:
            texts[tags.RUN_NOTE] = escaped(snapshot.config.train.note, line_break="<br>")
        for tag, markdown in texts.items():
            writer.text(tag, markdown, 0, where="")

    def on_resume(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the settings again where they have changed."""
        now = _configuration_of(snapshot)
        if now != self._configuration:
            self._configuration = now
            writer.text(tags.RUN_CONFIGURATION, now, snapshot.epoch, where="")

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the report for the validation split."""
        if snapshot.validation:
            markdown = describe_report(snapshot.validation, snapshot.dataset.class_names)
            writer.text(tags.REPORT_OF_VALIDATION, markdown, snapshot.epoch, where="validation")

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the report of the saved model for the test set."""
        if snapshot.test:
            markdown = describe_report(snapshot.test, snapshot.dataset.class_names)
            writer.text(tags.REPORT_OF_TEST, markdown, snapshot.epoch, where="")


def _configuration_of(snapshot: Snapshot) -> str:
    # A string's line breaks are escaped in TOML: no value can end the fence.
    return f"```toml\n{_settings_as_toml(snapshot)}```"


def _settings_as_toml(snapshot: Snapshot) -> str:
    """Return the whole configuration, or what is known of one that is not ours."""
    return snapshot.config.as_toml() if snapshot.settings is None else to_toml(snapshot.settings, {})


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
