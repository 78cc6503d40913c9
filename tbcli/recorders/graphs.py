"""Graphs: the operations of the forward pass, and the Keras layers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer


class GraphsRecorder(Recorder):
    """Writes the op graph and, for a model that can tell its layers, the conceptual graph; once."""

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """A subclassed model has no layers to draw."""
        return (
            {}
            if _tells_layers(snapshot.model)
            else {tags.CONCEPTUAL_GRAPH: "the layers of a subclassed model are not known"}
        )

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Trace the forward pass once: Keras' own training function keeps no graph that could be shown."""
        model = snapshot.model
        samples = tf.TensorSpec((None, *snapshot.dataset.input_shape), tf.float32, name="samples")
        forward = tf.function(lambda samples: model(samples, training=False)).get_concrete_function(samples)
        writer.graph(forward.graph.as_graph_def().SerializeToString(), where="train")
        if _tells_layers(model):
            writer.keras_graph(describe_layers(model.to_json()), where="train")


def describe_layers(model_json: str) -> str:
    """Return a model's JSON without the model's name: TensorBoard then opens on the layers, not on one box."""
    document = json.loads(model_json)
    document["config"]["name"] = ""
    return json.dumps(document)


def _tells_layers(model: Any) -> bool:
    return bool(getattr(model, "inputs", None))
