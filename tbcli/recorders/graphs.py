"""Graphs: the operations of the forward pass, and the layers as Keras sees them."""

from __future__ import annotations

import tensorflow as tf

from tbcli.recorders.base import Recorder, Snapshot, Writer


class Graphs(Recorder):
    """Writes the op graph and, for a model that can tell its layers, the conceptual graph; once."""

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Trace the forward pass once: Keras' own training function keeps no graph that could be shown."""
        model = snapshot.model
        samples = tf.TensorSpec((None, *snapshot.dataset.input_shape), tf.float32, name="samples")
        forward = tf.function(lambda samples: model(samples, training=False)).get_concrete_function(samples)
        writer.graph(forward.graph.as_graph_def().SerializeToString(), where="train")
        if hasattr(model, "inputs") and model.inputs:  # a subclassed model has no layers to draw
            writer.keras_graph(model.to_json(), where="train")
