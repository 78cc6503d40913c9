"""Where the model looks agrees with NumPy and with the layers' own word, and looking leaves the model as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tbcli.recorders.base import Snapshot
from tests.recorders.memory import MemoryWriter
from tests.recorders.pictures import drawn, evidence_of, moment
from tests.tiny import Tiny

pytestmark = pytest.mark.tf
SHAPE = (10, 8, 1)


def convolutional(
    outputs: int = 3, *, relu: str = "after the pool", head: str = "in the layer", frozen: bool = False
) -> Any:
    """Return convolution, pooling and a small head; always with the same weights.

    The mean is pooled: the largest of places that a ReLU left at zero has no gradient to agree upon.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    squash = "sigmoid" if outputs == 1 else "softmax"
    tail = {
        "in the layer": [layers.Dense(outputs, activation=squash)],
        "a layer of its own": [layers.Dense(outputs), layers.Activation(squash)],
        "a softmax layer": [layers.Dense(outputs), layers.Softmax()],
    }[head]
    body = {
        "nowhere": [layers.Conv2D(5, 3), layers.AveragePooling2D(2)],
        "in the convolution": [layers.Conv2D(5, 3, activation="relu"), layers.AveragePooling2D(2)],
        "before the pool": [layers.Conv2D(5, 3), layers.Activation("relu"), layers.AveragePooling2D(2)],
        "after the pool": [layers.Conv2D(5, 3), layers.AveragePooling2D(2), layers.ReLU()],
    }[relu]
    end = [layers.Flatten(), layers.Dense(7, "relu"), *tail]
    model = keras.Sequential([keras.Input(SHAPE), layers.Rescaling(1 / 255), *body, *end])
    model.layers[1].trainable = not frozen
    return model


def attentive(**how: Any) -> Any:
    """Return a model that attends, with four heads, over six positions."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(4)
    inputs = keras.Input((6, 8))
    attended = layers.MultiHeadAttention(4, 2, name="Attention")(inputs, inputs, **how)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Flatten()(attended)))


def opened(model: Any, inputs: np.ndarray, classes: list[int]) -> dict[str, Any]:
    import tensorflow as tf

    from tbcli.recorders.attention import OpenedModel

    found: dict[str, Any] = OpenedModel(model).look(tf.constant(inputs), tf.constant(np.array(classes, np.int64)))
    return found


def heat_of(model: Any, inputs: np.ndarray, classes: list[int]) -> np.ndarray:
    from tbcli.recorders.attention import grad_cam

    found = opened(model, inputs, classes)
    return grad_cam(found["features"].numpy(), found["gradients"].numpy())


def pooled(features: np.ndarray) -> np.ndarray:
    """Return the mean of each 2 x 2 places ``[height / 2, width / 2, channels]``."""
    height, width, channels = features.shape
    result: np.ndarray = features.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3))
    return result


def score_by_numpy(features: np.ndarray, weights: list[np.ndarray], number: int) -> float:
    """Return the raw score of a class from one sample's feature maps ``[height, width, channels]``, in float64."""
    if len(features) > 4:
        features = pooled(features)
    raw = np.maximum(features.ravel() @ weights[0] + weights[1], 0) @ weights[2] + weights[3]
    if len(raw) == 1:
        return float(raw[0] if number else -raw[0])
    return float(raw[number])


def heat_by_numpy(model: Any, image: np.ndarray, number: int, relu: str) -> np.ndarray:
    """Return Grad-CAM by the book, its gradients from finite differences and its convolution from loops."""
    kernel, bias, *head = (weights.astype(np.float64) for weights in model.get_weights())
    features = np.zeros((SHAPE[0] - 2, SHAPE[1] - 2, len(bias)))
    for y, x in np.ndindex(features.shape[:2]):
        features[y, x] = np.tensordot(image[y : y + 3, x : x + 3] / 255, kernel, 3) + bias
    if relu == "after the pool":
        features = pooled(features)
    if relu != "nowhere":
        features = np.maximum(features, 0)
    gradients, size = np.zeros_like(features), 1e-7
    for place in np.ndindex(features.shape):
        step = np.zeros_like(features)
        step[place] = size
        more, less = (score_by_numpy(features + sign * step, head, number) for sign in (1, -1))
        gradients[place] = (more - less) / (2 * size)
    heat: np.ndarray = np.maximum((features * gradients.mean(axis=(0, 1))).sum(axis=-1), 0)
    return heat


