"""A training that is interrupted leaves with the right code and keeps what there is."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from tbcli.training.continuing.state import Generations
from tests.cli.trainings import FEW, shown_status, temporary_files, the_record, training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LONG = (*FEW, "--epochs", "1000")


def require_state(workspace: Path) -> dict[str, int]:
    """Return where the newest state stands, which is whole."""
    (checkpoints,) = workspace.glob("logs/*/checkpoints")
    saved = Generations(checkpoints).newest(pytest.fail)
    assert saved is not None
    own = saved.parts["epochs"]
    return {"epoch": own["epochs_done"], "step": saved.step, "step_in_epoch": saved.step - own["steps_before"]}


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_signal_in_training_keeps_history_figure_and_state(
    tmp_path: Path, number: signal.Signals, code: int, name: str
) -> None:
    with training(tmp_path, *LONG) as process:
        process.wait_for("epoch    2/1000")
        process.process.send_signal(number)
        assert process.end() == (code, f"{the_record(tmp_path)['id']}\n"), process.said
    error, hint = process.said[-2:]
    assert error == f"error: training was interrupted by {name}"
    record = the_record(tmp_path)
    assert hint == f"try:   `tbcli train --resume {record['id']}` goes on with it"  # another may be the latest by now
    noticed = f"{name} received: stopping at the next safe point; a second one leaves at once"
    assert [line for line in process.said if "received" in line] == [noticed]
    assert record["status"] == shown_status(tmp_path) == "interrupted"
    (history,) = tmp_path.glob("logs/*/history.csv")
    assert len(history.read_text().splitlines()) == record["epochs"] + 1 >= 3
    assert list(tmp_path.glob("plots/*/training_history.png"))
    position = require_state(tmp_path)
    assert position["epoch"] == record["epochs"]
    assert position["step_in_epoch"] <= 6
    assert temporary_files(tmp_path) == []
    assert not list(tmp_path.glob("logs/*/heartbeat"))


def test_a_signal_while_tensorflow_loads_keeps_the_run(tmp_path: Path) -> None:
    with training(tmp_path, *LONG) as process:
        process.wait_for("Starting TensorFlow")
        time.sleep(0.4)  # in the middle of its import
        process.process.send_signal(signal.SIGINT)
        assert process.end()[0] == 130, process.said
    assert "Traceback" not in "\n".join(process.said)
    assert process.said[-2] == "error: training was interrupted by Ctrl-C"
    assert the_record(tmp_path)["status"] == "interrupted"


def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    with training(tmp_path, *LONG) as process:
        process.wait_for("epoch    1/1000")
        process.process.send_signal(signal.SIGINT)
        process.wait_for("Plotting")  # the answer to the first one is being given
        process.process.send_signal(signal.SIGINT)
        assert process.end() == (130, f"{the_record(tmp_path)['id']}\n")
    assert re.fullmatch(r"Ctrl-C again: left at once, at most the steps after \d+ are lost", process.said[-1])
    assert shown_status(tmp_path) == "interrupted"
    assert not list(tmp_path.glob("plots/*/*.png"))


def test_a_signal_while_the_model_is_saved_is_answered_under_quiet_and_costs_no_weights(tmp_path: Path) -> None:
    """Libraries are hushed while a model is saved, and nothing but warnings is told; the answer to a signal is."""
    formats = ("--save-format", "h5,tflite,savedmodel", "--steps-per-epoch", "3", "--epochs", "1", "--record", "off")
    with training(tmp_path, "--quiet", *formats) as process:
        while not list(tmp_path.glob("models/*")):
            time.sleep(0.01)
        process.process.send_signal(signal.SIGTERM)
        assert process.end() == (143, f"{the_record(tmp_path)['id']}\n"), process.said
    assert [line for line in process.said if not line.startswith("warning:")] == [
        "SIGTERM received: stopping at the next safe point; a second one leaves at once",
        "error: training was interrupted by SIGTERM",
        f"try:   `tbcli train --resume {the_record(tmp_path)['id']}` goes on with it",
    ]
    assert len(list(tmp_path.glob("models/*/*.keras"))) == 1
    assert temporary_files(tmp_path) == []


def test_a_signal_while_the_test_set_is_evaluated_keeps_the_trained_state(tmp_path: Path) -> None:
    few_steps = ("--steps-per-epoch", "3", "--epochs", "1", "--validation-split", "0.002", "--record", "off")
    with training(tmp_path, *few_steps) as process:
        process.wait_for("Evaluating the test set")
        process.process.send_signal(signal.SIGINT)
        assert process.end() == (130, f"{the_record(tmp_path)['id']}\n"), process.said
    record = the_record(tmp_path)
    assert (record["status"], record["epochs"]) == ("interrupted", 1)
    assert "test_accuracy" not in record["metrics"]
    assert require_state(tmp_path) == {"epoch": 0, "step": 3, "step_in_epoch": 3}
    assert temporary_files(tmp_path) == []


def test_a_killed_training_is_shown_as_interrupted(tmp_path: Path) -> None:
    with training(tmp_path, *LONG) as process:
        process.wait_for("Training 1000 epochs")
        assert shown_status(tmp_path) == "running"
        process.process.kill()
        process.end()
    assert the_record(tmp_path)["status"] == "running"
    assert shown_status(tmp_path) == "interrupted"
