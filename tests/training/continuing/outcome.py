"""All that a deterministic training leaves, as hashes and points: two trainings alike leave the same."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.util import tensor_util

from tbcli.runs import Run
from tbcli.training.continuing.state import Generations

OF_THE_CLOCK = ("system/", "epoch_steps_per_second")


def outcome(run: Run) -> dict[str, Any]:
    """Return what must be the same whether a run was resumed or not."""
    saved = Generations(run.checkpoints).newest(print)
    assert saved is not None
    with run.history_file.open(newline="") as file:
        history = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    with np.load(run.evidence_file) as evidence:
        contents = {name: _hash(evidence[name]) for name in evidence.files}
    return {
        "state": {
            name: [_hash(array) for array in saved.parts["model"][name]] for name in ("model", "optimizer", "metrics")
        },
        "step": saved.step,
        "history": history,
        "evidence": contents,
        "scalars": scalars_of(run.logs),
        "events": events_of(run.logs),
        "hparams": hyperparameters_of(run.logs),
        **{name: run.record.get(name) for name in ("status", "metrics", "ended_by", "saved_epoch", "epochs")},
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what differs between two outcomes, short enough to be read."""
    found = {}
    for name in one:
        if one[name] != other[name]:
            mine, theirs = one[name], other[name]
            if isinstance(mine, dict):
                keys = {key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)}
                found[name] = {key: (mine.get(key), theirs.get(key)) for key in list(keys)[:3]}
            else:
                found[name] = (mine, theirs)
    return found


def scalars_of(logs: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the points of each scalar in the order of the files, read as TensorBoard's own reader reads them."""
    points: dict[str, list[tuple[int, float]]] = {}
    for path, event in _events(logs):
        for value in event.summary.value:
            is_scalar = value.HasField("tensor") and not value.tensor.string_val and not value.tensor.tensor_shape.dim
            if is_scalar and not value.tag.startswith(OF_THE_CLOCK):
                number = float(tensor_util.make_ndarray(value.tensor))
                points.setdefault(f"{path.parent.relative_to(logs)}/{value.tag}", []).append((event.step, number))
    return points


def events_of(logs: Path) -> dict[str, int]:
    """Return how many graphs, and sessions of HParams, there are."""
    counts = {"graphs": 0, "starts": 0, "ends": 0}
    for _, event in _events(logs):
        counts["graphs"] += bool(event.graph_def)
        counts["starts"] += any(value.tag == hparams.SESSION_START_INFO_TAG for value in event.summary.value)
        counts["ends"] += any(value.tag == hparams.SESSION_END_INFO_TAG for value in event.summary.value)
    return counts


def hyperparameters_of(logs: Path) -> dict[str, str]:
    """Return the values that TensorBoard's HParams show: those of the first start of a session."""
    for _, event in _events(logs):
        for value in event.summary.value:
            if value.tag == hparams.SESSION_START_INFO_TAG:
                start = hparams.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)
                return {name: str(each).strip() for name, each in sorted(start.hparams.items())}
    return {}


def _events(logs: Path) -> Any:
    for path in sorted(logs.rglob("*tfevents*"), key=lambda path: (path.parent, path.name)):
        for event in event_file_loader.EventFileLoader(str(path)).Load():
            yield path, event


def _hash(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]
