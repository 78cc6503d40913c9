"""Every network takes raw values of any suitable shape, and ends with the task's head in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tbcli.config import DataConfig, ModelConfig
from tbcli.data.dataset import cut_splits
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.models import ARCHITECTURES, FEATURES, build_model
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task
from tests.models.data_sets import noise, table

pytestmark = pytest.mark.tf

IMAGE_MODELS = [name for name, entry in ARCHITECTURES.items() if entry.is_for_images]


def outputs_of(model: Any, dataset: Any) -> np.ndarray:
    samples, _ = dataset.train.batch(slice(8))
    return np.asarray(model(samples, training=False))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_probabilities_are_float32_under_every_policy(name: str) -> None:
    dataset = noise(28, 28, 1)
    for precision in ("float32", "mixed_bfloat16", "mixed_float16"):
        model = build_model(ModelConfig(name=name), dataset, precision)
        found = outputs_of(model, dataset)
        assert found.dtype == "float32"
        assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
        computing = [layer.compute_dtype for layer in model.layers if layer.weights][:-1]
        assert set(computing) <= {precision.removeprefix("mixed_")}


def reference_cnn() -> Any:
    """Return what the cnn is for MNIST, written out: runs of today must be those of yesterday, to the bit."""
    import keras
    from keras import layers

    inputs = keras.Input((28, 28, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64):
        x = layers.ReLU()(layers.MaxPooling2D()(layers.Conv2D(filters, 3)(x)))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.3)(x)  # the order in which layers are made is that of their seeds
    return keras.Model(inputs, layers.Dense(10, activation="softmax", dtype="float32")(x))


def test_the_cnn_for_mnist_stays_the_same_to_the_bit() -> None:
    import keras

    dataset = noise(28, 28, 1)
    keras.utils.set_random_seed(7)
    model = build_model(ModelConfig(name="cnn"), dataset, "float32")
    keras.utils.set_random_seed(7)
    reference = reference_cnn()
    samples, _ = dataset.train.batch(slice(8))
    assert [weights.shape for weights in model.get_weights()] == [each.shape for each in reference.get_weights()]
    for training in (False, True):
        assert np.array_equal(model(samples, training=training), reference(samples, training=training))
    names = ["pixels", "scaling", "conv1", "pool1", "relu1", "conv2", "pool2", "relu2"]
    assert [layer.name for layer in model.layers] == [*names, "flatten", FEATURES, "dropout", "probabilities"]


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 4, 1), (5, 7, 3), (8, 8), (96, 24, 4)])
def test_images_of_any_size_fit(shape: tuple[int, ...]) -> None:
    dataset = noise(*shape, classes=4)
    for name in ARCHITECTURES:
        assert outputs_of(build_model(ModelConfig(name=name), dataset, "float32"), dataset).shape == (8, 4)


def test_larger_images_get_more_stages_rather_than_a_huge_dense_layer() -> None:
    model = build_model(ModelConfig(name="cnn"), noise(128, 128, 3), "float32")
    assert model.get_layer("conv4").filters == 128
    assert model.count_params() < 1_500_000


@pytest.mark.parametrize("shape", [(784,), (2, 3, 28, 28)])
@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_samples_that_are_no_images_do_not_fit_and_the_shape_is_told(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(DoesNotFit, match=rf"model '{name}' cannot take samples of shape \(") as caught:
        build_model(ModelConfig(name=name), noise(*shape), "float32")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["mlp", "linear"])
def test_anything_else_is_flattened(name: str) -> None:
    for dataset in (noise(12), noise(5, 6, dtype=np.float64), noise(2, 3, 4, 5), table()):
        assert len(outputs_of(build_model(ModelConfig(name=name), dataset, "float32"), dataset)) == 8


@pytest.mark.parametrize(
    ("task", "classes", "layer"),
    [(CLASSIFICATION, 2, "probabilities"), (MULTI_LABEL, 3, "probabilities"), (REGRESSION, 2, "values")],
)
def test_the_head_follows_from_the_task(task: Task, classes: int, layer: str) -> None:
    dataset = noise(8, 8, 1, task=task, classes=classes)
    model = build_model(ModelConfig(name="mlp"), dataset, "mixed_bfloat16")
    assert model.layers[-1].name == layer
    assert outputs_of(model, dataset).shape == (8, classes)


def test_values_begin_at_the_mean_of_the_targets() -> None:
    dataset = noise(12, task=REGRESSION, classes=2)
    targets = dataset.train.labels[dataset.train.positions]
    found = outputs_of(build_model(ModelConfig(name="mlp"), dataset, "float32"), dataset)
    assert np.allclose(found, targets.mean(axis=0), rtol=1e-6)


def test_arguments_change_the_network() -> None:
    dataset = noise(28, 28, 1)
    config = ModelConfig(name="cnn", args=("units=16", "depth=3", "dropout=0.5"), dropout=0.2)
    model = build_model(config, dataset, "float32")
    assert model.get_layer(FEATURES).units == 16
    assert model.get_layer("dropout").rate == 0.5
    assert model.get_layer("conv3").filters == 128
    assert build_model(ModelConfig(name="mlp", dropout=0.2), dataset, "float32").get_layer("dropout").rate == 0.2


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        (ModelConfig(name="cnn", args=("unit=3",)), "takes no argument 'unit'", "units, dropout"),
        (ModelConfig(name="linear", args=("units=3",)), "takes no argument 'units'", "no arguments"),
        (ModelConfig(name="mlp", args=("units=many",)), "units must be int", "units=1"),
        (ModelConfig(name="linear", dropout=0.5), "no dropout", "remove"),
    ],
)
def test_an_argument_that_nothing_takes_is_an_error(config: ModelConfig, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        build_model(config, noise(28, 28, 1), "float32")
    assert hint in caught.value.hint


def test_no_dropout_is_what_a_network_without_it_has() -> None:
    assert build_model(ModelConfig(name="linear", dropout=0), noise(12), "float32").count_params() == 130


def test_a_value_that_keras_refuses_is_an_error_of_one_line() -> None:
    with pytest.raises(DoesNotFit) as caught:
        build_model(ModelConfig(name="mlp", args=("units=-1",)), noise(12), "float32")
    assert "units" in caught.value.message
    assert "\n" not in caught.value.message


def test_auto_builds_what_suits_the_data() -> None:
    assert [build_model(ModelConfig(), data, "float32").name for data in (noise(8, 8, 1), noise(12))] == ["cnn", "mlp"]


def test_the_usual_precision_is_given_back() -> None:
    import keras

    build_model(ModelConfig(name="mlp"), noise(12), "mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(DoesNotFit):
        build_model(ModelConfig(name="cnn"), noise(3), "mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"


def test_images_are_shifted_in_training_alone_and_the_saved_model_has_no_layer_for_it() -> None:
    dataset = noise(16, 16, 1, classes=3)
    config = ModelConfig(name="vit", args=("shift=0.2", "units=8", "depth=1", "dropout=0"))
    training = build_model(config, dataset, "float32", for_training=True)
    final = build_model(config, dataset, "float32")
    final.set_weights(training.get_weights())
    samples, _ = dataset.train.batch(slice(8))
    assert np.allclose(training(samples, training=False), final(samples), atol=1e-6)
    assert not np.allclose(training.get_layer("shift")(samples, training=True), samples)
    assert "shift" not in [layer.name for layer in final.layers]


@pytest.mark.slow
def test_targets_of_any_size_are_learnt_in_a_few_steps() -> None:
    import keras

    inputs = np.random.default_rng(0).normal(50, 20, (512, 4)).astype(np.float32)
    values = (inputs @ [[1.0], [-2.0], [0.5], [0.0]] + np.abs(inputs[:, :1])).astype(np.float32)
    for scale, offset in ((1, 0), (1e6, 3e7), (1e-4, 0)):
        targets = (values * scale + offset).astype(np.float32)
        dataset = cut_splits("rows", (inputs, targets), None, ("y",), DataConfig(), task=REGRESSION)
        model = build_model(ModelConfig(name="mlp"), dataset, "float32")
        model.compile(keras.optimizers.Adam(0.002), "mean_squared_error")
        model.fit(*dataset.train.batch(slice(None)), epochs=8, batch_size=64, verbose=0)
        assert dataset.validation is not None
        held_out, expected = dataset.validation.batch(slice(None))
        errors = np.asarray(model(held_out, training=False)) - expected
        assert errors.var() < 0.2 * expected.var()  # R2 above 0.8
