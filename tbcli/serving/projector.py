"""The projector shows the vectors of the last epoch, not those it happened to see first."""

from __future__ import annotations

from typing import Any


def read_vectors_anew(loader: Any) -> Any:
    """Return a plugin's loader; what TensorBoard's projector would remember, it then reads for every page.

    The projector remembers the vectors of one run until those of another are asked for, however often training
    rewrites them, while their labels and predictions come fresh from disk: the two would not belong together.
    """
    load = loader.load

    def loaded(context: Any) -> Any:
        plugin = load(context)
        if hasattr(plugin, "tensor_cache"):
            plugin.tensor_cache = _NoMemory()
        return plugin

    loader.load = loaded
    return loader


class _NoMemory:
    """Answers like the projector's ``LRUCache``, and keeps nothing."""

    def get(self, key: object) -> None:
        """Return None: it is not here."""

    def set(self, key: object, value: object) -> None:
        """Forget it."""
