"""Settings that change the course of a training, each seen in a real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tbcli.errors import Diverged
from tbcli.recorders.base import Recorder, Snapshot, Writer
from tbcli.recorders.registry import RECORDERS, RecorderEntry
from tbcli.runs import RunStore
from tbcli.runs.history import read_history
from tests.tiny import Tiny, small_config, train_small

pytestmark = pytest.mark.tf


def steps_of(directory: Path) -> dict[str, list[int]]:
    events = EventAccumulator(str(directory), size_guidance={"tensors": 0})
    events.Reload()
    return {tag: [event.step for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


class Broken(Recorder):
    """A recorder with a bug."""

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        raise RuntimeError("the recorder's own fault")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A training without validation, with patience, a cadence, few steps an epoch and a recorder that fails."""
    entry = RecorderEntry(f"{__name__}:Broken", "fails", "on request")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECORDERS, "broken", entry)
        return train_small(
            tmp_path_factory.mktemp("odd"),
            {
                "data.validation_split": 0.0,
                "train.patience": 1,
                "train.epochs": 5,
                "train.steps_per_epoch": 5,
                "train.learning_rate": 1e-9,
                "train.schedule": "constant",
                "train.precision": "mixed_bfloat16",
                "record.recorders": "standard,broken",
                "record.every": "histograms=4",
                "record.log_every": 7,
            },
        )


@pytest.mark.slow
def test_without_validation_patience_watches_the_training_loss(odd: Tiny) -> None:
    history = read_history(odd.run.history_file)
    assert set(history.columns) == {"step", "seconds", "learning_rate", "loss", "accuracy"}
    losses = history.columns["loss"]
    assert odd.record["ended_by"] == "patience"
    assert odd.record["saved_epoch"] == losses.index(min(losses)) + 1
    assert odd.record["metrics"]["loss"]["best_epoch"] == odd.record["saved_epoch"]
    assert odd.record["status"] == "finished"


def test_steps_per_epoch_is_exact_whatever_an_execution_holds(odd: Tiny) -> None:
    history = read_history(odd.run.history_file)
    assert history.columns["step"] == tuple(5.0 * epoch for epoch in history.epochs)


def test_epoch_points_are_all_there_beside_the_batch_points(odd: Tiny) -> None:
    epochs = list(read_history(odd.run.history_file).epochs)
    found = steps_of(odd.run.logs / "train")
    assert found["batch_loss"] == list(range(7, 5 * epochs[-1] + 1, 7))
    assert found["epoch_loss"] == found["epoch_accuracy"] == epochs


def test_a_cadence_leaves_epochs_out_but_never_the_last(odd: Tiny) -> None:
    last = read_history(odd.run.history_file).epochs[-1]
    found = steps_of(odd.run.logs / "train")
    assert found["weights/conv1/kernel"] == [0, *(epoch for epoch in range(1, last + 1) if epoch in (4, last))]


def test_without_validation_the_pictures_are_of_training_samples(odd: Tiny) -> None:
    assert [path.name for path in sorted(odd.run.logs.iterdir()) if path.is_dir()] == ["checkpoints", "train"]
    assert "samples/predictions" in steps_of(odd.run.logs / "train")


def test_a_recorder_that_fails_is_reported_and_the_training_goes_on(odd: Tiny) -> None:
    reason = "RuntimeError: the recorder's own fault"
    assert odd.record["recording"]["switched_off"]["broken"] == reason
    assert odd.told.warnings.count(f"recorder 'broken' was switched off: {reason}") == 1
    assert odd.record["status"] == "finished"


def test_half_precision_is_kept_out_of_the_saved_model(odd: Tiny) -> None:
    import keras

    model = keras.models.load_model(odd.run.saved_model)
    assert odd.record["precision"] == "mixed_bfloat16"
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    # Whoever goes on to train begins at a rate that learns.
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-9)


def test_weights_that_break_in_the_last_step_are_a_divergence_too(tmp_path: Path) -> None:
    words = {"train.epochs": 1, "train.steps_per_epoch": 2, "train.optimizer": "adamw", "train.schedule": "constant"}
    huge = {"train.learning_rate": 1000, "train.weight_decay": 100}  # each step, weights grow by 100,000
    with pytest.raises(Diverged, match=r"the val_loss is (nan|inf) at step 2"):
        train_small(tmp_path, {**words, **huge, "record.recorders": "light"})
    run = RunStore(small_config(tmp_path).paths).find("latest")
    assert (run.record["status"], run.record["epochs"]) == ("diverged", 1)
    assert not run.models.exists()
