"""Layers that are not trained, named by globs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tbcli.errors import ConfigError
from tbcli.naming.matching import fits_glob, listed


def freeze(model: Any, patterns: Sequence[str]) -> None:
    """Keep the weights of some layers as they are.

    Args:
        model: Built, not compiled since.
        patterns: Globs of layer names, or of paths as ``backbone/conv1`` for layers of a model inside the model.

    Raises:
        ConfigError: A pattern fits no layer, or nothing is left to train.
    """
    known = dict(named_layers(model))
    for pattern in patterns:
        chosen = [path for path in known if _fits(pattern, path)]
        if not chosen:
            raise ConfigError(f"--freeze {pattern!r} fits no layer", hint=f"layers: {listed(list(known))}")
        for path in chosen:
            known[path].trainable = False
    if patterns and not model.trainable_weights:
        raise ConfigError(
            f"--freeze {' '.join(patterns)!r} leaves nothing to train", hint=f"layers: {listed(list(known))}"
        )


def named_layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the layer of each layer in a model, and in the models inside it."""
    for layer in getattr(model, "layers", ()):
        path = f"{prefix}{layer.name}"
        yield path, layer
        yield from named_layers(layer, f"{path}/")


def _fits(pattern: str, path: str) -> bool:
    return fits_glob(pattern, path) or fits_glob(pattern, path.rpartition("/")[2])
