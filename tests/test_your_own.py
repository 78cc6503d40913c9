"""Data and models of all kinds through every command that has to do with them, as a user would type it."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:html5lib:DeprecationWarning"),  # of TensorBoard, which the audit asks
]
datasets = pytest.importorskip("sklearn.datasets")
Cli = Callable[..., Result]

CODE = """
import keras
import numpy as np


def blobs(samples: int = 300):
    random = np.random.default_rng(1)
    labels = random.integers(0, 3, samples)
    return (np.eye(3)[labels] * 3 + random.normal(0, 1, (samples, 3))).astype("float32"), labels


def network(input_shape, classes, units=16):
    layers = [keras.Input(input_shape), keras.layers.Dense(units, activation="relu")]
    return keras.Sequential([*layers, keras.layers.Dense(classes, activation="softmax")])
"""


def write_photos(place: Path) -> None:
    digits = datasets.load_digits()
    for number in range(160):
        folder = place / f"digit {digits.target[number]}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (digits.images[number] * 15.9).astype(np.uint8)
        Image.fromarray(pixels).resize((20, 20)).save(folder / f"{number}.png")


def write_table(place: Path, found: Any, target: str) -> None:
    names = [*map(str, found.feature_names), target]
    rows = [[*row, value] for row, value in zip(found.data.tolist(), found.target.tolist(), strict=True)]
    if place.suffix == ".parquet":
        parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        parquet.write_table(arrow.table({name: list(values) for name, values in columns.items()}), place)
        return
    with place.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])


def write_source(kind: str, place: Path) -> tuple[str, list[str], str]:
    """Return what to give as ``--data``, further options, and what to predict of."""
    random = np.random.default_rng(0)
    features = random.normal(size=(300, 6)).astype(np.float32)
    values = features @ random.normal(size=(6, 3))
    match kind:
        case "folder":
            write_photos(place / "photos")
            return "photos", [], "photos"
        case "zip":
            write_photos(place / "photos")
            with zipfile.ZipFile(place / "photos.zip", "w") as archive:
                for path in (place / "photos").rglob("*.png"):
                    archive.write(path, path.relative_to(place))
            return "photos.zip", [], "photos/digit 1"
        case "npz":
            digits = datasets.load_digits()
            np.savez(place / "digits.npz", x=digits.images.astype(np.uint8), y=digits.target)
            return "digits.npz", [], "digits.npz"
        case "binary csv":
            write_table(place / "cancer.csv", datasets.load_breast_cancer(), "malignant")
            return "cancer.csv", ["--target", "malignant"], "cancer.csv"
        case "regression csv":
            write_table(place / "diabetes.csv", datasets.load_diabetes(scaled=False), "progression")
            return "diabetes.csv", ["--target", "progression"], "diabetes.csv"
        case "parquet":
            write_table(place / "wine.parquet", datasets.load_wine(), "cultivar")
            return "wine.parquet", ["--target", "cultivar"], "wine.parquet"
        case "multi-label":
            np.savez(place / "labels.npz", x=features, y=(values > 0.5).astype(int))
            return "labels.npz", [], "labels.npz"
        case "several values":
            np.savez(place / "values.npz", x=features, y=(100 * values[:, :2] + 500).astype(np.float32))
            return "values.npz", [], "values.npz"
        case _:
            (place / "mine.py").write_text(CODE)
            np.savez(place / "some.npz", x=features[:, :3])
            return "mine.py:blobs", ["--model", "mine.py:network", "--model-arg", "units=8"], "some.npz"


KINDS = {
    "folder": "classification",
    "zip": "classification",
    "npz": "classification",
    "binary csv": "classification",
    "regression csv": "regression",
    "parquet": "classification",
    "multi-label": "multi-label",
    "several values": "regression",
    "function": "classification",
}
FIGURES = {
    "classification": {"training_history", "summary", "confusion_matrix", "pr_curves"},
    "multi-label": {"training_history", "summary", "pr_curves"},
    "regression": {"training_history", "summary"},
}


def done(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_any_data_get_everything(kind: str, cli: Cli, workspace: Path) -> None:
    task = KINDS[kind]
    source, options, inputs = write_source(kind, workspace)
    of_data = options if "--target" in options else []
    assert json.loads(done(cli("data", source, *of_data, "--json")).stdout)["data"]["task"] == task
    assert done(cli("train", "--data", source, *options, "--dry-run")).stdout == ""
    assert not (workspace / "logs").exists()
    runs = []
    for seed in ("0", "1"):
        trained = done(cli("train", "--data", source, *options, "--epochs", "2", "--seed", seed, "--audit"))
        runs.append(trained.stdout.splitlines()[0])
    record = json.loads((workspace / "logs" / runs[0] / "run.json").read_text())
    assert record["task"] == task
    assert not record["recording"]["failed"]
    drawn = {Path(line).stem for line in done(cli("plot", runs[0], "--kind", "all")).stdout.splitlines()}
    assert drawn >= FIGURES[task]
    assert "seed" in done(cli("compare", *runs)).stdout
    measured = json.loads(done(cli("evaluate", runs[0], "--json")).stdout)["metrics"]
    expected = {name.removeprefix("test_"): value for name, value in record["metrics"].items() if "test_" in name}
    assert measured == pytest.approx(expected, rel=1e-4, abs=1e-4)
    predicted = json.loads(done(cli("predict", runs[0], inputs, "--json")).stdout)["predictions"]
    assert set(predicted[0]["answer"]) <= set(record["class_names"])
    assert len(predicted) >= 10


def test_a_saved_model_is_fine_tuned(cli: Cli, workspace: Path) -> None:
    source, options, _ = write_source("npz", workspace)
    run = done(cli("train", "--data", source, *options, "--epochs", "1")).stdout.strip()
    model = next((workspace / "models" / run).glob("*.keras"))
    tuned = done(cli("train", "--data", source, "--model", str(model), "--freeze", "conv*", "--epochs", "1", "--audit"))
    assert done(cli("evaluate", tuned.stdout.splitlines()[0])).stdout.startswith("metric")
