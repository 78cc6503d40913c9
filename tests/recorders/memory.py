"""A writer that only remembers, and moments without data or model behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from tbcli.config import Config
from tbcli.recorders.base import Evidence, Snapshot
from tbcli.tasks import CLASSIFICATION


@dataclass
class MemoryWriter:
    """Keeps ``(directory, tag) -> [(step, what was written)]``."""

    written: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    metadata: dict[tuple[str, str], Any] = field(default_factory=dict)
    scalar_tags: Set[str] = frozenset()

    def scalars(self, values: Mapping[str, float], step: int, *, where: str) -> None:
        for tag, value in values.items():
            self._keep(where, tag, step, value)
        self.scalar_tags = {*self.scalar_tags, *values}

    def text(self, tag: str, markdown: str, step: int, *, where: str) -> None:
        self._keep(where, tag, step, markdown)

    def tensor(self, tag: str, value: np.ndarray, metadata: Any, step: int, *, where: str) -> None:
        self._keep(where, tag, step, value)
        self.metadata[where, tag] = metadata

    def image(self, tag: str, png: bytes, size: tuple[int, int], step: int, *, where: str) -> None:
        self._keep(where, tag, step, (png, size))

    def file(self, name: str, content: bytes, *, where: str) -> None:
        self._keep(where, name, 0, content)

    def announce(self, *, where: str) -> None:
        self._keep(where, "", 0, None)

    def _keep(self, where: str, tag: str, step: int, value: Any) -> None:
        self.written.setdefault((where, tag), []).append((step, value))


def evidence(labels: Sequence[int], probabilities: np.ndarray, **metrics: float) -> Evidence:
    known = np.asarray(labels, np.int64)
    return Evidence(np.arange(len(known)), known, probabilities.astype(np.float32), None, metrics)


def snapshot(
    epoch: int = 1,
    *,
    names: Sequence[str] = ("cat", "dog"),
    settings: Mapping[str, object] | None = None,
    has_validation: bool = True,
    **known: Any,
) -> Snapshot:
    """Return a moment of which only what is given is known."""
    held_out = object() if has_validation else None
    dataset: Any = SimpleNamespace(class_names=tuple(names), validation=held_out, task=CLASSIFICATION)
    moment = {"model": None, "logs": {}, **known}
    return Snapshot(config=Config().updated(settings or {}), dataset=dataset, epoch=epoch, step=10 * epoch, **moment)
