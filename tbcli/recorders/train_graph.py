"""Graphs: the operations of a training step, with its backward pass and the optimizer."""

from __future__ import annotations

import tensorflow as tf

from tbcli.recorders.base import Recorder, Snapshot, Writer


class TrainGraph(Recorder):
    """Writes the graph of one training step to ``train`` under the tag ``train_step``; once."""

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Trace the step once more: Keras keeps no graph of its own training function."""
        split = snapshot.dataset.train
        inputs = tf.TensorSpec((None, *snapshot.dataset.input_shape), split.inputs.dtype, name="samples")
        labels = tf.TensorSpec((None,), tf.int64, name="labels")
        step = tf.function(lambda samples, labels: snapshot.model.train_step((samples, labels)))
        graph = step.get_concrete_function(inputs, labels).graph
        writer.tagged_graph("train_step", graph.as_graph_def().SerializeToString(), where="train")
