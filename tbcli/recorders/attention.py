"""Images: where the model looks. Grad-CAM of a convolutional network, attention scores of each transformer head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.figures.answers import describe_answers
from tbcli.figures.png.heads import draw_heads
from tbcli.figures.png.overlays import draw_overlays
from tbcli.naming import tags
from tbcli.recorders.base import Evidence, Recorder, Snapshot, Writer, variable_path
from tbcli.recorders.kernels import walk_layers
from tbcli.recorders.samples import why_no_images
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION

HEAT_SAMPLES = 8
SCORE_SAMPLES = 4
MOST_LAYERS = 6  # of attention; of more these many are shown, evenly from the first to the last

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_ATTENTION = (
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
)
_RECTIFIERS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)
_SQUASHING = (keras.activations.softmax, keras.activations.sigmoid, tf.nn.softmax, tf.nn.sigmoid)


class AttentionRecorder(Recorder):
    """Writes ``attention/grad_cam`` and ``attention/<layer>`` to ``validation`` (``train`` where nothing was held out).

    The former of a model with a convolution, the latter of every attention layer; of a model with both, both.
    """

    is_spaced = True

    made_anew = frozenset({"_opened"})

    def __init__(self) -> None:
        self._opened: OpenedModel | None = None
        self._pictures: int | None = None

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        """A model shows where it looks by a convolution over images, or by attention."""
        opened = OpenedModel(snapshot.model)
        if not (opened.convolutions or opened.attention):
            return "the model has neither a convolution nor an attention layer"
        return None if opened.attention else why_no_images(snapshot.dataset.input_shape)

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """A convolution that leaves a single place does not say where it looks."""
        return (
            {tags.ATTENTION: "no convolution of the model has more than one output position"}
            if self._pictures == 0
            else {}
        )

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Draw where the model looks now, in the same samples as in every other epoch."""
        if snapshot.probe is None:
            return
        self._opened = self._opened or OpenedModel(snapshot.model)
        seen = snapshot.probe.first(HEAT_SAMPLES)
        inputs, _ = snapshot.dataset.probe.batch(slice(HEAT_SAMPLES))
        found = self._opened.look(tf.constant(inputs), tf.constant(_explained(seen)))
        images = None if why_no_images(snapshot.dataset.input_shape) else inputs
        pictures = {}
        if images is not None and "features" in found:
            pictures[tags.GRAD_CAM] = _draw_heat(snapshot, seen, images, found)
        for path, scores in found["scores"].items():
            pictures[path] = _draw_scores(snapshot, seen, images, scores.numpy(), path)
        where = "validation" if snapshot.dataset.validation else "train"
        for path, (png, size) in pictures.items():
            writer.image(tags.ATTENTION + path, png, size, snapshot.epoch, where=where)
        self._pictures = len(pictures)


def _draw_heat(
    snapshot: Snapshot, seen: Evidence, images: np.ndarray, found: Mapping[str, Any]
) -> tuple[bytes, tuple[int, int]]:
    heats = grad_cam(found["features"].numpy(), found["gradients"].numpy())
    title = f"epoch {snapshot.epoch}, Grad-CAM of {_EXPLAINED[seen.task.name]}"
    names = snapshot.dataset.class_names
    return draw_overlays(images, heats, seen.labels, seen.outputs, names, seen.indices, title, seen.task)


def _explained(seen: Evidence) -> np.ndarray:
    """Return the output of each sample ``[n]`` whose score is looked at: the highest probability, or the first value.

    A single output is the score itself, as is the second class of two.
    """
    if seen.task.outputs_are == "values":
        return np.full(len(seen.outputs), int(seen.outputs.shape[1] == 1), np.int64)
    if seen.outputs.shape[1] == 1:
        return np.ones(len(seen.outputs), np.int64)
    likeliest: np.ndarray = seen.outputs.argmax(axis=1)
    return likeliest