IMAGES = np.random.default_rng(12).integers(0, 256, (4, *SHAPE)).astype(np.uint8)


@pytest.mark.parametrize("relu", ["nowhere", "in the convolution", "before the pool", "after the pool"])
@pytest.mark.parametrize("outputs", [3, 1])
def test_grad_cam_of_the_rectified_maps_agrees_with_finite_differences(outputs: int, relu: str) -> None:
    model, classes = convolutional(outputs, relu=relu), [0, 1, 1, 0] if outputs == 1 else [0, 1, 2, 2]
    found = heat_of(model, IMAGES, classes)
    assert found.shape == ((4, 4, 3) if relu == "after the pool" else (4, 8, 6))
    assert found.dtype == np.float32
    for image, number, heat in zip(IMAGES, classes, found, strict=True):
        assert np.allclose(heat, heat_by_numpy(model, image, number, relu), atol=1e-3 * found.max())
    assert found.max() > 0


@pytest.mark.parametrize("head", ["a layer of its own", "a softmax layer"])
def test_the_score_is_taken_before_softmax_wherever_that_stands(head: str) -> None:
    usual, other = convolutional(), convolutional(head=head)
    other.set_weights(usual.get_weights())
    assert np.allclose(heat_of(other, IMAGES, [0, 1, 2, 2]), heat_of(usual, IMAGES, [0, 1, 2, 2]), atol=1e-6)


def test_frozen_convolutions_look_as_others_do() -> None:
    assert np.allclose(heat_of(convolutional(frozen=True), IMAGES, [0] * 4), heat_of(convolutional(), IMAGES, [0] * 4))


def test_heat_in_bfloat16_is_close_to_heat_in_float32() -> None:
    import keras

    usual = keras.config.dtype_policy()
    exact = heat_of(convolutional(), IMAGES, [0, 1, 2, 2])
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = convolutional()
    finally:
        keras.config.set_dtype_policy(usual)
    rough = heat_of(half, IMAGES, [0, 1, 2, 2])
    assert rough.dtype == np.float32
    assert np.allclose(rough, exact, atol=0.05 * exact.max())


def test_grad_cam_weights_each_map_with_its_mean_gradient_and_keeps_what_is_positive() -> None:
    from tbcli.recorders.attention import grad_cam

    features = np.array([[[[1.0, 2.0], [3.0, -1.0]]]])  # one sample of 1 x 2 places in two maps
    gradients = np.array([[[[1.0, -4.0], [3.0, 0.0]]]])  # in the mean 2 and -2
    assert grad_cam(features, gradients).tolist() == [[[0.0, 8.0]]]


def test_scores_are_those_the_layer_itself_tells() -> None:
    model = attentive()
    inputs = np.random.default_rng(2).normal(size=(8, 6, 8)).astype(np.float32)
    scores = opened(model, inputs, [0] * 8)["scores"]
    _, expected = model.get_layer("Attention")(inputs[:4], inputs[:4], return_attention_scores=True)
    assert list(scores) == ["Attention"]
    assert scores["Attention"].shape == (4, 4, 6, 6)
    assert np.allclose(scores["Attention"], expected, atol=1e-6)
    assert np.allclose(scores["Attention"].numpy().sum(axis=-1), 1, atol=1e-5)


def test_masks_given_in_the_call_are_kept() -> None:
    inputs = np.random.default_rng(2).normal(size=(4, 6, 8)).astype(np.float32)
    scores = opened(attentive(use_causal_mask=True), inputs, [0] * 4)["scores"]["Attention"].numpy()
    assert (np.triu(scores, 1) < 1e-6).all()
    assert np.allclose(scores.sum(axis=-1), 1, atol=1e-5)


