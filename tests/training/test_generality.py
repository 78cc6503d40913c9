"""Every recorder and every figure works for models and data that are not MNIST and a small convolutional network."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbcli.config import Config, DataConfig
from tbcli.data import SOURCES
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.errors import DoesNotFit
from tbcli.models import ARCHITECTURES
from tbcli.runs import Run
from tbcli.runs.evidence import read_predictions
from tbcli.tasks import MULTI_LABEL, REGRESSION
from tbcli.training import Narrator, train

pytestmark = [pytest.mark.tf, pytest.mark.slow]
HERE = "tests.training.test_generality"


def blobs(config: DataConfig, *, classes: int = 3, shape: tuple[int, ...] = (8, 8, 1)) -> Dataset:
    """Return noise around a mean of its class, which any model can learn a little of."""
    random = np.random.default_rng(1)
    samples = config.limit_samples or 240
    labels = random.permutation(np.arange(samples) % classes)
    means = random.integers(60, 200, (classes, *shape))
    inputs = np.clip(means[labels] + random.normal(0, 20, (samples, *shape)), 0, 255).astype(np.uint8)
    names = tuple(f"class {number} | <b>" for number in range(classes))
    half = samples // 2
    return cut_splits("blobs", (inputs[:half], labels[:half]), (inputs[half:], labels[half:]), names, config)


def two_classes(config: DataConfig) -> Dataset:
    return blobs(config, classes=2)


def many_classes(config: DataConfig) -> Dataset:
    return blobs(config, classes=200, shape=(6, 6, 3))


def colour_images(config: DataConfig) -> Dataset:
    return blobs(config, shape=(16, 16, 3))


def rows(config: DataConfig) -> Dataset:
    return blobs(config, shape=(5,))


def values(config: DataConfig) -> Dataset:
    random = np.random.default_rng(2)
    inputs = random.normal(size=(240, 5)).astype(np.float32)
    labels = (inputs @ random.normal(size=(5, 2)) * 10 + 50).astype(np.float32)
    halves = (inputs[:120], labels[:120]), (inputs[120:], labels[120:])
    return cut_splits("values", *halves, ("price | <b>", "size"), config, task=REGRESSION)


def brightness(config: DataConfig) -> Dataset:
    images = blobs(config, shape=(12, 12, 1)).train.inputs
    labels = images.mean(axis=(1, 2, 3), dtype=np.float32)[:, None]
    names = ("brightness",)
    return cut_splits("brightness", (images, labels), (images, labels), names, config, task=REGRESSION)


def tagged(config: DataConfig) -> Dataset:
    images = blobs(config, shape=(12, 12, 1)).train.inputs
    mean = images.mean(axis=(1, 2, 3))
    labels = np.stack([mean > np.quantile(mean, share) for share in (0.3, 0.5, 0.9)], axis=1).astype(np.uint8)
    names = ("not dark", "bright | <b>", "very bright")
    return cut_splits("tagged", (images, labels), (images, labels), names, config, task=MULTI_LABEL)


def an_absent_class(config: DataConfig) -> Dataset:
    data = blobs(config, shape=(12, 12, 1))
    assert data.validation is not None
    held_out = data.validation.positions
    data.train.labels[held_out[data.train.labels[held_out] == 1]] = 2
    return data


def dense(input_shape: tuple[int, ...], classes: int) -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="relu", name="features"),
            keras.layers.Dense(1, activation="sigmoid", dtype="float32")
            if classes == 2
            else keras.layers.Dense(classes, activation="softmax", dtype="float32"),
        ]
    )


def wrong_head(input_shape: tuple[int, ...], classes: int) -> Any:
    import keras

    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes + 1)])


def subclassed(classes: int) -> Any:
    import keras

    @keras.saving.register_keras_serializable("tests")
    class Subclassed(keras.Model):
        def __init__(self, classes: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.classes = classes
            self.flat = keras.layers.Flatten()
            self.dense = keras.layers.Dense(8, activation="relu")
            self.head = keras.layers.Dense(classes, activation="softmax", dtype="float32")

        def call(self, inputs: Any) -> Any:
            return self.head(self.dense(self.flat(keras.ops.cast(inputs, "float32")) / 255))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "classes": self.classes}

    return Subclassed(classes)


class Listener(Narrator):
    """Collects warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def train_one(workspace: Path, data: str, model: str = "dense", **settings: object) -> tuple[Run, list[str]]:
    """Return a run of one epoch with every recorder, and what training warned of."""
    config = Config().updated(
        {
            "data.source": data,
            "model.name": model if model in ARCHITECTURES else f"{HERE}:{model}",
            "train.epochs": 1,
            "train.batch_size": 32,
            "train.steps_per_execution": 2,  # the speed is that of all but the first
            "train.precision": "float32",
            "record.recorders": "full",
            "paths.workspace": str(workspace),
            **settings,
        }
    )
    listener = Listener()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SOURCES, data, f"{HERE}:{data}")
        return train(config, listener), listener.warnings


