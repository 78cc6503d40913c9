"""Raw values are scaled inside the model, by what the training rows are like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data.dataset import Column, Dataset, Split, cut_splits
from tests.models.data_sets import COLUMNS, noise, table

pytestmark = pytest.mark.tf


def prepared(dataset: Dataset, precision: str = "float32") -> np.ndarray:
    """Return the training samples as the first layer that learns sees them."""
    import keras

    from tbcli.models.preparing import prepare_inputs

    keras.config.set_dtype_policy(precision)
    try:
        model = keras.Model(*prepare_inputs(dataset))
    finally:
        keras.config.set_dtype_policy("float32")
    return np.asarray(model(dataset.train.batch(slice(None))[0]), np.float32)


def rows(values: Any) -> Dataset:
    values = np.asarray(values)
    return cut_splits("rows", (values, np.arange(len(values)) % 2), None, ("a", "b"), DataConfig(validation_split=0))


def test_bytes_are_divided_by_255() -> None:
    dataset = noise(4, 4, 1)
    assert np.allclose(prepared(dataset), dataset.train.batch(slice(None))[0] / 255)


def test_bytes_that_do_not_use_their_range_are_scaled_as_numbers() -> None:
    values = np.random.default_rng(0).integers(0, 2, (300, 4, 4, 1)).astype(np.uint8)
    assert prepared(rows(values)).std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint16])
def test_other_numbers_get_mean_0_and_deviation_1(dtype: Any) -> None:
    values = np.random.default_rng(0).integers(0, 1000, (500, 3)) * [1, 10, 60] + [0, 0, 5000]
    found = prepared(rows(values.astype(dtype)))
    assert np.allclose(found.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(found.std(axis=0), 1, atol=1e-3)


def test_images_of_other_numbers_are_scaled_by_channel() -> None:
    values = np.random.default_rng(0).random((200, 4, 4, 2)) * [1, 100]
    found = prepared(rows(values.astype(np.float32)))
    assert np.allclose(found.std(axis=(0, 1, 2)), 1, atol=1e-3)


def test_years_stay_apart_in_half_precision() -> None:
    found = prepared(rows(np.arange(2000, 2020, dtype=np.float32)[:, None]), "mixed_bfloat16")
    assert len(np.unique(found)) == 20


def test_what_hardly_varies_is_not_blown_up() -> None:
    values = np.zeros((1000, 3), np.float32)
    values[:, 1] = 7.1
    values[0, 2] = 255  # one sample in a thousand: 31 standard deviations
    found = prepared(rows(values))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 10


def test_statistics_are_those_of_the_training_rows_and_come_from_any_source() -> None:
    from tbcli.models.preparing import statistics_of

    class Stream:
        shape, dtype = (90_000, 2), np.dtype(np.float32)

        def __getitem__(self, positions: np.ndarray) -> np.ndarray:
            assert len(positions) <= 30_000
            return np.stack([positions, positions * 0 + 1e6], axis=1).astype(np.float32)

    mean, std = statistics_of(Split(Stream(), np.zeros(90_000), np.arange(30_000, 90_000)))
    assert mean == pytest.approx([60_000, 1e6], rel=1e-3)
    assert std == pytest.approx([60_000 / 12**0.5, 1], rel=1e-3)


def test_the_columns_of_a_table_are_normalised_one_hot_or_embedded() -> None:
    dataset = table()
    codes, _ = dataset.train.batch(slice(None))
    found = prepared(dataset)
    assert found[:, 0] == pytest.approx((codes[:, 0] - 40) / 10, abs=1e-5)
    assert np.array_equal(found[:, 1:4], np.eye(3)[codes[:, 1].astype(int)])
    same = [np.array_equal(found[i, 4:], found[j, 4:]) for i in range(10) for j in range(10)]
    assert same == [codes[i, 2] == codes[j, 2] for i in range(10) for j in range(10)]


@pytest.mark.parametrize("column", [COLUMNS[0], COLUMNS[1], Column("a b", mean=1.0, std=0.0)])
def test_one_column_is_enough(column: Column) -> None:
    assert np.isfinite(prepared(table([column]))).all()
