"""``tbcli plot`` over event files: figures of any log directory, and charts of characters."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tbcli.cli.app import app
from tbcli.runs.history import HistoryWriter
from tbcli.runs.owner import Owner
from tests.events.records import curve, event, framed, simple, write
from tests.fakes import SOME_MOMENT, make_run

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def plot(workspace: Path, *words: str, expect: int = 0, env: dict[str, str] | None = None):
    command = ["plot", *words, "--workspace", str(workspace), "--dpi", "40"]
    result = CliRunner().invoke(app, command, env=env)
    assert result.exit_code == expect, result.output
    return result


def test_a_foreign_log_directory_is_drawn_into_the_plots(tmp_path) -> None:
    write(tmp_path / "other/train", *curve("epoch_loss", [0, 1, 2]))
    result = plot(tmp_path, str(tmp_path / "other"))
    assert result.stdout == f"{tmp_path / 'plots/other/scalars.png'}\n"
    assert (tmp_path / "plots/other/scalars.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["x.png", "x.svg", "x.pdf"])
def test_the_document_says_what_was_drawn(tmp_path, name: str) -> None:
    write(tmp_path / "other/a", *curve("train/loss", [1, 2]), *curve("val/loss", [1, 2]))
    run = make_run(tmp_path, name="mine")
    out = tmp_path / name
    words = ["mine", str(tmp_path / "other"), "--metric", "*loss", "--x", "step", "--log", "y", "--out", str(out)]
    document = json.loads(plot(tmp_path, *words, "--json").stdout)
    assert [(one["run"], one["name"]) for one in document.pop("curves")] == [
        (run.id, "loss"),
        (run.id, "val_loss"),
        ("other/a", "loss"),
        ("other/a", "val_loss"),
    ]
    assert document == {
        "schema": 2,
        "paths": [str(out)],
        "kinds": ["scalars"],
        "runs": [run.id, "other/a"],
        "metrics": ["loss"],
        "tags": {"loss": ["train/epoch_loss", "a/train/loss"], "val_loss": ["validation/epoch_loss", "a/val/loss"]},
        "left_out": [],
    }
    assert out.is_file()


def test_groups_of_runs_are_drawn_as_bands(tmp_path) -> None:
    for hour in range(4):
        settings = {"train.seed": hour % 2, "train.learning_rate": 0.1 * (1 + hour // 2)}
        make_run(tmp_path, started=SOME_MOMENT.replace(hour=hour), settings=settings)
    document = json.loads(plot(tmp_path, "--group-by", "seed", "--json").stdout)
    assert document["runs"] == ["learning_rate=0.1", "learning_rate=0.2"]
    text = plot(tmp_path, "--group-by", "learning_rate", "--terminal", "--metric", "loss").stdout
    assert "a learning_rate=0.1 train (n=2)" in text
    assert "no run has a setting 'sed'" in plot(tmp_path, "--group-by", "sed", expect=3).stderr


def grouped(tmp_path, *settings: dict[str, object], key: str = "learning_rate") -> list[str]:
    for hour, each in enumerate(settings):
        make_run(tmp_path, started=SOME_MOMENT.replace(hour=hour), settings=each)
    return json.loads(plot(tmp_path, "--group-by", key, "--json").stdout)["left_out"]


def test_groups_of_one_run_each_are_no_groups_and_this_is_said(tmp_path) -> None:
    said = grouped(tmp_path, {"train.learning_rate": 0.1}, {"train.learning_rate": 0.2})
    assert said == ["--group-by learning_rate grouped nothing: no two runs share a learning_rate"]


def test_repeats_of_one_seed_are_said_not_to_be_independent(tmp_path) -> None:
    same, other = {"train.seed": 1}, {"train.seed": 2}
    said = grouped(tmp_path, same, same, other, key="learning_rate")
    assert said == [
        "learning_rate=0.002: 1 of 3 runs repeats another one with the same seed; repeats are not independent samples"
    ]


def test_runs_without_the_key_are_counted(tmp_path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    for number in range(3):
        started = [Event(wall_time=1.0, summary=hparams_pb({"rate": 0.1}))] if number < 2 else []
        write(tmp_path / f"other/run{number}", *started, *curve("loss", [1, 2], float(number)))
    document = json.loads(plot(tmp_path, str(tmp_path / "other"), "--group-by", "rate", "--json").stdout)
    assert document["left_out"] == ["1 of 3 runs has no 'rate'"]
    assert document["runs"] == ["rate=0.1", "rate=-"]


def test_a_chart_in_a_pipe_is_eighty_columns_of_plain_text(tmp_path) -> None:
    make_run(tmp_path, name="mine")
    result = plot(tmp_path, "--terminal", env={"COLUMNS": "80"})
    lines = result.stdout.splitlines()
    assert lines[0] == "mine"
    assert lines[1].endswith("test accuracy 0.9800")
    assert {"accuracy by epoch", "loss by epoch"} <= set(lines)
    assert "a train 0.97   b validation 0.98 (best 0.98 at epoch 3)" in lines
    assert all(len(line) <= 80 for line in lines)
    assert not ESCAPE.search(result.stdout)
    assert any("\u2800" < char < "\u28ff" for char in result.stdout)
    assert result.stderr == ""


def test_a_dumb_terminal_gets_ascii(tmp_path) -> None:
    make_run(tmp_path)
    assert plot(tmp_path, "--terminal", env={"TERM": "dumb"}).stdout.isascii()


def test_colour_can_be_demanded_and_forbidden(tmp_path) -> None:
    make_run(tmp_path)
    coloured = plot(tmp_path, "--terminal", env={"FORCE_COLOR": "1"}).stdout
    assert ESCAPE.search(coloured)
    plain = plot(tmp_path, "--terminal", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert [line.rstrip() for line in ESCAPE.sub("", coloured).splitlines()] == plain.splitlines()


def test_names_of_others_cannot_drive_the_terminal(tmp_path) -> None:
    write(tmp_path / "other", *curve("evil\x1b]0;owned\x07[red]$x$", [1, 2]))
    result = plot(tmp_path, str(tmp_path / "other"), "--terminal")
    assert "\x1b" not in result.stdout
    assert "[red]$x$" in result.stdout
    assert plot(tmp_path, str(tmp_path / "other")).exit_code == 0


def test_damage_is_said_and_the_rest_is_drawn(tmp_path) -> None:
    path = write(tmp_path / "other", *curve("x", [1, 2]))
    path.write_bytes(path.read_bytes() + framed(b"xxxx")[:-2])
    for words in (["--terminal"], []):
        assert f"warning: {path} at byte" in plot(tmp_path, str(tmp_path / "other"), *words).stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--x", "steps"], 2, "did you mean 'step'"),
        (["--log", "z"], 2, "unknown --log 'z'"),
        (["--terminal", "--json"], 2, "--terminal cannot be combined"),
        (["--watch"], 2, "needs a terminal"),
        (["--terminal", "--metric", "acuracy"], 3, "did you mean 'accuracy'"),
        (["--terminal", "--kind", "pr"], 2, "--kind"),
        (["{other}", "--kind", "pr"], 3, "not a tbcli run"),
        (["{other}", "--metric", "los"], 3, "did you mean 'loss'"),
        (["{other}", "--x", "epoch"], 3, "the epochs of 'loss' are not recorded"),
        (["{other}", "--out", "x.jpg"], 2, "cannot tell a figure format"),
        (["{empty}"], 3, "has no scalars"),
    ],
)
def test_a_mistake_is_two_lines_and_its_code(tmp_path, words, code, said) -> None:
    make_run(tmp_path)
    places = {"other": str(tmp_path / "other"), "empty": str(tmp_path / "empty")}
    write(tmp_path / "other", *curve("loss", [1]))
    (tmp_path / "empty").mkdir()
    result = plot(tmp_path, *(word.format(**places) for word in words), expect=code)
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert result.stdout == ""


def test_the_terminal_needs_neither_matplotlib_nor_tensorflow(tmp_path) -> None:
    write(tmp_path / "other", *curve("loss", [1, 2]))
    command = [sys.executable, "-X", "importtime", "-m", "tbcli", "plot", "./other", "--terminal"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "numpy" in names
    assert names.isdisjoint({"matplotlib", "tensorflow", "keras", "tensorboard", "google", "rich", "PIL"})


def start_training(workspace: Path):
    owner = Owner.current()
    facts = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host, "metrics": {}, "epochs": None}
    run = make_run(workspace, status="running", epochs=0, started=datetime.now(UTC), record=facts)
    return run, HistoryWriter(run.history_file)


class Window:
    """A terminal with ``tbcli plot --watch`` in it."""

    def __init__(self, workspace: Path, *words: str) -> None:
        main, inside = pty.openpty()
        self.text, self._main = "", main
        environ = {**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
        environ.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "tbcli", "plot", "--watch", *words]
        self.process = subprocess.Popen(command, cwd=workspace, env=environ, stdout=inside, stderr=inside)
        os.close(inside)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text not in ESCAPE.sub("", self.text):
            assert time.monotonic() < deadline, self.text
            self._read()

    def end(self) -> int:
        code = self.process.wait(timeout=30)
        os.close(self._main)
        return code

    def _read(self) -> None:
        self.text += os.read(self._main, 65536).decode(errors="replace")


@pytest.mark.slow
def test_watch_follows_a_training_and_ends_with_it(tmp_path) -> None:
    run, history = start_training(tmp_path)
    window = Window(tmp_path)
    window.wait_for("waiting")
    history.append({"epoch": 1, "step": 10, "seconds": 1.0, "learning_rate": 0.1, "loss": 0.5, "accuracy": 0.25})
    window.wait_for("accuracy 0.25")
    history.append({"epoch": 2, "step": 20, "seconds": 2.0, "learning_rate": 0.1, "loss": 0.25, "accuracy": 0.75})
    run.update(status="finished")
    window.wait_for("loss 0.25")
    assert "\x1b[" in window.text
    assert window.end() == 0


def test_watch_waits_for_nothing_that_cannot_come(tmp_path) -> None:
    make_run(tmp_path)
    window = Window(tmp_path, "--metric", "acuracy")
    window.wait_for("did you mean 'accuracy'?")
    assert window.end() == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_ends_well_when_it_is_told_to(tmp_path, number: int) -> None:
    write(tmp_path / "other", *curve("loss", [1, 2]))
    window = Window(tmp_path, "./other")
    window.wait_for("loss 2")
    window.process.send_signal(number)
    assert window.end() == 0


def test_runs_of_others_are_grouped_by_their_hyperparameters(tmp_path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    for number in range(4):
        started = Event(step=0, wall_time=1.0, summary=hparams_pb({"rate": 0.1 * (1 + number // 2)}))
        write(tmp_path / f"other/run{number}", started, *curve("loss", [1, 2], float(number)))
    document = json.loads(plot(tmp_path, str(tmp_path / "other"), "--group-by", "rate", "--json").stdout)
    assert document["runs"] == ["rate=0.1", "rate=0.2"]
    assert document["metrics"] == ["loss"]


def test_a_plot_can_be_read_from_one_event_file(tmp_path) -> None:
    path = write(tmp_path / "other", *curve("loss", [1, 2]))
    assert plot(tmp_path, str(path), "--terminal").stdout.splitlines()[-1] == "loss 2 (best 1 at step 1)"


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_directories_of_one_name_do_not_overwrite_each_other(tmp_path, form: str) -> None:
    for parent in ("first", "second", "x/second"):
        write(tmp_path / parent / "a", *curve("loss", [1, 2]))

    def drawn(reference: str):
        result = plot(tmp_path, str(tmp_path / reference), "--set", f"plot.format={form}")
        return Path(result.stdout.strip()).parent.name, result.stderr

    assert drawn("first/a") == ("a", "")
    name, said = drawn("second/a")
    assert name == "second-a"
    assert "plots/a' holds the figure of another log directory" in said
    assert drawn("x/second/a")[0] == "x-second-a"
    assert drawn("first/a") == ("a", "")
    assert drawn("second/a")[0] == "second-a"


def test_a_pattern_of_tags_is_drawn_as_a_figure_of_a_run_of_ours(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    write(run.logs / "train", *curve("gradients/conv1", [1, 2]), *curve("gradients/dense", [1, 2]))
    for pattern, metrics in (("*conv1", ["gradients/conv1"]), ("*gradients*", ["gradients/conv1", "gradients/dense"])):
        assert json.loads(plot(tmp_path, "--metric", pattern, "--json").stdout)["metrics"] == metrics
    assert "no metric '*nothing'" in plot(tmp_path, "--metric", "*nothing", expect=3).stderr


@pytest.mark.parametrize("last", [float("nan"), float("inf")])
def test_a_last_value_that_is_no_number_is_null_in_the_document_and_said_in_the_terminal(tmp_path, last) -> None:
    write(tmp_path / "other", *[event(step, simple("loss", value)) for step, value in enumerate((2.0, 1.0, last))])
    out = str(tmp_path / "x.png")
    (one,) = json.loads(plot(tmp_path, str(tmp_path / "other"), "--json", "--out", out).stdout)["curves"]
    assert (one["last"], one["best"], one["best_at"]) == (None, 1, "step 1")
    assert plot(tmp_path, str(tmp_path / "other"), "--terminal").stdout.endswith(f"{last:g} (best 1 at step 1)\n")
