"""HParams: what this run was trained with and what came of it, comparable with every other run in one table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

from tbcli.config import OPTIMIZERS, SCHEDULES, Config
from tbcli.recorders.base import Recorder, Snapshot, Writer

Value = bool | float | str


@dataclass(frozen=True, slots=True)
class Column:
    """One hyperparameter's column of the table.

    Args:
        kind: The type of its values; numbers are float.
        help: What TensorBoard says of it.
        domain: Its least and largest value, or all values it can have; empty where it is open.
        leading: Whether it is one of the five columns that TensorBoard shows at first.
    """

    kind: type[Value]
    help: str
    domain: tuple[Value, ...] = ()
    leading: bool = False


COLUMNS = {
    "model": Column(str, "the architecture", leading=True),
    "optimizer": Column(str, "what moves the weights", OPTIMIZERS, leading=True),
    "learning_rate": Column(float, "the peak, where a schedule moves it", leading=True),
    "batch_size": Column(float, "samples a step", leading=True),
    "dropout": Column(float, "share of the penultimate features dropped in training", (0.0, 1.0), leading=True),
    "data": Column(str, "what was learnt from"),
    "name": Column(str, "what the run was called; else n/a"),
    "limit_samples": Column(float, "samples used at most; 0 is all"),
    "validation_split": Column(float, "share of the training samples held out", (0.0, 1.0)),
    "parameters": Column(float, "weights of the model"),
    "epochs": Column(float, "passes over the data asked for"),
    "steps_per_epoch": Column(float, "optimizer steps of an epoch at most; 0 is all"),
    "schedule": Column(str, "how the learning rate moves", SCHEDULES),
    "warmup": Column(float, "share of the steps in which the cosine schedule rises; else 0", (0.0, 1.0)),
    "weight_decay": Column(float, "of adamw; else 0"),
    "momentum": Column(float, "of sgd; else 0", (0.0, 1.0)),
    "patience": Column(float, "epochs without a better one after which to stop; 0 is off"),
    "monitor": Column(str, "what patience watches; else n/a"),
    "precision": Column(str, "what the layers compute in"),
    "deterministic": Column(bool, "whether operations repeat to the bit", (False, True)),
    "seed": Column(float, "of weights, dropout and the order of the data"),
}
"""The same in every run of every model, for one configuration of the table must hold for all."""

METRICS = (
    ("", "test_accuracy", "test accuracy"),
    ("validation", "epoch_accuracy", "validation accuracy"),
    ("train", "epoch_accuracy", "train accuracy"),
    ("", "test_loss", "test loss"),
    ("validation", "epoch_loss", "validation loss"),
    ("train", "epoch_loss", "train loss"),
)
"""Directory below the run's own, tag, and what the column is called."""

_TYPES = {str: api_pb2.DATA_TYPE_STRING, float: api_pb2.DATA_TYPE_FLOAT64, bool: api_pb2.DATA_TYPE_BOOL}
_STATUSES = {
    "finished": api_pb2.STATUS_SUCCESS,
    # There is none for it; a run without an end, such as one that was killed or still trains, is shown as unknown.
    "interrupted": api_pb2.STATUS_FAILURE,
    "failed": api_pb2.STATUS_FAILURE,
    "diverged": api_pb2.STATUS_FAILURE,
}


class HparamsRecorder(Recorder):
    """Writes the table's configuration, this run's session, and its ``test_*`` metrics, to the run's own directory."""

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the whole configuration, for each run is read for itself, and the values of this run."""
        _write(writer, metadata.EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(experiment=describe_experiment()))
        start = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
        for name, value in hyperparameters(snapshot.config, snapshot.facts).items():
            _fill(start.hparams[name], value)
        _write(writer, metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=start))

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write what the saved model scored on the test set, and how the session ended."""
        if snapshot.test:
            scores = {f"test_{name}": value for name, value in snapshot.test.metrics.items()}
            writer.scalars(scores, snapshot.epoch, where="")
        status = _STATUSES.get(snapshot.outcome, api_pb2.STATUS_UNKNOWN)
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
        _write(writer, metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=end))


def hyperparameters(config: Config, facts: Mapping[str, Any]) -> dict[str, Value]:
    """Return the value of every column, 0 or ``n/a`` where one does not apply.

    Args:
        config: What was asked.
        facts: What the run's record says: ``parameters``, and the ``precision`` that ``auto`` became.
    """
    data, model, train = config.data, config.model, config.train
    return {
        "model": model.name,
        "optimizer": train.optimizer,
        "learning_rate": train.learning_rate,
        "batch_size": float(train.batch_size),
        "dropout": model.dropout,
        "data": data.source,
        "name": train.name or "n/a",
        "limit_samples": float(data.limit_samples),
        "validation_split": data.validation_split,
        "parameters": float(facts.get("parameters") or 0),
        "epochs": float(train.epochs),
        "steps_per_epoch": float(train.steps_per_epoch),
        "schedule": train.schedule,
        "warmup": train.warmup if train.schedule == "cosine" else 0.0,
        "weight_decay": train.weight_decay if train.optimizer == "adamw" else 0.0,
        "momentum": train.momentum if train.optimizer == "sgd" else 0.0,
        "patience": float(train.patience),
        "monitor": train.monitor if train.patience else "n/a",
        "precision": str(facts.get("precision") or train.precision),
        "deterministic": train.deterministic,
        "seed": float(train.seed),
    }


def describe_experiment() -> api_pb2.Experiment:
    """Return the columns of the table: the same bytes in every run, for TensorBoard takes those it finds first."""
    experiment = api_pb2.Experiment()
    for name, column in COLUMNS.items():
        # TensorBoard lists what differs first; whether it does, no run can know.
        info = experiment.hparam_infos.add(
            name=name, description=column.help, type=_TYPES[column.kind], differs=column.leading
        )
        if column.kind is float and column.domain:
            info.domain_interval.min_value, info.domain_interval.max_value = column.domain
        else:
            for choice in column.domain:
                _fill(info.domain_discrete.values.add(), choice)
    for group, tag, title in METRICS:
        experiment.metric_infos.add(name=api_pb2.MetricName(group=group, tag=tag), display_name=title)
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
