"""Trains by our own loop and by Keras' `fit`, and tells what differs.

``python -m tests.training.both_ways DIR CASE...``: a process of its own, for determinism cannot be switched off again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SMALL: Mapping[str, object] = {
    "data.limit_samples": 1100,  # 990 to train on: 15 steps of 64 and a last one of 30
    "train.batch_size": 64,
    "train.epochs": 2,
    "train.deterministic": True,
    "plot.automatic": False,
}
FLOAT32, BFLOAT16, FLOAT16 = ({"train.precision": name} for name in ("float32", "mixed_bfloat16", "mixed_float16"))
CASES: dict[str, dict[str, object]] = {
    "bfloat16, everything, every step": {**BFLOAT16, "record.recorders": "full", "record.log_every": 1},
    "float32, patience, five steps": {
        **FLOAT32,
        "train.steps_per_execution": 5,
        "record.log_every": 5,
        "train.patience": 1,
        "train.learning_rate": 0.02,
        "train.epochs": 4,
    },
    "float16, one step": {**FLOAT16, "train.steps_per_execution": 1},
    "float32": FLOAT32,
    "bfloat16": BFLOAT16,
    "float16": FLOAT16,
    "float32, one step, every step": {**FLOAT32, "train.steps_per_execution": 1, "record.log_every": 1},
    "bfloat16, one step": {**BFLOAT16, "train.steps_per_execution": 1},
    "bfloat16, every fifth": {**BFLOAT16, "record.log_every": 5},
    "bfloat16, light": {**BFLOAT16, "record.recorders": "light"},
    "bfloat16, off": {**BFLOAT16, "record.recorders": "off"},
    "bfloat16, a trace": {**BFLOAT16, "record.profile": "4:8"},
    "float32, sgd, constant": {**FLOAT32, "train.optimizer": "sgd", "train.schedule": "constant"},
    "float32, seven steps an epoch": {**FLOAT32, "train.steps_per_epoch": 7},
    "float32, no validation": {**FLOAT32, "data.validation_split": 0.0},
    "float32, adamw": {**FLOAT32, "train.optimizer": "adamw", "train.batch_size": 100},
    "float16, everything, every fifth": {**FLOAT16, "record.recorders": "full", "record.log_every": 5},
}
LISTED = tuple(CASES)[:3]
"""Those that are trained with every change."""
_OF_THE_CLOCK = ("system/", "per_second", "custom_scalars")  # whose charts are of what the clock has measured by then
_OF_THE_RUN = ("run/configuration", "run/environment", "_hparams_/session_start_info", "_hparams_/session_end_info")


def main(top: Path, *names: str) -> None:
    """Print one JSON object: of each case how much was compared, and what differs."""
    warnings.simplefilter("ignore")
    from tests.training import keras_fit

    found = {}
    for name in names:
        ours = train_once(top / name / "ours", CASES[name])
        theirs = train_once(top / name / "theirs", CASES[name], keras_fit.fit)
        keys = sorted({*ours, *theirs})
        found[name] = {"compared": len(keys), "differ": [key for key in keys if ours.get(key) != theirs.get(key)]}
    sys.stdout.write(json.dumps(found) + "\n")


def train_once(workspace: Path, settings: Mapping[str, object], way: Any = None) -> dict[str, Any]:
    """Return all that a training left, by name, in a form that can be compared."""
    import keras

    from tbcli.config import Config
    from tbcli.training import pipeline, preparation, session

    keras.utils.clear_session()  # which counts names anew
    models: list[Any] = []
    ours, compiled = pipeline.run_epochs, preparation.compile_model

    def compile_model(model: Any, *args: Any, **kwargs: Any) -> None:
        compiled(model, *args, **kwargs)
        models.append(model)

    pipeline.run_epochs, preparation.compile_model = way or ours, compile_model  # type: ignore[attr-defined]
    try:
        run = session.train(Config().updated({**SMALL, **settings, "paths.workspace": str(workspace)}))
    finally:
        pipeline.run_epochs, preparation.compile_model = ours, compiled  # type: ignore[attr-defined]
    variables = [*models[0].variables, *models[0].optimizer.variables]
    left: dict[str, Any] = {f"variable {variable.path}": variable.numpy().tobytes() for variable in variables}
    history = [line.split(",") for line in run.history_file.read_text().splitlines()]
    left["history"] = [
        [cell for cell, column in zip(row, history[0], strict=True) if column != "seconds"] for row in history
    ]
    left["metrics"] = run.record["metrics"], run.record["saved_epoch"], run.record["recording"]["switched_off"]
    with np.load(run.evidence_file) as evidence:
        left.update({f"evidence {name}": evidence[name].tobytes() for name in evidence.files})
    for file in sorted(run.logs.rglob("*tfevents*")):
        left.update(points_of(file, file.parent.relative_to(run.logs).as_posix()))
    return left


def points_of(file: Path, where: str) -> dict[str, Any]:
    """Return the points of every tag of an event file; of graphs what they are made of."""
    import tensorflow as tf
    from tensorboard.compat.proto.config_pb2 import RunMetadata
    from tensorboard.compat.proto.event_pb2 import Event

    points: dict[str, Any] = {}
    for record in tf.data.TFRecordDataset(str(file)):
        event = Event.FromString(record.numpy())
        if event.graph_def:
            points[f"{where} graph"] = structure_of(event.graph_def)
        for value in event.summary.value:
            if any(word in value.tag for word in (*_OF_THE_CLOCK, *_OF_THE_RUN)):
                continue
            if value.tag == "train_step":
                traced = RunMetadata.FromString(value.tensor.string_val[0]).function_graphs[0]
                points[f"{where} {value.tag}"] = structure_of(traced.pre_optimization_graph.SerializeToString())
                continue
            content = hashlib.sha256(value.SerializeToString(deterministic=True)).hexdigest()
            points.setdefault(f"{where} {value.tag}", []).append((event.step, content))
    return points


def structure_of(graph: bytes) -> Any:
    """Return what a graph is made of: names of functions are numbered anew each time."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    nodes = GraphDef.FromString(graph).node
    return Counter(node.op for node in nodes), Counter(len(node.input) for node in nodes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