def test_a_model_that_asks_for_scores_itself_gets_them() -> None:
    import keras
    from keras import layers

    inputs = keras.Input((6, 8))
    plain = layers.Attention(name="plain")([inputs, inputs])
    attended, scores = layers.MultiHeadAttention(2, 2, name="one")(plain, plain, return_attention_scores=True)
    both = layers.Concatenate()([layers.Flatten()(attended), layers.Flatten()(scores)])
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(both))
    values = np.random.default_rng(2).normal(size=(2, 6, 8)).astype(np.float32)
    found = {path: tuple(scores.shape) for path, scores in opened(model, values, [0, 0])["scores"].items()}
    assert found == {"plain": (2, 1, 6, 6), "one": (2, 2, 6, 6)}


@pytest.mark.parametrize("build", [convolutional, attentive])
def test_looking_leaves_the_model_as_it_was(build: Callable[[], Any]) -> None:
    model = build()
    inputs = np.ones((4, *model.input_shape[1:]), np.float32)
    before, kept = model.predict(inputs, verbose=0), [dict(vars(layer)) for layer in model.layers]
    opened(model, inputs, [0, 1, 2, 0])
    for layer, known in zip(model.layers, kept, strict=True):
        assert "call" not in vars(layer)
        assert getattr(layer, "activation", None) is known.get("activation")
    assert np.array_equal(model.predict(inputs, verbose=0), before)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(inputs, np.zeros(4), verbose=0)


def test_a_trace_that_fails_leaves_the_model_as_it_was() -> None:
    model = convolutional()
    with pytest.raises(Exception, match="shape"):
        opened(model, np.ones((4, 3, 3, 1), np.float32), [0] * 4)
    assert all("call" not in vars(layer) for layer in model.layers)
    assert model.predict(IMAGES, verbose=0).shape == (4, 3)


def test_of_many_attention_layers_some_are_shown_from_the_first_to_the_last() -> None:
    import keras
    from keras import layers

    from tbcli.recorders.attention import MOST_LAYERS, OpenedModel

    inputs = x = keras.Input((2, 4))
    for number in range(13):
        x = layers.MultiHeadAttention(1, 2, name=f"attention{number}")(x, x)
    names = [layer.name for layer in OpenedModel(keras.Model(inputs, x)).attention]
    assert len(names) == MOST_LAYERS
    assert (names[0], names[-1]) == ("attention0", "attention12")


def written_by(now: Snapshot) -> MemoryWriter:
    from tbcli.recorders.attention import AttentionRecorder

    recorder, writer = AttentionRecorder(), MemoryWriter()
    assert recorder.unsuitable(now) is None
    recorder.on_epoch(now, writer)
    assert recorder.leaves_out(now) == {}
    return writer


@pytest.mark.parametrize("count", [1, 3, 30])
@pytest.mark.parametrize(("has_validation", "where"), [(True, "validation"), (False, "train")])
def test_grad_cam_is_drawn_for_any_number_of_samples(count: int, has_validation: bool, where: str) -> None:
    writer = written_by(moment(count, shape=SHAPE, model=convolutional(), has_validation=has_validation))
    assert list(writer.written) == [(where, "attention/grad_cam")]
    assert drawn(writer, where, "attention/grad_cam").shape[1] == 350


def test_two_classes_with_one_output_are_drawn() -> None:
    writer = written_by(moment(9, names=("cat", "dog"), shape=SHAPE, model=convolutional(1)))
    assert list(writer.written) == [("validation", "attention/grad_cam")]


def test_the_predicted_class_is_that_of_the_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.recorders import attention

    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(attention, "draw_overlays", lambda *args: (told.append(args), (b"", (1, 1)))[1])
    now = moment(30, shape=SHAPE, model=convolutional())
    written_by(now)
    assert now.probe is not None
    ((images, heats, labels, probabilities, _, indices, _, _),) = told
    assert np.array_equal(images, now.dataset.probe.inputs[indices])
    assert np.array_equal(labels, now.dataset.probe.labels[indices])
    assert np.array_equal(heats, heat_of(now.model, images, probabilities.argmax(axis=1).tolist()))


