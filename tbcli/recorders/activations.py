"""Histograms and Distributions: outputs of every layer for a few probe samples."""

from __future__ import annotations

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer
from tbcli.recorders.histograms import count_buckets


class ActivationsRecorder(Recorder):
    """Writes ``activations/<layer>`` to ``validation`` (``train`` where nothing was held out)."""

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """A model that does not tell its layers has none to show."""
        return None if getattr(snapshot.model, "inputs", None) else "the layers of a subclassed model are not known"

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the distribution of each layer's outputs."""
        where = "validation" if snapshot.dataset.validation else "train"
        for layer, outputs in (snapshot.activations.values if snapshot.activations else {}).items():
            writer.histogram(tags.ACTIVATIONS + layer, count_buckets(outputs), snapshot.epoch, where=where)
