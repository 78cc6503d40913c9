"""Images: kernels of the first convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tbcli.figures.png.kernels import draw_kernels
from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Writer, variable_path

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


class KernelsRecorder(Recorder):
    """Writes ``kernels/<layer>`` of the first convolution to ``train``; at x = 0 the freshly initialised ones."""

    is_spaced = True

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """A model without convolution has no kernels."""
        return None if first_convolution(snapshot.model) else "the model has no convolution over images"

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw what training begins with."""
        self.on_epoch(snapshot, writer)

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw the kernels as they are now."""
        layer = first_convolution(snapshot.model)
        if layer is not None:
            path = variable_path(snapshot.model, layer)
            png, size = draw_kernels(kernels_of(layer), f"{path}, epoch {snapshot.epoch}")
            writer.image(tags.KERNELS + path, png, size, snapshot.epoch, where="train")


def first_convolution(model: Any) -> Any:
    """Return the first layer that convolves images, also one inside another layer; None where there is none."""
    return next((layer for layer in walk_layers(model) if isinstance(layer, _CONVOLUTIONS)), None)


def kernels_of(layer: Any) -> np.ndarray:
    """Return a convolution's weights ``[height, width, input channels, output channels]``, float32.

    A depthwise convolution has kernels of one input channel each, in the order of its output channels.
    """
    kernels: np.ndarray = np.asarray(layer.kernel.numpy(), np.float32)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        height, width, inputs, multiplier = kernels.shape
        return kernels.reshape(height, width, 1, inputs * multiplier)
    return kernels


def walk_layers(layer: Any) -> list[Any]:
    """Return a layer and all layers inside it, each once.

    They are in the order of a functional model's graph, elsewhere in the order in which they were made.
    """
    found: dict[int, Any] = {}
    waiting = [layer]
    while waiting:
        next_one = waiting.pop()
        if id(next_one) not in found:
            found[id(next_one)] = next_one
            waiting.extend(reversed([*getattr(next_one, "layers", ()), *_attributes(next_one)]))
    return list(found.values())


def _attributes(layer: Any) -> Iterator[Any]:
    """Yield the layers that a layer keeps in its attributes, which not every layer lists."""
    for value in vars(layer).values():
        if isinstance(value, dict):
            value = tuple(value.values())
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, keras.layers.Layer):
                yield part
