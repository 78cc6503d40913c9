"""``tbcli evaluate`` and ``tbcli predict`` ask the model that a run has saved."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from tbcli.data.mnist import MNIST_FILE
from tbcli.runs.evidence import read_predictions
from tests.fakes import make_run
from tests.tiny import Tiny

Cli = Callable[..., Result]


@pytest.fixture
def trained(tiny: Tiny, workspace: Path) -> Tiny:
    """The tiny run in this workspace."""
    for root, name in ((tiny.run.logs, "logs"), (tiny.run.models, "models")):
        shutil.copytree(root, workspace / name / tiny.run.id)
    return tiny


def test_without_a_saved_model_it_is_not_found(cli: Cli, tmp_path: Path) -> None:
    run = make_run(tmp_path, status="interrupted", files=False)
    for words in (["evaluate", run.id], ["predict", run.id, "."]):
        result = cli(*words, "--workspace", str(tmp_path))
        assert result.exit_code == 3
        assert "has no saved model" in result.stderr


def test_a_script_saves_its_own_model(cli: Cli, tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False, record={"data": "n/a", "model": "my_net"})
    result = cli("predict", run.id, ".", "--workspace", str(tmp_path))
    assert result.exit_code == 3
    assert "saves its own" in result.stderr
    assert "n/a" not in result.stderr


@pytest.mark.tf
def test_evaluate_repeats_what_training_measured(cli: Cli, trained: Tiny) -> None:
    result = cli("evaluate", "latest", "--json")
    found = json.loads(result.stdout)
    assert (found["split"], found["samples"]) == ("test", 600)
    expected = {name.removeprefix("test_"): value for name, value in trained.run.metrics.items() if "test_" in name}
    assert found["metrics"] == pytest.approx(expected, abs=1e-6)
    assert not found["data_changed"]


@pytest.mark.tf
def test_evaluate_says_that_the_data_have_changed(cli: Cli, trained: Tiny, workspace: Path) -> None:
    record = workspace / "logs" / trained.run.id / "run.json"
    known = json.loads(record.read_text())
    record.write_text(json.dumps({**known, "evaluation_data": {"test": "of yesterday"}}))
    result = cli("evaluate", "latest", "--json")
    assert json.loads(result.stdout)["data_changed"]
    assert "they have changed" in result.stderr


@pytest.mark.tf
def test_predict_says_what_the_evidence_says(cli: Cli, trained: Tiny, workspace: Path) -> None:
    told = read_predictions(trained.run)
    with np.load(MNIST_FILE) as arrays:
        samples = arrays["x_test"][told.indices[:40]]
    np.savez(workspace / "some.npz", x=samples)
    (workspace / "pictures").mkdir()
    for number, pixels in enumerate(samples[:10]):
        Image.fromarray(pixels).save(workspace / "pictures" / f"{number}.png")
    rows = list(csv.DictReader(cli("predict", "latest", "some.npz", "--csv", "--top", "2").stdout.splitlines()))
    assert [row["label"] for row in rows] == [told.class_names[guess] for guess in told.guesses[:40]]
    confidences = [float(row["confidence"]) for row in rows]
    np.testing.assert_allclose(confidences, told.probabilities[:40].max(axis=1), rtol=1e-4)
    assert list(rows[0]) == ["input", "label", "confidence", "label_2", "confidence_2"]
    document = json.loads(cli("predict", "latest", "pictures", "--json", "--top", "10").stdout)
    answers = [answer["answer"] for answer in document["predictions"]]
    assert answers == [[told.class_names[guess]] for guess in told.guesses[:10]]
    assert all(sum(answer["values"].values()) == pytest.approx(1, abs=1e-5) for answer in document["predictions"])


@pytest.mark.tf
def test_a_broken_image_is_named_and_left_out_or_an_error(cli: Cli, trained: Tiny, workspace: Path) -> None:
    Image.new("L", (28, 28)).save(workspace / "good.png")
    (workspace / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = cli("predict", "latest", "bad.png", "good.png")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert "left out bad.png" in result.stderr
    assert cli("predict", "latest", "bad.png", "good.png", "--strict").exit_code == 4
    assert cli("predict", "latest", "bad.png").exit_code == 4


@pytest.mark.tf
@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.zeros((3, 9, 9), np.uint8)}, "samples of shape"),
        ({"first": np.zeros((3, 28, 28)), "second": np.zeros((3, 28, 28))}, "cannot tell which array"),
    ],
)
def test_arrays_that_do_not_fit_are_told(
    cli: Cli, trained: Tiny, workspace: Path, arrays: dict[str, np.ndarray], said: str
) -> None:
    np.savez(workspace / "some.npz", **arrays)
    result = cli("predict", "latest", "some.npz")
    assert result.exit_code == 4
    assert said in result.stderr


def test_what_is_not_there_is_told_before_a_model_is_loaded(cli: Cli, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.saved_model.parent.mkdir(parents=True, exist_ok=True)
    run.saved_model.touch()
    result = cli("predict", run.id, "nowhere.png", "--workspace", str(tmp_path))
    assert result.exit_code == 3
    assert "nowhere.png" in result.stderr


@pytest.mark.slow
@pytest.mark.tf
def test_every_row_of_a_table_has_an_answer_or_is_an_error(cli: Cli, workspace: Path) -> None:
    rows = [f"{number},{number % 7},{2 * number}" for number in range(40)]
    (workspace / "table.csv").write_text("\n".join(["a,b,y", *rows]))
    assert cli("train", "--data", "table.csv", "--target", "y", "--task", "regression", "--epochs", "1").exit_code == 0
    with gzip.open(workspace / "rows.csv.gz", "wt") as file:
        file.write("b,a\n1,2\n3,4\n")
    names = [line.split("  ")[0] for line in cli("predict", "latest", "rows.csv.gz").stdout.splitlines()]
    assert names == ["rows.csv.gz:1", "rows.csv.gz:2"]
    (workspace / "ragged.csv").write_text("a,b\n1,2\n3\n5,6\n")
    result = cli("predict", "latest", "ragged.csv")
    assert (result.exit_code, result.stdout) == (4, "")


@pytest.mark.tf
def test_values_on_another_scale_than_in_training_are_an_error(cli: Cli, trained: Tiny, workspace: Path) -> None:
    with np.load(MNIST_FILE) as arrays:
        samples, labels = arrays["x_test"][:60], arrays["y_test"][:60]
    np.savez(workspace / "fractions.npz", x=samples / 255, y=labels)
    np.savez(workspace / "floats.npz", x=samples.astype(np.float32), y=labels)
    for words in (["predict", "latest", "fractions.npz"], ["evaluate", "latest", "--data", "fractions.npz"]):
        result = cli(*words)
        assert (result.exit_code, result.stdout) == (4, "")
        assert "up to 1; the model was trained on uint8 up to 255" in result.stderr
    assert cli("predict", "latest", "floats.npz").exit_code == 0
    record = workspace / "logs" / trained.run.id / "run.json"
    known = json.loads(record.read_text())
    record.write_text(json.dumps({**known, "inputs": {"dtype": "float32", "largest": 1.0}}))
    Image.fromarray(samples[0]).save(workspace / "seven.png")
    assert cli("predict", "latest", "seven.png").exit_code == 4


@pytest.mark.tf
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"x" * 1000])
def test_a_damaged_model_is_not_called_missing(content: bytes, trained: Tiny, cli: Cli, workspace: Path) -> None:
    path = next((workspace / "models" / trained.run.id).glob("*.keras"))
    path.write_bytes(content)
    result = cli("evaluate", trained.run.id)
    assert result.exit_code == 4
    assert "is damaged" in result.stderr
    assert "not found" not in result.stderr.lower()
