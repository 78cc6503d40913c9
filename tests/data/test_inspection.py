"""What `tbcli data` finds: duplicates, leaks, rare classes, scales that differ; and nothing where all is well."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data.arrays import dataset_of_arrays
from tbcli.data.dataset import Dataset
from tbcli.data.inspection import Inspection, inspect_dataset
from tbcli.data.leaks import find_leaks

RANDOM = np.random.default_rng(0)
COUNT = 600


def dataset(x: np.ndarray, y: np.ndarray, **settings: object) -> Dataset:
    return dataset_of_arrays("mine", {"": (x, y)}, DataConfig(**settings))  # type: ignore[arg-type]


def found(x: np.ndarray, y: np.ndarray) -> dict[str, str]:
    return dict(inspect_dataset(dataset(x, y)).findings)


def values() -> np.ndarray:
    return RANDOM.normal(size=(COUNT, 6))


def test_data_without_faults_have_no_findings() -> None:
    assert not found(values(), np.arange(COUNT) % 3)
    assert not found(values(), RANDOM.random(COUNT))
    assert not found(values(), (RANDOM.random((COUNT, 3)) > 0.5).astype(int))
    x = values()
    assert not found(x, (x[:, 0] + RANDOM.normal(size=COUNT) > 0).astype(int))


@pytest.mark.parametrize("leak", ["number", "scaled", "tree", "noisy"])
@pytest.mark.parametrize("task", ["classes", "two", "label", "value"])
def test_an_input_that_gives_the_target_away_is_found(task: str, leak: str) -> None:
    y = {
        "classes": np.arange(COUNT) % 4,
        "two": np.arange(COUNT) % 2,
        "label": (RANDOM.random((COUNT, 3)) > 0.5) * 1,
    }.get(task, RANDOM.normal(size=COUNT))
    target = y[:, 1] if y.ndim == 2 else y
    x = values()
    x[:, 4] = {
        "number": target,
        "scaled": 3 - target * 7,
        "tree": np.tanh(target),
        "noisy": target + RANDOM.normal(size=COUNT) / 1000,
    }[leak]
    data = dataset(x, y)
    leaks = find_leaks(data)
    assert [each.place for each in leaks] == [4]
    assert leaks[0].target == (1 if y.ndim == 2 else 0)
    assert "value 4 alone predicts the target" in dict(inspect_dataset(data).findings)["leak"]


def test_a_pixel_that_gives_the_class_away_is_found() -> None:
    images = RANDOM.integers(0, 256, (COUNT, 9, 8, 3), np.uint8)
    images[:, 2, 5, 1] = np.arange(COUNT) % 3 * 100
    assert "the value at [2, 5, 1] alone predicts" in found(images, np.arange(COUNT) % 3)["leak"]


def test_a_frequent_class_is_no_leak() -> None:
    assert not find_leaks(dataset(values(), (np.arange(COUNT) % 200 == 0).astype(int)))


def test_samples_of_several_splits_and_contradictions_are_counted() -> None:
    x = values()
    parts = {"train": (x[:400], np.arange(400) % 2), "test": (x[350:], np.arange(250) % 2)}
    facts = inspect_dataset(dataset_of_arrays("mine", parts, DataConfig(validation_split=0.0)))
    assert facts.splits["test"].in_train == 50
    assert dict(facts.findings)["duplicates"].startswith("50 of 250 samples (20.0%) of the test split")
    twice = np.concatenate([x, x[:30]])
    contradicting = found(twice, np.concatenate([np.arange(COUNT) % 3, (np.arange(30) + 1) % 3]))
    assert contradicting["contradiction"].endswith(
        "training samples have the same inputs as another, but a different target"
    )


def test_rare_classes_and_imbalance_are_found() -> None:
    findings = found(values(), np.array(["usual"] * (COUNT - 8) + ["rare"] * 8))
    assert "always predicting 'usual' scores" in findings["imbalance"]
    assert "classes with fewer than 10 training samples: rare" in findings["few"]


def test_scales_that_differ_constants_and_outliers_are_found() -> None:
    x = values()
    x[:, 2] = 7
    parts = {"train": (x, np.arange(COUNT) % 2), "test": (x * 255 + 100, np.arange(COUNT) % 2)}
    findings = dict(inspect_dataset(dataset_of_arrays("mine", parts, DataConfig())).findings)
    assert "inputs of the test split have mean" in findings["range"]
    assert findings["constant"].endswith(": 2")
    y = RANDOM.normal(size=COUNT)
    y[5] = 1000
    whole = dataset(values(), y, validation_split=0.0, test_split=0.0)
    assert "1 values of 'value' are more than 10" in dict(inspect_dataset(whole).findings)["outliers"]


def test_ranges_are_those_of_numpy() -> None:
    x = values().astype(np.float32)
    facts: Inspection = inspect_dataset(dataset(x, RANDOM.random(COUNT)))
    for name, split in facts.dataset.splits.items():
        shown, rows = facts.splits[name].inputs, x[split.positions]
        expected = (rows.min(), rows.max(), rows.mean(dtype=float), rows.std(dtype=float))
        assert np.allclose((shown.minimum, shown.maximum, shown.mean, shown.std), expected)
        assert sum(facts.splits[name].counts) == 0
    assert facts.as_document()["targets"][0]["name"] == "value"
