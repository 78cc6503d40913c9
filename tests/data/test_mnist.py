"""The bundled MNIST is whole, known by its sums, and never silently damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data import load_dataset
from tbcli.data.dataset import Dataset
from tbcli.data.mnist import MNIST_FILE, load_mnist
from tbcli.errors import DoesNotFit, NotFound

# Counted in the files of Yann LeCun and Corinna Cortes: digits 0 to 9.
TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
# Mean pixel of the 60,000 training images as everyone normalises by: 0.1307 of 255.
TRAIN_MEAN = 0.1307


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return load_dataset(DataConfig())


def test_the_whole_set_is_there(mnist: Dataset) -> None:
    assert mnist.validation
    assert mnist.test
    assert (len(mnist.train), len(mnist.validation), len(mnist.test)) == (54_000, 6_000, 10_000)
    assert mnist.input_shape == (28, 28, 1)
    assert mnist.train.inputs.dtype == np.uint8
    assert mnist.class_names == tuple("0123456789")


def test_labels_and_pixels_are_those_of_mnist(mnist: Dataset) -> None:
    assert mnist.test
    assert np.bincount(mnist.train.labels).tolist() == TRAIN_COUNTS
    assert np.bincount(mnist.test.labels).tolist() == TEST_COUNTS
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.train.inputs.mean() / 255 == pytest.approx(TRAIN_MEAN, abs=5e-5)


def test_validation_holds_every_digit(mnist: Dataset) -> None:
    assert mnist.validation
    counts = np.bincount(mnist.validation.labels[mnist.validation.positions], minlength=10)
    assert counts.min() > 500


def test_training_and_validation_share_one_array(mnist: Dataset) -> None:
    assert mnist.validation
    assert mnist.train.inputs is mnist.validation.inputs


def test_a_damaged_file_is_an_error_and_not_a_strange_accuracy(tmp_path: Path) -> None:
    content = bytearray(MNIST_FILE.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(content)
    with pytest.raises(DoesNotFit, match="the MNIST file is damaged: SHA-256") as caught:
        load_mnist(DataConfig(), file=damaged)
    assert "install tbcli again" in caught.value.hint


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(MNIST_FILE.read_bytes()[:1000])
    with pytest.raises(DoesNotFit):
        load_mnist(DataConfig(), file=damaged)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No such file"):
        load_mnist(DataConfig(), file=tmp_path / "mnist.npz")
