"""Event files without TensorFlow: scalars as TF2 writes them, and one run's hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

START = 1_795_000_000.0  # wall time of the first event


def write_events(directory: Path, summaries: Sequence[tuple[int, summary_pb2.Summary]]) -> Path:
    """Write one event file of ``(step, summary)`` into a directory, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"events.out.tfevents.{int(START)}.test"
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=START, file_version="brain.Event:2").SerializeToString())
        for step, summary in summaries:
            writer.write(event_pb2.Event(wall_time=START + step, step=step, summary=summary).SerializeToString())
    return path


def write_scalars(directory: Path, curves: Mapping[str, Sequence[float]]) -> Path:
    """Write ``{tag: values at steps 1, 2, ...}``."""
    described = scalar_metadata.create_summary_metadata(display_name="", description="")
    summaries = []
    for tag, values in curves.items():
        for step, value in enumerate(values, start=1):
            tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[value])
            one = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=described)
            summaries.append((step, summary_pb2.Summary(value=[one])))
    return write_events(directory, summaries)


def write_tensors(directory: Path, curves: Mapping[str, Sequence[Any]], *, plugin: str = "scalars") -> Path:
    """Write ``{tag: values at steps 1, 2, ...}``, each a NumPy array or a ready tensor, for a plugin."""
    described = summary_pb2.SummaryMetadata(plugin_data={"plugin_name": plugin})
    summaries = []
    for tag, values in curves.items():
        for step, value in enumerate(values, start=1):
            tensor = value if isinstance(value, tensor_pb2.TensorProto) else make_tensor_proto(value)
            one = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=described)
            summaries.append((step, summary_pb2.Summary(value=[one])))
    return write_events(directory, summaries)


def write_hparams(directory: Path, batch_size: float, **others: float) -> Path:
    """Write an experiment of one hyperparameter and one metric, and this run's session, with others in it."""
    experiment = plugin_data_pb2.HParamsPluginData(version=0)
    experiment.experiment.hparam_infos.add(name="batch_size", type="DATA_TYPE_FLOAT64")
    experiment.experiment.metric_infos.add().name.CopyFrom(_metric("validation", "epoch_accuracy"))
    session = plugin_data_pb2.HParamsPluginData(version=0)
    session.session_start_info.start_time_secs = START
    for name, value in {"batch_size": batch_size, **others}.items():
        session.session_start_info.hparams[name].number_value = value
    parts = {"_hparams_/experiment": experiment, "_hparams_/session_start_info": session}
    return write_events(directory, [(0, _hparams_summary(tag, content)) for tag, content in parts.items()])


def _metric(group: str, tag: str) -> object:
    from tensorboard.plugins.hparams import api_pb2

    return api_pb2.MetricName(group=group, tag=tag)


def _hparams_summary(tag: str, content: plugin_data_pb2.HParamsPluginData) -> summary_pb2.Summary:
    from tensorboard.plugins.hparams import metadata

    described = metadata.create_summary_metadata(content)
    return summary_pb2.Summary(
        value=[summary_pb2.Summary.Value(tag=tag, metadata=described, tensor=metadata.NULL_TENSOR)]
    )
