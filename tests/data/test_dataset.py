"""Splits are cut the same way in every run, and the order of an epoch depends on seed and epoch alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data import load_dataset, require_source
from tbcli.data.dataset import PROBE_SAMPLES, Dataset, Split, cut_splits, epoch_order, unreadable_sample
from tbcli.errors import DoesNotFit, NotFound

TRAIN = np.arange(1000, dtype=np.uint8).reshape(1000, 1, 1, 1), np.arange(1000, dtype=np.int64) % 10
TEST = TRAIN[0][:200], TRAIN[1][:200]
NAMES = tuple("0123456789")


def cut(**settings: object) -> Dataset:
    return cut_splits("numbers", TRAIN, TEST, NAMES, DataConfig(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999])
def test_train_and_validation_are_disjoint_and_complete(share: float) -> None:
    dataset = cut(validation_split=share)
    assert dataset.validation
    assert len(dataset.validation) == round(1000 * share)
    together = np.concatenate([dataset.train.positions, dataset.validation.positions])
    assert sorted(together) == list(range(1000))


def test_the_same_samples_are_held_out_every_time() -> None:
    first, again = cut(), cut()
    assert first.validation
    assert again.validation
    assert np.array_equal(first.validation.positions, again.validation.positions)
    assert np.array_equal(first.train.positions, again.train.positions)


def test_held_out_samples_are_drawn_from_everywhere() -> None:
    validation = cut().validation
    assert validation
    assert np.ptp(validation.positions) > 800


def test_no_validation_leaves_all_samples_to_training() -> None:
    dataset = cut(validation_split=0.0)
    assert dataset.validation is None
    assert len(dataset.train) == 1000
    assert np.array_equal(dataset.probe.positions, dataset.train.positions[:PROBE_SAMPLES])


def test_the_probe_is_the_beginning_of_validation() -> None:
    dataset = cut(validation_split=0.5)
    assert dataset.validation
    assert np.array_equal(dataset.probe.positions, dataset.validation.positions[:PROBE_SAMPLES])


def test_a_limit_holds_for_training_and_for_test() -> None:
    dataset = cut(limit_samples=50)
    assert dataset.validation
    assert dataset.test
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (45, 5, 50)
    assert len(set(dataset.train.positions) | set(dataset.validation.positions)) == 50


def test_a_limit_beyond_what_there_is_takes_all() -> None:
    dataset = cut(limit_samples=10**9)
    assert dataset.test
    assert (len(dataset.train), len(dataset.test)) == (900, 200)


def test_a_source_may_have_no_test_set() -> None:
    assert cut_splits("numbers", TRAIN, None, NAMES, DataConfig()).test is None


@pytest.mark.parametrize("settings", [{"limit_samples": 4}, {"limit_samples": 1}, {"validation_split": 0.9999}])
def test_a_split_that_would_be_empty_is_refused_with_the_numbers(settings: dict[str, object]) -> None:
    with pytest.raises(DoesNotFit, match=r"samples cannot be split with data\.validation_split=") as caught:
        cut(**settings)
    assert "--validation-split" in caught.value.hint


def test_one_sample_is_enough_without_validation() -> None:
    assert len(cut(limit_samples=1, validation_split=0.0).train) == 1


def test_a_batch_pairs_each_input_with_its_label() -> None:
    split = cut().train
    inputs, labels = split.batch(np.array([3, 1, 3]))
    assert np.array_equal(labels, TRAIN[1][split.positions[[3, 1, 3]]])
    assert np.array_equal(inputs[:, 0, 0, 0], TRAIN[0][split.positions[[3, 1, 3]], 0, 0, 0])
    assert len(split.batch(slice(890, 2000))[1]) == 10


def test_the_shape_of_a_sample_is_told_by_the_source() -> None:
    assert cut().input_shape == (1, 1, 1)
    assert len(Split(TRAIN[0], TRAIN[1], np.array([7, 8], np.int64)).first(1)) == 1


def test_an_order_is_a_permutation_and_a_function_of_seed_and_epoch_alone() -> None:
    orders = {(seed, epoch): epoch_order(100, seed, epoch) for seed in (0, 1) for epoch in (1, 2, 3)}
    for (seed, epoch), order in orders.items():
        assert sorted(order) == list(range(100))
        assert np.array_equal(order, epoch_order(100, seed, epoch))
    assert len({tuple(order) for order in orders.values()}) == len(orders)


def test_the_order_of_an_epoch_stays_what_it_was_in_older_versions() -> None:
    assert epoch_order(8, 0, 1).tolist() == [1, 3, 7, 6, 0, 4, 2, 5]
    assert epoch_order(8, 4_294_967_295, 1_000_000).tolist() == [3, 7, 2, 6, 4, 5, 0, 1]


def test_an_unknown_source_is_not_found_and_the_closest_is_named() -> None:
    with pytest.raises(NotFound, match="no data 'mnits'") as caught:
        require_source("mnits")
    assert "did you mean 'mnist'" in caught.value.hint
    with pytest.raises(NotFound):
        load_dataset(DataConfig(source=str(Path("nowhere") / "file.npz")))


class Failing:
    """A source that fails at some positions."""

    shape, dtype = (100, 2), np.dtype(np.float32)

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        if np.isin([41, 57], positions).any():
            raise self._error
        return np.zeros((len(positions), 2), np.float32)


@pytest.mark.parametrize("error", [KeyError("gone"), OSError(2, "No such file"), StopIteration(), RuntimeError("x")])
def test_a_source_that_fails_is_told_with_the_sample(error: Exception) -> None:
    split = Split(Failing(error), np.zeros(100, np.int64), np.arange(30, 90))
    assert len(split.batch(slice(0, 11))[0]) == 11
    with pytest.raises(type(error)) as caught:
        split.batch(slice(5, 40))
    assert caught.value is error
    failed = unreadable_sample(error)
    assert failed is not None
    assert failed.message.startswith("sample 41 of the data cannot be read: ")
    assert failed.trace


def test_errors_of_others_are_none_of_a_source() -> None:
    assert unreadable_sample(KeyError("x")) is None


def test_what_a_source_says_of_itself_is_told_as_it_is() -> None:
    split = Split(Failing(DoesNotFit("image 'a.png' is gone", hint="x")), np.zeros(100, np.int64), np.arange(100))
    with pytest.raises(DoesNotFit, match=r"^image 'a\.png' is gone$") as caught:
        split.batch(slice(None))
    assert unreadable_sample(caught.value) is None
