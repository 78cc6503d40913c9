"""HParams: hyperparameters and results of this run, comparable with every other run in one table."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

from tbcli.config import Config, Setting
from tbcli.config import hyperparameters as hyperparameter_settings
from tbcli.naming import tags
from tbcli.naming.group_labels import session_alone, session_group
from tbcli.recorders.base import Recorder, Snapshot, Writer

Value = bool | float | str


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One hyperparameter's column of the table.

    Args:
        kind: The type of its values; numbers are float.
        help: What TensorBoard says of it.
        domain: Its least and largest value, or all values it can have; empty where it is open.
    """

    kind: type[Value]
    help: str
    domain: tuple[Value, ...] = ()


SEED = "seed"
LEADING = ("name", SEED, "model", "optimizer", "learning_rate")
"""The columns that TensorBoard shows at first; it shows five."""


def _columns() -> dict[str, Hyperparameter]:
    columns = {name: _column(setting) for name, setting in hyperparameter_settings().items()}
    columns |= {
        "task": Hyperparameter(str, "What is learnt: classification, ..."),
        "loss": Hyperparameter(str, "Loss function."),
        "parameters": Hyperparameter(float, "Number of weights of the model."),
    }
    return {name: columns[name] for name in dict.fromkeys((*LEADING, *columns))}


def _column(setting: Setting) -> Hyperparameter:
    kind = {bool: bool, str: str, tuple: str}.get(setting.kind, float)
    if kind is bool:
        return Hyperparameter(bool, setting.help, (False, True))
    is_share = setting.least == 0 and 1 in (setting.most, setting.below)
    return Hyperparameter(
        kind, setting.help, (0.0, 1.0) if is_share else setting.choices if setting.kind is str else ()
    )


COLUMNS = _columns()
"""The same in every run of every model, for one configuration of the table must hold for all."""

_SAVED, _EPOCH = "Of the saved model, measured in float32.", "Of the last epoch, measured in the run's own precision."
METRICS = (
    ("", tags.TEST + "accuracy", "test accuracy", _SAVED),
    ("validation", tags.EPOCH + "accuracy", "validation accuracy", _EPOCH),
    ("train", tags.EPOCH + "accuracy", "train accuracy", _EPOCH),
    ("", tags.TEST + "loss", "test loss", _SAVED),
    ("validation", tags.EPOCH + "loss", "validation loss", _EPOCH),
    ("train", tags.EPOCH + "loss", "train loss", _EPOCH),
    ("", tags.TEST + tags.MACRO_F1, "test macro F1", _SAVED),
    ("validation", tags.EPOCH + tags.MACRO_F1, "validation macro F1", _SAVED),
    ("", tags.TEST + tags.MICRO_F1, "test micro F1", _SAVED),
    ("validation", tags.EPOCH + tags.MICRO_F1, "validation micro F1", _SAVED),
    ("", tags.TEST + "binary_accuracy", "test binary accuracy", _SAVED),
    ("validation", tags.EPOCH + "binary_accuracy", "validation binary accuracy", _EPOCH),
    *(
        (group, f"{tag}_{name}", f"{split} {title}", measured)
        for name, title in (("mae", "MAE"), ("rmse", "RMSE"), ("r2", "R2"))
        for group, tag, split, measured in (("", "test", "test", _SAVED), ("validation", "epoch", "validation", _EPOCH))
    ),
)
"""Directory below the run's own, tag, what the column is called, and its help; empty where a task has no such metric.

TensorBoard shows the first five at first.
"""

_TYPES = {str: api_pb2.DATA_TYPE_STRING, float: api_pb2.DATA_TYPE_FLOAT64, bool: api_pb2.DATA_TYPE_BOOL}
_STATUSES = {
    "finished": api_pb2.STATUS_SUCCESS,
    "pruned": api_pb2.STATUS_SUCCESS,  # it did what was asked, and has metrics
    # There is none for it; a run without an end, such as one that was killed or still trains, is shown as unknown.
    "interrupted": api_pb2.STATUS_FAILURE,
    "failed": api_pb2.STATUS_FAILURE,
    "diverged": api_pb2.STATUS_FAILURE,
}


