"""Augmented images differ from step to step, and the same seed and step give the same ones again."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.config.sections import AUGMENTATIONS
from tbcli.data.dataset import Split
from tbcli.errors import DoesNotFit
from tbcli.training.augmentation import LAYERS, build_augmentation, require_images, value_range

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 12, 16, 3), dtype=np.uint8)
LABELS = np.arange(40, dtype=np.int64) % 2


def split_of(images: np.ndarray) -> Split:
    return Split(images, LABELS, np.arange(len(images), dtype=np.int64))


def test_every_word_of_the_setting_is_a_layer() -> None:
    assert tuple(LAYERS) == AUGMENTATIONS


@pytest.mark.parametrize("shape", [(4,), (8, 8), (8, 8, 2), ()])
def test_what_is_no_image_cannot_be_augmented(shape: tuple[int, ...]) -> None:
    with pytest.raises(DoesNotFit, match="for images"):
        require_images(("flip",), shape)
    require_images((), shape)


def test_images_can_be_augmented() -> None:
    require_images(("flip",), (8, 8, 1))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (IMAGES, (0.0, 255.0)),
        (IMAGES / 255, (0.0, 1.0)),
        (IMAGES.astype(np.int64), (0.0, 255.0)),
        (np.array([-1.5, 2.0]).reshape(2, 1, 1, 1), (-1.5, 2.0)),
    ],
)
def test_the_range_of_values_follows_from_the_samples(samples: np.ndarray, expected: tuple[float, float]) -> None:
    assert value_range(split_of(samples)) == expected


@pytest.mark.tf
@pytest.mark.parametrize("word", LAYERS)
def test_every_step_changes_the_images_and_the_same_step_changes_them_alike(word: str) -> None:
    import tensorflow as tf

    first, again, other = (build_augmentation((word,), seed, split_of(IMAGES)) for seed in (1, 1, 2))
    assert first
    assert again
    assert other
    images = tf.constant(IMAGES)
    changed = first(images, 7)
    assert changed.dtype == images.dtype
    assert changed.shape == images.shape
    assert not np.array_equal(changed, IMAGES)
    first(images, 3)  # whatever was drawn before
    assert np.array_equal(first(images, 7), changed)
    assert np.array_equal(again(images, 7), changed)
    assert not np.array_equal(first(images, 8), changed)
    assert not np.array_equal(other(images, 7), changed)


@pytest.mark.tf
def test_floats_stay_floats_within_their_range() -> None:
    import tensorflow as tf

    samples = (IMAGES / 255).astype(np.float32)
    augmentation = build_augmentation(tuple(LAYERS), 0, split_of(samples))
    assert augmentation
    changed = augmentation(tf.constant(samples), 0)
    assert changed.dtype == tf.float32
    assert float(tf.reduce_max(changed)) <= 1


@pytest.mark.tf
def test_height_and_width_are_shifted_independently() -> None:
    import tensorflow as tf

    images = np.zeros((40, 21, 21, 1), np.uint8)
    images[:, 10, 10] = 255
    augmentation = build_augmentation(("translate",), 0, split_of(images))
    assert augmentation
    changed = augmentation(tf.constant(images), 0).numpy()[..., 0]
    rows, columns = changed.max(axis=2).argmax(axis=1), changed.max(axis=1).argmax(axis=1)
    assert np.ptp(rows) >= 2
    assert np.ptp(columns) >= 2
    assert (rows != columns).any()


@pytest.mark.slow
@pytest.mark.tf
def test_a_training_with_it_is_another_one_and_can_be_repeated() -> None:
    import keras

    from tbcli.training.steps import StepLoop

    def trained(words: tuple[str, ...], seed: int) -> np.ndarray:
        split = split_of(IMAGES)
        keras.utils.set_random_seed(0)
        layers = [keras.Input(IMAGES.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
        model = keras.Sequential(layers)
        model.compile("sgd", "sparse_categorical_crossentropy")
        loop = StepLoop(model, split, 10, build_augmentation(words, seed, split))
        loop.run(IMAGES, LABELS)
        assert not [variable for variable in model.variables if "augment" in variable.path or "flip" in variable.path]
        return np.asarray(model.layers[-1].kernel)

    assert np.array_equal(trained(("flip", "translate"), 1), trained(("flip", "translate"), 1))
    assert not np.array_equal(trained(("flip", "translate"), 1), trained((), 1))
    assert not np.array_equal(trained(("flip", "translate"), 1), trained(("flip", "translate"), 2))


def test_nothing_asked_for_is_nothing_done() -> None:
    assert build_augmentation((), 0, split_of(IMAGES)) is None