def test_attention_is_drawn_over_samples_that_are_no_images() -> None:
    writer = written_by(moment(9, shape=(6, 8), model=attentive()))
    assert list(writer.written) == [("validation", "attention/Attention")]
    assert drawn(writer, "validation", "attention/Attention").shape[1] == 350


def test_a_subclassed_model_with_both_shows_both_and_is_traced_once() -> None:
    import keras
    from keras import layers

    from tbcli.recorders.attention import AttentionRecorder

    class Both(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.patches, self.rows = layers.Conv2D(8, 2, strides=2, name="patches"), layers.Reshape((20, 8))
            self.attend, self.head = layers.MultiHeadAttention(2, 4, name="attend"), layers.Dense(3, "softmax")
            self.traces = 0

        def call(self, inputs: Any) -> Any:
            self.traces += 1
            rows = self.rows(self.patches(keras.ops.cast(inputs, "float32") / 255))
            return self.head(keras.ops.mean(self.attend(rows, rows), axis=1))

    model = Both()
    now = moment(20, shape=SHAPE, model=model)
    model(IMAGES)
    recorder, writer, before = AttentionRecorder(), MemoryWriter(), model.traces
    assert recorder.unsuitable(now) is None
    for epoch in (1, 2, 3):
        recorder.on_epoch(replace(now, epoch=epoch), writer)
    assert model.traces == before + 1
    assert set(writer.written) == {("validation", "attention/grad_cam"), ("validation", "attention/attend")}
    assert [step for step, _ in writer.written["validation", "attention/attend"]] == [1, 2, 3]


def test_a_model_with_neither_and_samples_that_are_no_images_say_why() -> None:
    import keras
    from keras import layers

    from tbcli.recorders.attention import AttentionRecorder

    neither = keras.Sequential([keras.Input((5,)), layers.Dense(3, activation="softmax")])
    assert "neither a convolution nor an attention layer" in str(AttentionRecorder().unsuitable(moment(model=neither)))
    spectra = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(2, 3)])
    assert "are no images" in str(AttentionRecorder().unsuitable(moment(shape=(8, 8, 2), model=spectra)))


def test_convolutions_to_a_single_place_are_left_out_with_a_reason() -> None:
    import keras
    from keras import layers

    from tbcli.recorders.attention import AttentionRecorder

    body = [layers.Conv2D(2, SHAPE[:2]), layers.Flatten(), layers.Dense(3, activation="softmax")]
    now = moment(5, shape=SHAPE, model=keras.Sequential([keras.Input(SHAPE), *body]))
    recorder, writer = AttentionRecorder(), MemoryWriter()
    recorder.on_epoch(now, writer)
    assert writer.written == {}
    assert "more than one output position" in recorder.leaves_out(now)["attention/"]


def test_before_the_first_epoch_nothing_is_drawn_and_nothing_left_out() -> None:
    from tbcli.recorders.attention import AttentionRecorder

    now = replace(moment(5, shape=SHAPE, model=convolutional()), probe=None)
    recorder, writer = AttentionRecorder(), MemoryWriter()
    recorder.on_epoch(now, writer)
    assert writer.written == {}
    assert recorder.leaves_out(now) == {}


def test_a_prediction_that_is_no_number_stops_nothing() -> None:
    now = moment(3, shape=SHAPE, model=convolutional())
    nothing = evidence_of(now.dataset.probe, 3, np.full((3, 3), np.nan, np.float32))
    now.model.set_weights([np.full_like(weights, np.nan) for weights in now.model.get_weights()])
    assert written_by(replace(now, probe=nothing)).written


@pytest.mark.slow
def test_a_real_training_leaves_grad_cam_and_kernels_of_every_epoch(tiny: Tiny) -> None:
    recording = tiny.record["recording"]
    assert not {"kernels", "attention"} & set(recording["switched_off"])
    assert recording["left_out"] == {}
    for where, tag in (("validation", b"attention/grad_cam"), ("train", b"kernels/conv1")):
        events = b"".join(path.read_bytes() for path in (tiny.run.logs / where).glob("events.*"))
        assert events.count(tag) == (3 if where == "validation" else 4)