class HparamsRecorder(Recorder):
    """Writes the table's configuration, this run's session, and its ``test_*`` metrics, to the run's own directory."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._stale: list[str] = []

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the whole configuration, for each run is read for itself, and the values of this run."""
        _write(writer, metadata.EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(experiment=describe_experiment()))
        self._values = _values_of(snapshot)
        start = describe_start(self._values, time.time(), session_alone(snapshot.facts))
        _write(writer, metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=start))

    def on_resume(self, snapshot: Snapshot, writer: Writer) -> None:
        """Change the values that have changed, such as the number of epochs, where they were written at the start."""
        values = _values_of(snapshot)
        changed = [name for name, value in values.items() if self._values.get(name) != value]

        def amended(old: Any) -> Any:
            start = metadata.parse_session_start_info_plugin_data(old.plugin_data.content)
            start = describe_start(values, start.start_time_secs, session_alone(snapshot.facts))
            return metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_start_info=start))

        _name_group(writer, session_alone(snapshot.facts))
        if changed and writer.amend(metadata.SESSION_START_INFO_TAG, amended, where=""):
            self._values = values
        elif changed:
            self._stale = changed

    def remarks(self, snapshot: Snapshot, writer: Writer) -> Sequence[str]:
        """Say which values could not be changed."""
        if not self._stale:
            return ()
        return [f"TensorBoard's HParams show the values that the run began with: {', '.join(sorted(self._stale))}"]

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write what only the saved model is measured by, and how the session ended."""
        if snapshot.test:
            scores = {tags.TEST + name: value for name, value in snapshot.test.metrics.items()}
            writer.scalars(scores, snapshot.epoch, where="")
        if snapshot.validation:
            known, final = snapshot.validation.metrics, snapshot.validation.task.final_metrics
            scores = {tags.EPOCH + name: known[name] for name in final if name in known}
            writer.scalars(scores, snapshot.epoch, where="validation")
        if snapshot.outcome == "finished":
            _name_group(writer, session_group(snapshot.facts))
        status = _STATUSES.get(snapshot.outcome, api_pb2.STATUS_UNKNOWN)
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
        _write(writer, metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=end))


def _values_of(snapshot: Snapshot) -> dict[str, Value]:
    values = hyperparameter_values(snapshot.config, snapshot.facts, snapshot.settings)
    values |= own_hyperparameters(snapshot.facts)
    if session_group(snapshot.facts):  # TensorBoard shows the values of one session for all of a group
        values["name"] = snapshot.facts["sweep"]["name"]
        values = {name: value for name, value in values.items() if name.rpartition(".")[2] != SEED}
    return values


def _name_group(writer: Writer, group: str) -> None:
    """Change the group of the session; an event file that does not allow it keeps the one it has."""

    def named(old: Any) -> Any:
        start = metadata.parse_session_start_info_plugin_data(old.plugin_data.content)
        start.group_name = group
        return metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_start_info=start))

    if group:
        writer.amend(metadata.SESSION_START_INFO_TAG, named, where="")


def describe_start(values: Mapping[str, Value], seconds: float, group: str = "") -> plugin_data_pb2.SessionStartInfo:
    """Return what a session is begun with.

    Args:
        values: The hyperparameters.
        seconds: When it began.
        group: The name of the sessions that are shown as one; ``""`` for a session of its own.
    """
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=seconds, group_name=group)
    for name, value in values.items():
        _fill(start.hparams[name], value)
    return start


def hyperparameter_values(
    config: Config, facts: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Value]:
    """Return the value of every column, 0 or ``n/a`` where one does not apply.

    Args:
        config: What was asked.
        facts: What the run's record says: ``task``, ``loss``, ``parameters``, and what precision ``auto`` became.
        known: See `Snapshot.settings`. What is not known is ``n/a``, or left out where it would be a number.
    """
    if known is not None:
        return _known_values(facts, known)
    train = config.train
    values: dict[str, Any] = {name: attrgetter(each.key)(config) for name, each in hyperparameter_settings().items()}
    values |= {
        "name": train.name or "n/a",
        **{name: facts[name] for name in ("data", "model", "optimizer", "learning_rate") if facts.get(name)},
        **{name: ",".join(value) for name, value in values.items() if isinstance(value, tuple)},
        "warmup": train.warmup if train.schedule == "cosine" else 0,
        "weight_decay": train.weight_decay if train.optimizer == "adamw" else 0,
        "momentum": train.momentum if train.optimizer == "sgd" else 0,
        "monitor": train.monitor if train.patience else "n/a",
        "precision": facts.get("precision") or train.precision,
        "parameters": facts.get("parameters") or 0,
        "task": facts.get("task") or "n/a",
        "loss": facts.get("loss") or "n/a",
    }
    return {name: column.kind(values[name]) for name, column in COLUMNS.items()}


def _known_values(facts: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Value]:
    """Return what is known of a training that is not ours."""
    values: dict[str, Any] = dict(facts)
    for name, setting in hyperparameter_settings().items():
        section, _, key = setting.key.partition(".")
        if key in known.get(section, {}):
            values[name] = known[section][key]
    told = {name: values[name] for name in COLUMNS if values.get(name) not in (None, "")}
    unknown = {name: "n/a" for name, column in COLUMNS.items() if column.kind is str and name not in told}
    return {name: COLUMNS[name].kind(value) for name, value in {**unknown, **told}.items()}


def own_hyperparameters(facts: Mapping[str, Any]) -> dict[str, Value]:
    """Return the arguments that only this run has, by the name of their column; one of ours keeps its meaning.

    Args:
        facts: What the run's record says, with the ``arguments`` of a script, a model or data.
    """
    arguments = facts.get("arguments")
    values: dict[str, Value] = {}
    for name, value in arguments.items() if isinstance(arguments, Mapping) else ():
        if isinstance(value, (list, tuple)):
            value = ",".join(map(str, value))
        values[f"arguments.{name}" if name in COLUMNS else name] = _column_value(value)
    return values


def _column_value(value: Any) -> Value:
    """Return what a column can hold; a number that JSON or float64 has no room for is text."""
    if isinstance(value, bool):
        return value
    is_exact = (isinstance(value, float) and math.isfinite(value)) or (isinstance(value, int) and abs(value) <= 2**53)
    return float(value) if is_exact else str(value)


def describe_experiment() -> api_pb2.Experiment:
    """Return the columns of the table: the same bytes in every run, for TensorBoard takes those it finds first."""
    experiment = api_pb2.Experiment()
    for name, column in COLUMNS.items():
        # TensorBoard lists what differs first; whether it does, no run can know.
        info = experiment.hparam_infos.add(
            name=name, description=column.help, type=_TYPES[column.kind], differs=name in LEADING
        )
        if column.kind is float and column.domain:
            info.domain_interval.min_value, info.domain_interval.max_value = column.domain
        else:
            for choice in column.domain:
                _fill(info.domain_discrete.values.add(), choice)
    for group, tag, title, measured in METRICS:
        name = api_pb2.MetricName(group=group, tag=tag)
        experiment.metric_infos.add(name=name, display_name=title, description=measured)
    return experiment


def _fill(field: Any, value: Value) -> None:
    """Set a `google.protobuf.Value`."""
    match value:
        case bool():
            field.bool_value = value
        case str():
            field.string_value = value
        case _:
            field.number_value = value


def _write(writer: Writer, tag: str, content: plugin_data_pb2.HParamsPluginData) -> None:
    # All is in the metadata; the tensor only makes it an event that every loader keeps.
    writer.tensor(tag, np.zeros(1, np.float32), metadata.create_summary_metadata(content), 0, where="")
