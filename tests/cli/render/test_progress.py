"""Training progress: live on a terminal, one line per epoch elsewhere, escape codes only where they are wanted."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest
from rich.console import Console, RenderableType
from rich.text import Text

from tbcli.cli.render.progress import fitting_columns, progress_line

# Tells a short story, as a training does, without a training.
STORY = """
import sys, time
from tbcli.cli.output import Output
from tbcli.cli.render.progress import choose_narrator

narrator = choose_narrator(Output(quiet="quiet" in sys.argv))
narrator.stage("Loading numbers")
time.sleep(0.3)
narrator.note("cnn with 7 parameters")
narrator.begin(2, 40)
logs = {"loss": 0.5, "accuracy": 0.75}
for epoch in (1, 2):
    for step in (10, 20, 30, 40):
        narrator.step(epoch, step, logs)
        time.sleep(0.15)
    seen = {**logs, "learning_rate": 0.1, "val_accuracy": 0.125 * epoch}
    if epoch > 1:
        seen["steps_per_second"] = 66.6
    narrator.epoch(epoch, seen, {"val_accuracy": (0.125 * epoch, epoch)})
narrator.warn("odd \\x1b]0;title\\x07 text\\nhere")
if "die" not in sys.argv:
    narrator.close()
    print("after")
"""
METRICS = ["loss", "accuracy", "val_loss", "val_accuracy"]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def told(*words: str, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return stdout and what a terminal of 100 columns got on stderr."""
    leader, follower = pty.openpty()
    environ = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **(environ or {})}
    whole = {**{name: value for name, value in os.environ.items() if name != "NO_COLOR"}, **environ}
    process = subprocess.Popen(
        [sys.executable, "-c", STORY, *words], stdout=subprocess.PIPE, stderr=follower, text=True, env=whole
    )
    os.close(follower)
    parts: list[bytes] = []

    def drain() -> None:
        try:
            while part := os.read(leader, 65536):
                parts.append(part)
        except OSError:
            return  # the other end is closed

    reader = threading.Thread(target=drain)
    reader.start()
    stdout, _ = process.communicate(timeout=30)
    reader.join(10)
    os.close(leader)
    assert process.returncode == 0
    return stdout, b"".join(parts).decode()


def piped(*words: str) -> str:
    done = subprocess.run([sys.executable, "-c", STORY, *words], capture_output=True, text=True, check=True)
    assert done.stdout == "after\n"
    return done.stderr


@pytest.fixture(scope="module")
def live() -> str:
    stdout, shown = told()
    assert stdout == "after\n"
    return shown


def test_a_terminal_sees_the_epoch_that_runs(live: str) -> None:
    text = ESCAPE.sub("", live)
    assert "Loading numbers" in text
    assert re.search(r"epoch 1/2 +━.* [1-3]0/40 +\d+ steps/s .*left +loss 0\.5000 +accuracy 0\.7500", text)


def test_a_terminal_keeps_a_table_of_the_epochs(live: str) -> None:
    last_frame = ESCAPE.sub("", live.split("\x1b[2K")[-1] if "\x1b[2K" not in live[-50:] else live)
    lines = [line.split() for line in last_frame.splitlines()]
    assert ["epoch", "loss", "accuracy", "val_accuracy", "steps/s", "time"] in lines
    assert [words[:5] for words in lines if words[:1] == ["2/2"]][-1] == ["2/2", "0.5000", "0.7500", "0.2500", "67"]


def test_the_terminal_is_given_back(live: str) -> None:
    assert live.count("\x1b[?25l") == live.count("\x1b[?25h") == 1  # the cursor was hidden, and is shown again
    assert live.rindex("\x1b[?25h") > live.rindex("2/2")
    after_last_row = ESCAPE.sub("", live[live.rindex("2/2") :])
    assert "━" not in after_last_row


def test_a_warning_cannot_drive_the_terminal(live: str) -> None:
    assert "\x1b]0;" not in live
    assert "\x07" not in live
    assert "title" in ESCAPE.sub("", live)


@pytest.mark.slow
@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(environ: dict[str, str]) -> None:
    _, shown = told(environ=environ)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", shown)
    if environ == {"TERM": "dumb"}:
        assert "\x1b" not in shown
        assert "epoch 2/2" in shown


def test_a_pipe_gets_one_line_per_stage_and_per_epoch() -> None:
    stderr = piped()
    assert "\x1b" not in stderr
    assert "\r" not in stderr
    lines = stderr.splitlines()
    assert lines[:3] == ["Loading numbers ...", "cnn with 7 parameters", "Training 2 epochs of 40 steps ..."]
    assert lines[3] == "epoch 1/2  loss 0.5000  accuracy 0.7500  val_accuracy 0.1250  (best val_accuracy)"
    assert lines[4] == "epoch 2/2  loss 0.5000  accuracy 0.7500  val_accuracy 0.2500  67 steps/s  (best val_accuracy)"
    assert len(lines) == 6


@pytest.mark.slow
def test_quiet_leaves_warnings_only() -> None:
    lines = piped("quiet").splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("warning: odd ")


@pytest.mark.slow
def test_quiet_is_quiet_on_a_terminal_too() -> None:
    _, shown = told("quiet")
    assert len(shown.splitlines()) == 1
    assert "odd" in shown


def text_of(renderable: RenderableType, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get().removesuffix("\n")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize(("epoch", "steps"), [("epoch 1/5", 9), ("epoch 1000/1000", 1_000_000)])
@pytest.mark.parametrize("loss", ["loss 0.1234", "loss 1.23e+30"])
def test_the_progress_is_one_line_that_fits_and_tells_the_time_left_first(
    width: int, epoch: str, steps: int, loss: str
) -> None:
    facts = [f"{steps}/{steps}", "310 steps/s", "59 min 12 s left"]
    shown = text_of(progress_line(epoch, steps, steps, facts, [loss, "accuracy 0.9876"], width), width)
    assert "\n" not in shown
    assert len(shown) <= width
    assert epoch in shown
    assert "…" not in shown
    order = ["59 min 12 s left", facts[0], loss, "accuracy 0.9876", "310 steps/s"]
    found = [part in shown for part in order]
    assert found == sorted(found, reverse=True), "what matters least goes first"
    assert found[0] or width == 40
    if width >= 80 and steps == 9:
        assert all(found[:4])


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (80, ["epoch", *METRICS, "steps/s", "time"]),
        (60, ["epoch", *METRICS, "time"]),
        (50, ["epoch", *METRICS]),
        (40, ["epoch", "loss", "val_loss", "val_accuracy"]),
        (30, ["epoch", "val_loss", "val_accuracy"]),
        (10, ["epoch"]),
    ],
)
def test_a_narrow_table_does_without_speed_then_time_then_training_metrics(width: int, columns: list[str]) -> None:
    row = {"epoch": Text("12/40"), **{name: Text("0.1234") for name in METRICS}, "time": Text("1.1 s")}
    assert fitting_columns(["epoch", *METRICS, "steps/s", "time"], [row], width) == columns
