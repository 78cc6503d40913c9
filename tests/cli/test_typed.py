"""The words people type: flags in any spelling, `key=value`, and what is answered to those that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.advice import COMMAND_WORDS, FOREIGN
from tbcli.cli.app import COMMANDS, load_command
from tbcli.config import SETTINGS, Config, load_config

Cli = Callable[..., Result]


def settled(cli: Cli, *words: str) -> Config:
    result = cli("train", *words, "--print-config")
    assert result.exit_code == 0, result.stderr
    Path("said.toml").write_text(result.stdout)
    return load_config(file="said.toml", environ={})


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ("--lr 0.5", "train.learning_rate", 0.5),
        ("--lr=0.5", "train.learning_rate", 0.5),
        ("--learning_rate 0.5", "train.learning_rate", 0.5),
        ("lr=0.5", "train.learning_rate", 0.5),
        ("learning-rate=0.5", "train.learning_rate", 0.5),
        ("train.learning_rate=0.5", "train.learning_rate", 0.5),
        ("--batch 7", "train.batch_size", 7),
        ("--batch_size 7", "train.batch_size", 7),
        ("batch=7", "train.batch_size", 7),
        ("--max-epochs 7", "train.epochs", 7),
        ("--max_epochs 7", "train.epochs", 7),
        ("--num-epochs=7", "train.epochs", 7),
        ("max_epochs=7", "train.epochs", 7),
        ("data=mnist", "data.source", "mnist"),
        ("dataset=mnist", "data.source", "mnist"),
        ("dropout=0.5", "model.dropout", 0.5),
        ("wd=0.5", "train.weight_decay", 0.5),
        ("deterministic=yes", "train.deterministic", True),
        ("--deterministic=false", "train.deterministic", False),
        ("plots=no", "plot.automatic", False),
        ("--no_plots", "plot.automatic", False),
        ("--deterministic true", "train.deterministic", True),
        ("--plots false epochs=3", "plot.automatic", False),
        ("smooth=0.5", "plot.smooth", 0.5),
        ("record=light", "record.recorders", "light"),
        ("save-format=h5,tflite", "train.save_formats", ("h5", "tflite")),
        ("--monitor loss", "train.monitor", "loss"),
        ("name=a=b", "train.name", "a=b"),
        ("--name=", "train.name", ""),
        ("--lr 0.5 lr=0.5 --learning-rate 5e-1", "train.learning_rate", 0.5),
        ("--save-format h5 --save-format tflite", "train.save_formats", ("h5", "tflite")),
        ("limit_samples=9", "data.limit_samples", 9),
        ("record.limit_samples=9", "record.limit_samples", 9),
        ("--log-dir elsewhere", "paths.logdir", "elsewhere"),
        ("workspace=.", "paths.workspace", "."),
    ],
)
def test_other_spellings_reach_their_setting(cli: Cli, words: str, key: str, value: object) -> None:
    section, _, name = key.partition(".")
    assert getattr(getattr(settled(cli, *words.split()), section), name) == value


def test_every_alias_works_in_both_ways_and_is_not_listed(cli: Cli) -> None:
    text = cli("train", "--help").stdout
    for each in SETTINGS.values():
        words = [word for alias in each.aliases for word in (f"--{alias}", alias + "=")]
        for word in words if each.key.partition(".")[0] in ("data", "model", "train", "record") else ():
            value = "mae" if each.kind is tuple else str(each.default)
            said = [f"{word}{value}"] if word.endswith("=") else [word, value]
            if each.flag or word.endswith("="):
                assert cli("train", *said, "--print-config").exit_code == 0, word
            assert f"{word} " not in text


def test_bare_words_are_as_strong_as_flags_and_other_options_can_be_bare(cli: Cli, workspace: Path) -> None:
    (workspace / "my.toml").write_text("[train]\nepochs = 7\nbatch_size = 7\n")
    config = settled(cli, "config=my.toml", "--set", "train.epochs=8", "epochs=9", "quiet=true", "verbose=no")
    assert (config.train.epochs, config.train.batch_size) == (9, 7)
    assert "[train]" in cli("train", "print_config=true").stdout


@pytest.mark.parametrize(
    "words",
    [
        "--lr 0.1 lr=0.2", "--epochs 3 epochs=4", "--epochs 3 --epochs 4", "epochs=3 max_epochs=4",
        "--plots --no-plots", "train.epochs=3 --epochs 4", "--set train.epochs=3 --set train.epochs=4",
    ],
)  # fmt: skip
def test_said_twice_differently_is_an_error(cli: Cli, words: str) -> None:
    result = cli("train", *words.split())
    assert result.exit_code == 2
    assert "is set twice" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--epochs 0", "error: --epochs must be"),
        ("--epochs three", "error: --epochs must be a whole number, got 'three'"),
        ("--lr -1", "error: --lr must be"),
        ("lr=-1", "error: lr must be"),
        ("max_epochs=0", "error: max_epochs must be"),
        ("train.epochs=0", "error: train.epochs must be"),
        ("--set train.epochs=0", "error: --set train.epochs must be"),
        ("dropout=1", "error: dropout must be"),
        ("--config bad.toml", "error: bad.toml: train.epochs must be"),
        ("--optimizer adma", "error: --optimizer cannot be 'adma'"),
        ("--lr", "error: --lr needs a value"),
        ("--no-plots=true", "error: --no-plots takes no value, got 'true'"),
        ("--plots=maybe", "error: --plots must be true or false"),
        ("audit=maybe", "error: audit must be true or false, got 'maybe'"),
    ],
)
def test_an_error_names_what_was_typed(cli: Cli, workspace: Path, words: str, named: str) -> None:
    (workspace / "bad.toml").write_text("[train]\nepochs = 0\n")
    result = cli("train", *words.split())
    assert result.exit_code == 2
    assert result.stderr.startswith(named)
    assert len(result.stderr.splitlines()) == 2


def test_an_error_names_the_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TBCLI_TRAIN_EPOCHS", "0")
    assert cli("train").stderr.startswith("error: TBCLI_TRAIN_EPOCHS must be from 1 to 1000000, got '0'")


@pytest.mark.parametrize(
    ("words", "replacement"),
    [
        ("train --learning_rat 0.1", "--learning-rate"),
        ("train learning_rat=0.1", "--learning-rate"),
        ("train --dropout 0.5", "`--set model.dropout=0.5`"),
        ("train --drop-out 0.5", "--set model.dropout="),
        ("train --weight_decay 0.1", "`--set train.weight_decay=0.1`"),
        ("train --gpu 1", "CUDA_VISIBLE_DEVICES"),
        ("train gpu=1", "CUDA_VISIBLE_DEVICES"),
        ("train --num-gpus 2", "--devices N"),
        ("train --device cpu", "CUDA_VISIBLE_DEVICES"),
        ("train --num-workers 4", "leave it out"),
        ("train --output-dir out", "--workspace DIR"),
        ("train --output_dir=out", "--workspace DIR"),
        ("train --fp16", "--precision mixed_float16"),
        ("train mnist", "`--data mnist`"),
        ("train cnn", "`--model cnn`"),
        ("train ./photos", "`--data ./photos`"),
        ("train lr 3", "`--lr ...` or `lr=...`"),
        ("train bogus=", "tbcli help settings"),
        ("schema epochs=3", "tbcli schema --help"),
        ("--epochs 3", "options stand behind a command"),
        ("runs --gpus 2", "`tbcli runs --help` lists all"),
        ("train --set lr=3", "did you mean 'train.learning_rate'?"),
        ("train --set epochs=3", "did you mean 'train.epochs'?"),
        ("train epochs 3", "`--epochs ...` or `epochs=...`"),
        ("train word", "`--epochs 3` or `epochs=3`"),
        ("plot --metrics loss", "--metric"),
        ("plot latest --output x.png", "`--out FILE`"),
        ("runs --silent", "`--quiet`"),
        ("serve --bind_all", "`--host 0.0.0.0`"),
        ("clean --force", "`--yes`"),
        ("fit", "did you mean 'train'"),
        ("ls", "did you mean 'runs'"),
        ("trian", "did you mean 'train'"),
    ],
)
def test_a_word_that_means_nothing_names_what_does(cli: Cli, words: str, replacement: str) -> None:
    result = cli(*words.split())
    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    received = next(word for word in words.split() if word.partition("=")[0].lstrip("-") in error)
    assert received
    assert replacement in hint


def test_a_short_option_and_what_stands_behind_two_dashes_are_left_alone(cli: Cli, workspace: Path) -> None:
    assert cli("train", "-q", "--print-config").exit_code == 0
    assert cli("runs", "--", "--nothing").exit_code == 3
    assert cli("train", "-x").exit_code == 2
    assert cli("train", "--epochs").exit_code == 2
    for words in (["--help"], ["-h"], ["--epochs", "3", "--help"], ["lr=0.1", "--help"]):
        assert cli("train", *words).stdout == cli("help", "train").stdout


@pytest.mark.parametrize(
    "word",
    [
        "epochs=" + "9" * 5000,
        "x" * 5000,
        "--" + "x" * 5000,
        "lr=" + "x" * 5000,
        "=3",
        "--=3",
        ".=3",
        "=",
        "--",
        "train.=3",
        ".epochs=3",
        "\udcff=1",
        "\x1b[31m=1",
        "e\n=1",
    ],
    ids=lambda word: ascii(word[:9]),
)
def test_odd_words_are_two_lines_and_code_2(cli: Cli, word: str) -> None:
    result = cli("train", word, "stray")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2
    assert "\x1b" not in result.stderr
    assert len(result.stderr) < 1700


def test_no_word_of_others_is_a_word_of_ours() -> None:
    options = {flag for name in COMMANDS for param in load_command(name).params for flag in param.opts}
    aliases = {alias for each in SETTINGS.values() for alias in each.aliases}
    assert not [word for word in FOREIGN if f"--{word}" in options]
    assert not aliases & set(FOREIGN)
    assert set(COMMAND_WORDS.values()) <= set(COMMANDS)
    assert not set(COMMAND_WORDS) & set(COMMANDS)
