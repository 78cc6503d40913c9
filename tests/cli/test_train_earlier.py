"""`tbcli train --config RUN` repeats a run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tbcli.config import Config, load_config
from tests.fakes import make_run

Cli = Callable[..., Result]
ASKED = {"train.epochs": 8, "train.seed": 4, "record.spacing": 2, "data.augment": ("flip",), "charts.Mine": ("loss",)}


def repeated(cli: Cli, reference: str, *words: str) -> Config:
    result = cli("train", "--config", reference, "--print-config", *words)
    assert result.exit_code == 0, result.stderr
    Path("said.toml").write_text(result.stdout)
    return load_config(file="said.toml", environ={})


@pytest.mark.parametrize("reference", ["latest", "first", "ID", "PREFIX", "./logs/ID", "logs/ID/config.json"])
def test_a_run_is_repeated_to_its_last_setting_however_it_is_named(cli: Cli, workspace: Path, reference: str) -> None:
    make_run(workspace / "other")
    run = make_run(workspace, name="first", settings=ASKED)
    config = repeated(cli, reference.replace("ID", run.id).replace("PREFIX", run.id[:-2]))
    before: Any = json.loads(run.config_file.read_text())
    assert config.as_dict() == {**before, "paths": Config().as_dict()["paths"]}  # where it was found, not where it was


def test_what_is_typed_beside_it_or_set_by_a_variable_is_stronger_and_said(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(workspace, name="first", settings=ASKED)
    (workspace / "tbcli.toml").write_text("[train]\nseed = 99\n")  # weaker
    monkeypatch.setenv("TBCLI_TRAIN_BATCH_SIZE", "64")
    result = cli("train", "--config", "first", "epochs=3", "--print-config")
    assert result.stderr == f"repeats {run.label} with epochs 3 instead of 8, batch_size 64 instead of 128\n"
    for line in ("epochs = 3", "batch_size = 64", "seed = 4"):
        assert f"\n{line} " in result.stdout.replace("\n", " \n")


def test_it_says_so_where_the_run_itself_was_changed_on_its_way(cli: Cli, workspace: Path) -> None:
    make_run(workspace, record={"changes": [{"epoch": 2, "changes": {"train.seed": [0, 1]}}]})
    assert "changed on its way" in cli("train", "--config", "latest", "--print-config").stderr


def test_a_run_of_elsewhere_is_repeated_here(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace / "other", settings=ASKED)
    shutil.copytree(run.logs, workspace / "unpacked" / run.id)
    config = repeated(cli, f"unpacked/{run.id}", "--models-dir", "mine")
    assert (config.paths.logs, config.paths.models) == (Path("logs"), Path("mine"))
    assert config.train.epochs == 8


def test_a_file_is_a_file_even_if_a_run_is_called_so(cli: Cli, workspace: Path) -> None:
    make_run(workspace, name="mine", settings=ASKED)
    (workspace / "mine").write_text("[train]\nepochs = 2\n")
    assert repeated(cli, "mine").train.epochs == 2
    (workspace / "config.json").write_text('{"train": {"epochs": 3}}')  # of no run
    assert repeated(cli, "config.json").train.epochs == 3


@pytest.mark.parametrize(
    ("reference", "code", "said"),
    [("nobody", 3, "nobody"), ("no/where", 2, "no configuration file"), ("nowhere.toml", 2, "no configuration file"),
     ("./logs", 3, "not a run"), ("", 2, "empty")],
)  # fmt: skip
def test_what_is_neither_a_file_nor_a_run_is_an_error(
    cli: Cli, workspace: Path, reference: str, code: int, said: str
) -> None:
    make_run(workspace)
    result = cli("train", "--config", reference)
    assert result.exit_code == code
    assert said in result.stderr


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        ({"backend": "jax", "script": "mine.py"}, "`tbcli run mine.py` with its arguments"),
        ({"backend": "torch"}, "run the script again"),
    ],
)
def test_a_run_of_a_script_is_refused_with_what_repeats_it(
    cli: Cli, workspace: Path, facts: dict[str, Any], advice: str
) -> None:
    make_run(workspace, record=facts)
    result = cli("train", "--config", "latest")
    assert result.exit_code == 8
    assert advice in result.stderr.splitlines()[-1]
