"""Graphs: the operations of a training step, with its backward pass and the optimizer."""

from __future__ import annotations

from collections.abc import Mapping

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer


class TrainGraphRecorder(Recorder):
    """Writes the graph of the training step as it ran to ``train`` under the tag ``train_step``; once."""

    needs_backward = True

    def __init__(self) -> None:
        self._written = False

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """A step that is not measured, or that is no graph, has none to show."""
        why = snapshot.no_backward or "the training step was not traced"
        return {} if self._written else {tags.OP_GRAPH + tags.TRAIN_STEP: why}

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write it when it is there: tracing it anew would cost more than a second."""
        if snapshot.step_graph is not None and not self._written:
            writer.tagged_graph(tags.TRAIN_STEP, snapshot.step_graph.as_graph_def().SerializeToString(), where="train")
            self._written = True
