"""NaN is found where it is, in the sample or in the layer, although the loss does not show it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from tbcli.config import DataConfig
from tbcli.data import SOURCES
from tbcli.data.dataset import Dataset, Split, cut_splits
from tbcli.errors import Diverged
from tbcli.runs import RunStore
from tbcli.training import epoch
from tbcli.training.health import Health, WatchedSource, first_not_finite
from tests.tiny import small_config

pytestmark = pytest.mark.tf

HERE = "tests.training.test_health"
POISONED = 50  # a sample that is trained on, as `split_index` proves


class Stream:
    """A source that is no array."""

    def __init__(self, samples: np.ndarray) -> None:
        self._samples = samples
        self.shape, self.dtype = samples.shape, samples.dtype

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        return self._samples[positions]


def images(count: int = 200) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (count, 12, 12, 1)).astype(np.float32)


def dataset_of(inputs: Any, test: Any = None) -> Dataset:
    labels = np.arange(inputs.shape[0]) % 3
    held = None if test is None else (test, np.arange(test.shape[0]) % 3)
    return cut_splits("some", (inputs, labels), held, ("a", "b", "c"), DataConfig())


def poisoned(config: DataConfig) -> Dataset:
    """Return data with one NaN in one pixel of one sample that is trained on."""
    inputs = images()
    dataset = dataset_of(inputs, images(20))
    inputs[dataset.train.positions[POISONED], 5, 5, 0] = np.nan
    return dataset


def poisoned_stream(config: DataConfig) -> Dataset:
    inputs = images()
    clean = dataset_of(inputs)
    inputs[clean.train.positions[POISONED], 5, 5, 0] = np.nan
    return dataset_of(Stream(inputs), Stream(images(20)))


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "an infinity"), (-np.inf, "an infinity")])
@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("kind", [np.float32, np.float16, np.float64])
def test_a_bad_sample_is_named_with_its_split(split: str, value: float, word: str, kind: type) -> None:
    dataset = dataset_of(images().astype(kind), images(50).astype(kind))
    index = int(getattr(dataset, split).positions[7])
    getattr(dataset, split).inputs[index, 3, 4, 0] = value
    spoken = "training" if split == "train" else split
    with pytest.raises(Diverged, match=f"sample {index} of the {spoken} data holds {word}$"):
        Health(dataset).check_inputs()


def test_samples_that_are_not_used_and_bytes_are_not_looked_at() -> None:
    inputs = images()
    inputs[13] = np.nan
    positions = np.setdiff1d(np.arange(200), [13])
    Health(Dataset("some", Split(inputs, np.zeros(200, np.int64), positions), None, None, ("a",))).check_inputs()
    Health(dataset_of(images().astype(np.uint8), images(5).astype(np.uint8))).check_inputs()


def test_samples_on_disk_are_looked_at_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.training.health._CHUNK_VALUES", 1000)  # seven samples
    inputs = images()
    inputs[101, 0, 0, 0] = np.nan
    np.save(tmp_path / "inputs.npy", inputs)
    dataset = dataset_of(np.load(tmp_path / "inputs.npy", mmap_mode="r"))
    with pytest.raises(Diverged, match="sample 101 of the"):
        Health(dataset).check_inputs()


def test_a_stream_is_looked_at_as_it_is_drawn() -> None:
    health = Health(poisoned_stream(DataConfig()))
    health.check_inputs()  # reads nothing
    train = health.dataset.train
    assert isinstance(train.inputs, WatchedSource)
    train.batch(slice(0, POISONED))
    health.check_batches()
    inputs, _ = train.batch(slice(POISONED - 5, POISONED + 5))
    assert np.isnan(inputs).sum() == 1
    with pytest.raises(Diverged, match=f"sample {train.positions[POISONED]} of the training data holds NaN"):
        health.check_batches()


def test_a_stream_of_bytes_and_arrays_are_used_as_they_are() -> None:
    for inputs in (Stream(images().astype(np.uint8)), images()):
        dataset = dataset_of(inputs)
        assert Health(dataset).dataset.train.inputs is inputs


def test_the_first_bad_row_is_found() -> None:
    rows = np.zeros((6, 2, 3))
    assert first_not_finite(rows) is None
    assert first_not_finite(rows[:0]) is None
    rows[4, 1, 2], rows[3, 0, 0] = np.nan, np.inf
    assert first_not_finite(rows) == 3


def test_a_broken_weight_is_named_with_its_layer_and_step() -> None:
    import keras

    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="one"), keras.layers.BatchNormalization(name="two")]
    )
    health = Health(dataset_of(images()))
    health.check_weights(model, 1)
    variable = model.get_layer("two").moving_mean  # no gradient moves it
    variable.assign([0.0, np.nan, 0.0])
    with pytest.raises(Diverged, match=r"diverged: weights of two/moving_mean hold NaN at step 7"):
        health.check_weights(model, 7)
    model.get_layer("one").kernel.assign(np.full((4, 3), np.inf))
    with pytest.raises(Diverged, match=r"diverged: weights of one/kernel and of 1 more hold an infinity at step 8"):
        health.check_weights(model, 8)


Cli = Callable[..., Result]


@pytest.fixture
def trained(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[Result, dict[str, Any]]]:
    def run(source: str) -> tuple[Result, dict[str, Any]]:
        monkeypatch.setitem(SOURCES, source, f"{HERE}:{source}")
        result = cli(
            *("train", "--data", source, "--epochs", "2", "--batch-size", "10", "--precision", "float32", "--quiet"),
            *("--record", "scalars", "--set", "train.steps_per_execution=2"),
        )
        (found,) = RunStore(small_config(Path.cwd()).paths).list()
        return result, found.record

    return run


def test_a_nan_in_one_image_is_named_before_anything_is_trained(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "poisoned", f"{HERE}:poisoned")
    index = poisoned(DataConfig()).train.positions[POISONED]
    result = cli("train", "--data", "poisoned", "--quiet")
    assert result.exit_code == 4
    said, hint = result.stderr.splitlines()
    assert f"sample {index} is NaN" in said
    assert hint.startswith("try:   remove those samples")
    assert list(Path().iterdir()) == []


def test_a_nan_in_a_stream_ends_the_run_as_diverged(trained: Any) -> None:
    index = poisoned(DataConfig()).train.positions[POISONED]
    result, record = trained("poisoned_stream")
    assert result.exit_code == 5
    assert record["reason"] == f"training diverged: sample {index} of the training data holds NaN"


def test_without_a_look_at_the_samples_the_weights_tell_although_the_loss_does_not(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbcli.data.checks._check_inputs", lambda *_: None)
    monkeypatch.setattr(Health, "check_inputs", lambda self: None)
    losses: list[float] = []
    monkeypatch.setattr(epoch, "require_finite", lambda name, logs, step: losses.append(logs[name]))
    result, record = trained("poisoned")
    assert result.exit_code == 5
    assert record["status"] == "diverged"
    assert "weights of conv1/kernel" in record["reason"]
    assert "hold NaN at step" in record["reason"]
    assert np.isfinite(losses).all()
