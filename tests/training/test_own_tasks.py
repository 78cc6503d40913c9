"""Trainings of every task, with losses and metrics of one's own, by the whole way from data to the record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from tbcli.config import Config
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.errors import DoesNotFit
from tbcli.runs import Run, RunStore
from tbcli.runs.history import read_history
from tbcli.runs.summary import Summary
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION
from tbcli.training import train
from tbcli.training.preparation import weigh_classes
from tbcli.training.session import rehearse
from tests.tiny import Told

pytestmark = [pytest.mark.tf, pytest.mark.slow]
OWN = """
import keras
def off(y_true, y_pred):
    return keras.ops.max(keras.ops.abs(y_true - y_pred), axis=-1)
class Share(keras.metrics.BinaryAccuracy):
    def __init__(self):
        super().__init__(name="share_right", threshold=0.5)
def compiled(input_shape):
    model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.125), "mae", metrics=["mse"])
    return model
"""
MOODY = """
import keras
built = []
def model(input_shape):
    built.append(1)
    hidden = [keras.layers.Dense(3)] * (len(built) % 2)
    return keras.Sequential([keras.Input(input_shape), *hidden, keras.layers.Dense(1)])
"""
SMALL: dict[str, object] = {
    "train.epochs": 2,
    "train.batch_size": 20,
    "train.precision": "float32",
    "record.recorders": "light",
    "plot.automatic": False,
}


def data_of(kind: str) -> Callable[[Any], Dataset]:
    random = np.random.default_rng(7)
    rows = random.normal(size=(200, 5)).astype(np.float32)
    values = (rows @ random.normal(size=(5, 2)) * 30 + 100).astype(np.float32)
    task, labels, names = {
        "value": (REGRESSION, values[:, :1], ("price",)),
        "values": (REGRESSION, values, ("price", "weight")),
        "labels": (MULTI_LABEL, (values > 90).astype(np.uint8), ("dear", "heavy")),
        "classes": (CLASSIFICATION, (values[:, 0] > 130).astype(np.int64), ("cheap", "dear")),
    }[kind]
    return lambda config: cut_splits("made-up", (rows, labels), None, names, config, needs_test=True, task=task)


def asked(workspace: Path, **settings: object) -> Config:
    named = {key.replace("__", "."): value for key, value in settings.items()}
    return Config().updated({**SMALL, "data.source": "made-up", "paths.workspace": str(workspace), **named})


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says what the source ``made-up`` is."""

    def choose(kind: str) -> None:
        from tbcli import data

        monkeypatch.setitem(data.SOURCES, "made-up", f"{__name__}:load_made_up")
        monkeypatch.setattr(f"{__name__}.load_made_up", data_of(kind))

    return choose


def load_made_up(config: Any) -> Dataset:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("kind", "metrics", "judge"),
    [
        ("value", {"mae", "rmse", "r2"}, "mae"),
        ("values", {"mae", "rmse", "r2"}, "mae"),
        ("labels", {"binary_accuracy"}, "binary_accuracy"),
        ("classes", {"accuracy"}, "accuracy"),
    ],
)
def test_each_task_is_trained_measured_and_saved(
    source: Callable[[str], None], tmp_path: Path, kind: str, metrics: set[str], judge: str
) -> None:
    source(kind)
    told = Told()
    run = train(asked(tmp_path), told)
    names = {"loss", *metrics}
    columns = set(read_history(run.history_file).columns)
    assert columns == {"step", "seconds", "learning_rate", *names, *(f"val_{name}" for name in names)}
    assert {f"test_{name}" for name in names} <= set(run.metrics)
    assert set(told.epochs[-1][1]) >= names
    assert told.stages.count("Starting TensorFlow") == 1
    assert run.saved_model.is_file()
    assert judge in run.record["metrics"]
    with np.load(run.evidence_file, allow_pickle=False) as evidence:
        assert len(evidence["test_labels"]) == 20