def broken(run: Run) -> dict[str, str]:
    """Return the recorders that failed, rather than having nothing to show."""
    switched_off: dict[str, str] = run.record["recording"]["switched_off"]
    return {name: reason for name, reason in switched_off.items() if "Error" in reason or "Exception" in reason}


CASES = {
    "a binary classifier with one output": ("two_classes", "dense", {}),
    "200 classes in colour": ("many_classes", "dense", {"data.limit_samples": 600}),
    "colour images": ("colour_images", "cnn", {}),
    "rows of numbers": ("rows", "dense", {}),
    "a subclassed model": ("colour_images", "subclassed", {}),
    "a class absent from validation": ("an_absent_class", "cnn", {}),
    "a single validation sample": ("colour_images", "dense", {"data.validation_split": 0.009}),
    "values": ("values", "mlp", {}),
    "values of images": ("brightness", "cnn", {}),
    "labels": ("tagged", "cnn", {}),
    "no validation": ("colour_images", "cnn", {"data.validation_split": 0}),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Run, list[str]]]:
    """One training for each case, all in one workspace."""
    workspace = tmp_path_factory.mktemp("cases")
    return {case: train_one(workspace, data, model, **settings) for case, (data, model, settings) in CASES.items()}


@pytest.fixture(scope="module")
def excused(trained: dict[str, tuple[Run, list[str]]]) -> dict[str, set[str]]:
    """By run, the recorders that left something out and said why, where every dashboard shows all else."""
    argv = [
        sys.executable,
        "-m",
        "tbcli",
        "serve",
        "--audit",
        "--json",
        *(str(run.logs) for run, _ in trained.values()),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    found: dict[str, set[str]] = {}
    for gap in json.loads(done.stdout)["excused"]:
        found.setdefault(gap["run"], set()).add(gap["recorder"])
    return found


WITHOUT_CONVOLUTION = {"attention", "kernels"}
SILENT = {
    "a binary classifier with one output": WITHOUT_CONVOLUTION,
    "200 classes in colour": WITHOUT_CONVOLUTION,
    "rows of numbers": {*WITHOUT_CONVOLUTION, "mistakes", "samples"},
    "values": {*WITHOUT_CONVOLUTION, "mistakes", "pr_curves", "samples"},
    "values of images": {"pr_curves"},
    "a subclassed model": {*WITHOUT_CONVOLUTION, "activations", "gradients", "graphs"},
    "a single validation sample": WITHOUT_CONVOLUTION,
    "no validation": {"confusion", "hparams", "mistakes", "pr_curves", "projector", "scalars", "text"},
}
"""The recorders that leave something out, and say why."""


@pytest.mark.parametrize("case", CASES)
def test_a_full_recording_works_for(
    case: str, trained: dict[str, tuple[Run, list[str]]], excused: dict[str, set[str]]
) -> None:
    run, warnings = trained[case]
    assert run.status() == "finished"
    assert broken(run) == {}, warnings
    assert excused.get(run.id, set()) == SILENT.get(case, set())
    assert math.isfinite(run.metrics[f"test_{run.judge}"])
    if run.task_name != "classification":
        return
    with np.load(run.evidence_file) as evidence:
        assert evidence["test_probabilities"].sum(axis=-1) == pytest.approx(1, abs=1e-3)
        guesses = evidence["test_probabilities"].argmax(axis=-1)
        assert np.mean(guesses == evidence["test_labels"]) == pytest.approx(run.metrics["test_accuracy"], abs=1e-6)


@pytest.mark.parametrize("case", ["values", "values of images", "labels"])
def test_what_is_no_classification_is_drawn_as_what_it_is(case: str, trained: dict[str, tuple[Run, list[str]]]) -> None:
    run, _ = trained[case]
    seen = read_predictions(run)
    assert seen.task.name == run.task_name
    drawn = {picture.stem for picture in run.plots.iterdir()}
    of_values = {"predicted_vs_true", "residuals"}
    assert drawn - of_values >= {"training_history", "summary", "embedding_pca", "mistakes"}
    assert (drawn >= of_values) == (case != "labels")
    assert ("confusion_matrix" in drawn) == (case == "labels")
    if case == "labels":
        right = float((seen.guesses == seen.labels).mean())
        assert right == pytest.approx(run.metrics["test_binary_accuracy"], abs=1e-6)
    else:
        errors = np.abs(seen.outputs.astype(np.float64) - seen.labels).mean()
        assert errors == pytest.approx(run.metrics["test_mae"], rel=1e-5)


def test_a_model_with_the_wrong_number_of_outputs_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match=r"4 outputs.*3 classes"):
        train_one(tmp_path, "colour_images", "wrong_head")
