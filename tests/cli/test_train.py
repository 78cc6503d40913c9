"""What `tbcli train` answers before TensorFlow is needed."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.app import load_command
from tbcli.config import SETTINGS, Config, load_config
from tbcli.recorders.registry import RECORDERS
from tests.fakes import make_run

Cli = Callable[..., Result]

# What is wrong, the code, what of it is shown, and what is advised.
TYPOS = [
    ("--epohcs 3", 2, "--epohcs", "--epochs"),
    ("--epochs three", 2, "three", "a whole number from 1"),
    ("--epochs 0", 2, "epochs", "from 1 to 1000000"),
    ("--learning-rate -1", 2, "-1", "train.learning_rate"),
    ("--learning-rate nan", 2, "nan", "train.learning_rate"),
    ("--optimizer adma", 2, "adma", "adam"),
    ("--schedule cosin", 2, "cosin", "cosine"),
    ("--precision float23", 2, "float23", "float32"),
    ("--save-format kears", 2, "kears", "keras"),
    ("--validation-split 1", 2, "1", "at least 0 and below 1"),
    ("--data mnits", 3, "mnits", "mnist"),
    ("--model cn", 2, "'cn'", "cnn"),
    ("--record hitograms", 2, "hitograms", "histograms"),
    ("--record-every often", 2, "often", "--record-every 2"),
    ("--record-every sampels=2", 2, "sampels", "samples"),
    ("--profile 30:20", 2, "30:20", "START:STOP"),
    ("--profile ten", 2, "ten", "START:STOP"),
    ("--profile 1", 2, "'1'", "compilation"),
    ("--profile 60:70 --limit-samples 600 --epochs 2", 2, "10 steps", "`--profile 10`"),
    ("--profile 12 --limit-samples 600 --epochs 2", 2, "10 steps", "`--profile 10`"),
    ("--monitor val_los", 2, "val_los", "val_loss"),
    ("--model cn --print-config", 2, "'cn'", "cnn"),
    ("--data mnits --print-config", 3, "mnits", "mnist"),
    ("--record hitograms --print-config", 2, "hitograms", "histograms"),
    ("--check val_acuracy>0.9", 3, "val_acuracy", "val_accuracy"),
    ("--check loss<0.1andval_acc>0", 2, "0.1andval_acc", "write e.g."),
    ("--check val_loss<1 --validation-split 0", 3, "val_loss", "loss"),
    ("--check loss@step<1", 3, "loss@step", "loss"),
    ("--check train.sed=3", 3, "train.sed", "train.seed"),
    ("--check learning_rate.best<1", 3, "no direction", "direction.learning_rate"),
    ("--check val_accuracy>high", 2, "high", "val_accuracy"),
    ("--log-every -1", 2, "-1", "record.log_every"),
    ("--name a/b", 2, "a/b", "use -"),
    ("--name latest", 2, "latest", "by its rank"),
    ("--set train.epohcs=3", 2, "train.epohcs", "train.epochs"),
    ("--set train.epochs", 2, "train.epochs", "section.key=value"),
    ("--config nowhere.toml", 2, "nowhere.toml", "--config"),
    ("--config broken.toml", 2, "broken.toml", "--print-config"),
    ("--config wrong.toml", 2, "epohcs", "epochs"),
    ("--limit-samples 3", 4, "3 samples", "--validation-split"),
    ("--logdir a-file", 2, "a-file", "DIR"),
    ("--logdir a-file/below", 2, "a-file/below", "DIR"),
    ("--models-dir a-file", 2, "a-file", "--models-dir"),
    ("--until val_acuracy>1", 2, "val_acuracy", "'val_accuracy'"),
    ("--until loss<1&&seed=3", 2, "&&", "and"),
    ("--until loss<1|val_acc", 2, "val_acc", "0.98"),
    ("--until epoch.best>3", 2, "epoch.best", "'epoch'"),
    ("--until TEST_accuracy>1", 2, "evaluated once, after training", "'val_accuracy'"),
    ("--until loss<low", 2, "'low'", "0.98"),
    ("--until val_acc>1 --validation-split 0", 2, "no samples are held out", "'accuracy'"),
    ("--detach --dry-run", 2, "--detach and --dry-run", "one at a time"),
    ("unexpected", 2, "unexpected", "train --help"),
]
MANY = """
import sys
from typer.testing import CliRunner
from tbcli.cli.app import app
for line in sys.stdin.read().splitlines():
    result = CliRunner().invoke(app, line.split(), prog_name="tbcli")
    print([result.exit_code, result.stdout, result.stderr])
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[list[object]]:
    """What one fresh process answers to every typo, and in the end what it has loaded."""
    workspace = tmp_path_factory.mktemp("typos")
    (workspace / "a-file").write_text("in the way")
    (workspace / "broken.toml").write_text("[train\n")
    (workspace / "wrong.toml").write_text("[train]\nepohcs = 3\n")
    asked = "\n".join(f"train {words}" for words, *_ in TYPOS)
    done = subprocess.run(
        [sys.executable, "-c", MANY], cwd=workspace, input=asked, capture_output=True, text=True, check=True
    )
    assert sorted(path.name for path in workspace.iterdir()) == ["a-file", "broken.toml", "wrong.toml"]
    return [eval(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("number", range(len(TYPOS)), ids=[words for words, *_ in TYPOS])
def test_a_mistake_is_two_lines_and_a_code(answers: list[list[object]], number: int) -> None:
    _, code, received, advice = TYPOS[number]
    exit_code, stdout, stderr = answers[number]
    assert (exit_code, stdout) == (code, "")
    error, hint = str(stderr).splitlines()[-2:]
    assert error.startswith("error: ")
    assert received in error
    assert hint.startswith("try: ")
    assert advice in error + hint


def test_no_mistake_loads_tensorflow(answers: list[list[object]]) -> None:
    assert "typer" in answers[-1]
    assert set(answers[-1]).isdisjoint({"tensorflow", "keras", "tensorboard", "matplotlib"})


def test_a_typo_costs_a_blink(workspace: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [sys.executable, "-m", "tbcli", "train", "--record", "hitograms"]
    done = subprocess.run(argv, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)
    # Of the processor's time, a fifth of a second; TensorFlow takes four.
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1.5


def test_the_printed_configuration_can_be_fed_back(cli: Cli, workspace: Path) -> None:
    printed = cli("train", "--epochs", "7", "--name", "mine", "--set", "record.samples=9", "--print-config")
    assert printed.exit_code == 0
    assert printed.stderr == ""
    (workspace / "mine.toml").write_text(printed.stdout)
    again = cli("train", "--config", "mine.toml", "--print-config")
    assert again.stdout == printed.stdout
    config = load_config(file="mine.toml")
    assert (config.train.epochs, config.train.name, config.record.samples) == (7, "mine", 9)
    assert [path.name for path in workspace.iterdir()] == ["mine.toml"]


def test_every_flag_reaches_its_setting(cli: Cli, workspace: Path) -> None:
    flags = {
        "data.validation_split": ("--validation-split", 0.25), "data.limit_samples": ("--limit-samples", 77),
        "train.epochs": ("--epochs", 3), "train.batch_size": ("--batch-size", 33),
        "train.learning_rate": ("--learning-rate", 0.5), "train.optimizer": ("--optimizer", "sgd"),
        "train.schedule": ("--schedule", "constant"), "train.patience": ("--patience", 4),
        "train.seed": ("--seed", 9), "train.precision": ("--precision", "mixed_float16"),
        "train.steps_per_epoch": ("--steps-per-epoch", 12), "train.name": ("--name", "a name"),
        "train.note": ("--note", "why"), "record.recorders": ("--record", "light"),
        "record.every": ("--record-every", "histograms=5"), "record.log_every": ("--log-every", 6),
        "record.profile": ("--profile", "20:30"), "data.source": ("--data", "mnist"), "model.name": ("--model", "cnn"),
    }  # fmt: skip
    words = [str(word) for flag, value in flags.values() for word in (flag, value)]
    more = ["--deterministic", "--no-plots", "--save-format", "h5", "--save-format", "tflite"]
    (workspace / "said.toml").write_text(cli("train", *words, *more, "--print-config").stdout)
    config = load_config(file="said.toml")
    for key, (flag, value) in flags.items():
        section, name = key.split(".")
        assert getattr(getattr(config, section), name) == value, flag
    assert config.train.deterministic
    assert not config.plot.automatic
    assert config.train.save_formats == ("h5", "tflite")


def test_a_flag_that_was_not_said_overrules_no_file(cli: Cli, workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text("[train]\nepochs = 9\npatience = 2\n[plot]\nautomatic = false\n")
    printed = cli("train", "--patience", "0", "--print-config").stdout
    for line in ("epochs = 9", "patience = 0", "automatic = false"):
        assert f"\n{line}\n" in printed


def test_a_recipe_says_what_it_trains_with_and_what_overrules_it(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(workspace)
    monkeypatch.setattr("tbcli.cli.train._train", lambda *_: run)
    shown = cli("train", "--recipe", "fast", "--epochs", "9").stderr
    assert "recipe fast: epochs=9 (instead of 2) batch_size=64 learning_rate=0.003 dropout=0\n" in shown
    assert "recipe fast" not in cli("train").stderr


def test_record_help_lists_every_recorder(cli: Cli, workspace: Path) -> None:
    result = cli("train", "--record", "help")
    assert result.exit_code == 0
    heading, *lines = result.stdout.splitlines()
    assert heading.split()[:3] == ["recorder", "level", "ms/epoch"]
    assert [line.split()[0] for line in lines] == list(RECORDERS)
    assert " - " in lines[0]
    assert list(workspace.iterdir()) == []


def test_record_help_shows_what_the_latest_run_here_measured(cli: Cli, workspace: Path) -> None:
    make_run(workspace, epochs=4, record={"recording": {"milliseconds": {"scalars": 10.0}}})
    lines = cli("train", "--record", "help").stdout.splitlines()
    assert "2.5" in lines[1].split()
    assert "-" in lines[2].split()


def test_help_groups_the_options_and_shows_the_defaults(cli: Cli) -> None:
    text = cli("train", "--help").stdout
    for panel in ("Data", "Model", "Training", "Recording", "Output", "Everywhere"):
        assert f"─ {panel} ─" in text
    for default in (Config().train.epochs, Config().train.batch_size, Config().train.learning_rate):
        assert f"[default: {default}]" in text


def test_every_option_of_train_is_a_setting_or_says_what_to_do() -> None:
    # What to do with this one command; a run that is repeated from its configuration must not do it again by itself.
    deeds = {"print_config", "dry_run", "detach", "resume", "allow_changes", "audit", "check", "help"}
    common = {"config", "set_", "quiet", "verbose"}
    names = {str(parameter.name) for parameter in load_command("train").params} - deeds - common
    assert names == {
        each.key.replace(".", "_")
        for each in SETTINGS.values()
        if each.flag and (each.key == "plot.automatic" or not each.key.startswith(("plot.", "serve.", "sweep.")))
    }


def test_a_saved_configuration_of_a_run_can_be_asked_again(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, name="first", settings={"train.epochs": 8})
    printed = cli("train", "--config", str(run.config_file), "--print-config").stdout
    assert "epochs = 8" in printed
    assert json.loads(run.config_file.read_text())["train"]["epochs"] == 8