def test_a_metric_of_the_users_is_in_history_record_and_monitored(
    source: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source("values")
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    config = asked(
        tmp_path,
        train__loss="huber",
        train__metrics=("own.py:off", "mape"),
        train__monitor="val_off",
        train__patience=1,
        train__until="val_off<0",
        direction__off="min",
    )
    expected: list[Summary] = []
    run = train(config, expecting=expected.append)
    assert len(expected) == 1  # once the names are known
    assert set(run.metrics) <= set(expected[0].metrics)
    assert {"off", "val_off", "mape", "val_mape"} <= set(read_history(run.history_file).columns)
    assert {"test_off", "val_off"} <= set(run.metrics)
    assert run.record["loss"] == "huber"
    assert run.record["saved_epoch"] == run.record["metrics"]["val_off"]["best_epoch"]
    kept = run.read_config()["train"]
    assert kept["metrics"] == [f"{tmp_path / 'own.py'}:off", "mape"]


def test_a_metric_class_of_the_users_is_named_as_it_says(source: Callable[[str], None], tmp_path: Path) -> None:
    source("labels")
    (tmp_path / "own2.py").write_text(OWN)
    run = train(asked(tmp_path, train__metrics=(f"{tmp_path / 'own2.py'}:Share", "f1")))
    metrics = run.metrics
    assert metrics["test_share_right"] == metrics["test_binary_accuracy"]
    assert metrics["test_f1_score"] == pytest.approx(metrics["test_macro_f1"], abs=1e-5)


def test_a_compiled_model_is_trained_as_it_says_and_the_record_tells(
    source: Callable[[str], None], tmp_path: Path
) -> None:
    source("value")
    (tmp_path / "own3.py").write_text(OWN)
    told = Told()
    run = train(asked(tmp_path, model__name=f"{tmp_path / 'own3.py'}:compiled"), told)
    record, kept = run.record, run.read_config()["train"]
    assert (record["loss"], record["optimizer"], record["learning_rate"]) == ("mean_absolute_error", "sgd", 0.125)
    assert (kept["optimizer"], kept["learning_rate"], kept["schedule"]) == ("sgd", 0.125, "constant")
    assert set(read_history(run.history_file).columns["learning_rate"]) == {0.125}
    assert "test_mse" in run.metrics
    assert "optimizer of the model: sgd, learning rate 0.125" in told.notes


def test_what_was_asked_replaces_what_a_model_was_compiled_with_and_that_is_told(
    source: Callable[[str], None], tmp_path: Path
) -> None:
    source("value")
    (tmp_path / "own5.py").write_text(OWN)
    told = Told()
    said = {"train__loss": "huber", "train__optimizer": "rmsprop"}
    run = train(asked(tmp_path, model__name=f"{tmp_path / 'own5.py'}:compiled", **said), told)
    assert (run.record["loss"], run.read_config()["train"]["optimizer"]) == ("huber", "rmsprop")
    assert "--loss replaces the model's own: mean_absolute_error" in told.notes
    assert "--optimizer rmsprop replaces the model's own" in told.notes


def test_a_function_that_builds_another_model_the_second_time_loses_nothing(
    source: Callable[[str], None], tmp_path: Path
) -> None:
    source("value")
    (tmp_path / "moody.py").write_text(MOODY)
    told = Told()
    run = train(asked(tmp_path, model__name=f"{tmp_path / 'moody.py'}:model"), told)
    assert [text for text in told.warnings if "saved as it was trained" in text]
    assert run.saved_model.is_file()
    assert "test_mae" in run.metrics


def test_balanced_classes_weigh_the_same_and_are_evaluated_unweighted(
    source: Callable[[str], None], tmp_path: Path
) -> None:
    source("classes")
    dataset = data_of("classes")(Config().data)
    weights = weigh_classes(dataset)
    labels = dataset.train.labels[dataset.train.positions]
    assert weights[labels].mean() == pytest.approx(1)
    assert weights[0] * (labels == 0).sum() == pytest.approx(weights[1] * (labels == 1).sum())
    plain, balanced = (train(asked(tmp_path, data__balance=each, train__seed=1)) for each in (False, True))
    recalls = [recall_of_the_second(run) for run in (plain, balanced)]
    assert recalls[1] >= recalls[0]
    assert balanced.metrics["test_accuracy"] <= 1


def recall_of_the_second(run: Run) -> float:
    with np.load(run.evidence_file) as evidence:
        labels, outputs = evidence["validation_labels"], evidence["validation_probabilities"]
    return float(np.mean(outputs[labels == 1].argmax(axis=1) == 1))


def test_a_model_that_does_not_fit_leaves_no_run(source: Callable[[str], None], tmp_path: Path) -> None:
    source("labels")
    (tmp_path / "own4.py").write_text(OWN)
    config = asked(tmp_path, model__name=f"{tmp_path / 'own4.py'}:compiled")
    with pytest.raises(DoesNotFit):
        train(config)
    assert RunStore(config.paths).list() == []
    assert not list(tmp_path.glob("logs/*"))


@pytest.mark.parametrize("kind", ["values", "labels", "classes"])
def test_a_rehearsal_says_what_would_be_trained_and_leaves_nothing(
    source: Callable[[str], None], tmp_path: Path, kind: str
) -> None:
    source(kind)
    lines = rehearse(asked(tmp_path, data__balance=kind == "classes"))
    text = "\n".join(lines)
    assert "160 train, 20 validation, 20 test" in text
    assert "2 epochs of 8 steps of 20 samples" in text
    assert "step    " in text
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_it_on_stderr_and_exits_with_0(cli: Callable[..., Result], tmp_path: Path) -> None:
    result = cli("train", "--dry-run", "--limit-samples", "60", "--check", "test_accuracy>0.5")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "sparse_categorical_crossentropy; metrics: accuracy" in result.stderr
    assert list(tmp_path.iterdir()) == []