_EXPLAINED = {
    CLASSIFICATION.name: "the predicted class",
    MULTI_LABEL.name: "the likeliest label",
    REGRESSION.name: "the first value",
}


def _draw_scores(
    snapshot: Snapshot, seen: Evidence, images: np.ndarray | None, scores: np.ndarray, path: str
) -> tuple[bytes, tuple[int, int]]:
    names = snapshot.dataset.class_names
    return draw_heads(
        scores,
        images,
        [answer.predicted for answer in describe_answers(seen.task, seen.labels, seen.outputs, names)],
        seen.indices,
        f"epoch {snapshot.epoch}, {path}: attention of each head",
    )


def grad_cam(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return where feature maps speak for a class ``[n, height, width]``, not negative, float32.

    Each map is weighted with the spatial mean of its gradient; of the sum what is positive counts.
    After Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2.

    Args:
        features: Rectified outputs of a convolution ``[n, height, width, channels]``.
        gradients: Those of the class score, before softmax, by the features; of the same shape.
    """
    weights = gradients.mean(axis=(1, 2), dtype=np.float32)
    heat: np.ndarray = np.maximum(np.einsum("nhwc,nc->nhw", features.astype(np.float32), weights), 0)
    return heat


class OpenedModel:
    """A model that shows, beside what it says, what its last convolution and its attention layers do.

    Its layers are listened to while the forward pass is traced, rather than cut out of its graph: only the call itself
    knows masks and options, and only so are models inside the model, layers inside layers and subclassed models heard.

    Args:
        model: A built model of class probabilities ``[batch, classes]``, or ``[batch, 1]`` of the second of two.
    """

    def __init__(self, model: keras.Model) -> None:
        layers = walk_layers(model)
        self._model = model
        self.convolutions = [layer for layer in layers if isinstance(layer, _CONVOLUTIONS)]
        self.attention = _spread([layer for layer in layers if isinstance(layer, _ATTENTION)], MOST_LAYERS)
        self._rectifiers = [layer for layer in layers if _is_rectifier(layer)]
        self._squashing = [layer for layer in layers if getattr(layer, "activation", None) in _SQUASHING]
        self._softmax = [layer for layer in layers if isinstance(layer, keras.layers.Softmax)]
        self.look = tf.function(self._look, autograph=False)
        """Takes inputs ``[n, ...]`` and class numbers ``[n]``, of the same number at each call, for it is traced once.

        Returns ``features`` and ``gradients`` ``[n, height, width, channels]`` of the last convolution with more than
        one place, where there is one, rectified if that is a layer of its own: what is negative before it says nothing
        to the layers behind. And ``scores``: ``{layer: [samples, heads, asking, looked at]}``. All float32.
        """

    def _look(self, inputs: tf.Tensor, classes: tf.Tensor) -> dict[str, Any]:
        heard = _Heard()
        with tf.GradientTape(watch_accessed_variables=False) as tape, self._listening(heard, tape):
            output = self._model(inputs, training=False)
            score = score_of(heard.unsquashed(output), classes)
        found: dict[str, Any] = {"scores": {path: tf.cast(value, tf.float32) for path, value in heard.scores.items()}}
        features = heard.last_map() if self.convolutions else None
        if features is not None:
            gradients = tape.gradient(score, features, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            found |= {"features": tf.cast(features, tf.float32), "gradients": tf.cast(gradients, tf.float32)}
        return found

    @contextmanager
    def _listening(self, heard: _Heard, tape: tf.GradientTape) -> Iterator[None]:
        """Let the layers tell what they do."""
        with ExitStack() as stack:
            for layer in (*self.convolutions, *self._rectifiers):
                stack.enter_context(replaced(layer, "call", _telling_output(heard.maps, tape)))
            for layer in self.attention:
                path = variable_path(self._model, layer)
                stack.enter_context(replaced(layer, "call", _telling_scores(heard.scores, path)))
            for layer in self._squashing:
                stack.enter_context(replaced(layer, "activation", _telling_input(heard.raw)))
            for layer in self._softmax:
                stack.enter_context(replaced(layer, "call", _telling_input(heard.raw)))
            yield


@dataclass
class _Heard:
    """What layers told during one forward pass, in the order of their calls.

    Args:
        maps: Outputs of convolutions and rectifiers.
        raw: What went into a softmax or a sigmoid.
        scores: Those of attention, by layer.
    """

    maps: list[tf.Tensor] = field(default_factory=list)
    raw: list[tf.Tensor] = field(default_factory=list)
    scores: dict[str, tf.Tensor] = field(default_factory=dict)

    def last_map(self) -> tf.Tensor | None:
        """Return the last feature map ``[n, height, width, channels]`` of more than one place, if there is one."""
        wide = (value for value in reversed(self.maps) if len(value.shape) == 4 and value.shape[1] * value.shape[2] > 1)
        return next(wide, None)

    def unsquashed(self, output: tf.Tensor) -> tf.Tensor:
        """Return what the head made its output of; of a head that does neither softmax nor sigmoid, the output."""
        return next((value for value in reversed(self.raw) if value.shape == output.shape), output)


def _is_rectifier(layer: Any) -> bool:
    is_activation = isinstance(layer, keras.layers.Activation) and layer.activation not in _SQUASHING
    return is_activation or isinstance(layer, _RECTIFIERS)


def score_of(raw: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Return the score of one class of each sample ``[n]``.

    Args:
        raw: Scores of all classes ``[n, classes]``, or of the second of two ``[n, 1]``, whose negative is the first's.
        classes: Class numbers ``[n]``.
    """
    if raw.shape[-1] == 1:
        return tf.where(classes == 1, raw[:, 0], -raw[:, 0])
    chosen = tf.one_hot(classes, raw.shape[-1], on_value=True, off_value=False)
    return tf.reduce_sum(
        tf.where(chosen, raw, tf.zeros_like(raw)), axis=1
    )  # `tf.gather` takes six times as long to trace


Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def replaced(layer: Any, name: str, wrap: Wrap) -> Iterator[None]:
    """Wrap one of a layer's own functions for as long as a trace takes."""
    original, is_own = getattr(layer, name), name in vars(layer)
    setattr(layer, name, wrap(original))
    try:
        yield
    finally:
        if is_own:
            setattr(layer, name, original)
        else:
            delattr(layer, name)


def _telling_output(heard: list[tf.Tensor], tape: tf.GradientTape) -> Wrap:
    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def told(*args: Any, **kwargs: Any) -> Any:
            output = call(*args, **kwargs)
            tape.watch(output)
            heard.append(output)
            return output

        return told

    return wrap


def _telling_input(heard: list[tf.Tensor]) -> Wrap:
    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def told(inputs: tf.Tensor, *args: Any, **kwargs: Any) -> Any:
            heard.append(inputs)
            return call(inputs, *args, **kwargs)

        return told

    return wrap


def _telling_scores(heard: dict[str, tf.Tensor], path: str) -> Wrap:
    """Ask an attention layer for its scores too, and keep those of some samples; it answers as it was asked."""

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def told(*args: Any, return_attention_scores: bool = False, **kwargs: Any) -> Any:
            output, scores = call(*args, return_attention_scores=True, **kwargs)
            some = scores[:SCORE_SAMPLES]
            heard[path] = some if len(some.shape) == 4 else some[:, None]  # a layer without heads has one
            return (output, scores) if return_attention_scores else output

        return told

    return wrap


def _spread(layers: list[Any], most: int) -> list[Any]:
    """Return at most so many layers, evenly from the first to the last."""
    if len(layers) <= most:
        return layers
    return [layers[round(position)] for position in np.linspace(0, len(layers) - 1, most)]
