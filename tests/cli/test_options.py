from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tbcli.cli.options import Common, find_runs
from tbcli.config import PathsConfig, Said
from tbcli.errors import ConfigError
from tbcli.runs import LogDirectory, RunStore
from tests.fakes import SOME_MOMENT, make_run


def test_what_was_said_becomes_the_strongest_layer(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text("[train]\nepochs = 7\nbatch_size = 7\n")
    flags = {"train.epochs": Said("9", "--epochs"), "paths.models_dir": Said("elsewhere", "--models-dir")}
    config = Common(flags, assignments=("train.epochs=8", "train.batch_size=8")).settle()
    assert (config.train.epochs, config.train.batch_size, config.paths.models_dir) == (9, 8, "elsewhere")
    with pytest.raises(ConfigError, match="--epochs must be"):
        Common({"train.epochs": Said("0", "--epochs")}).settle()


def test_runs_named_twice_are_found_once_in_the_order_said(workspace: Path) -> None:
    runs = [make_run(workspace, started=SOME_MOMENT + timedelta(hours=i), name="base", files=False) for i in range(3)]
    (workspace / "foreign").mkdir()
    references = [runs[0].id, "latest", f"logs/{runs[2].id}", "./foreign", runs[2].id[:-1]]
    found = find_runs(Common(), RunStore(PathsConfig()), references)
    assert [run.logs.name for run in found] == [runs[0].id, runs[2].id, "foreign"]
    assert isinstance(found[2], LogDirectory)


def test_the_newest_of_a_name_is_narrated(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [make_run(workspace, started=SOME_MOMENT + timedelta(hours=i), name="base", files=False) for i in range(2)]
    assert [run.logs.name for run in find_runs(Common(), RunStore(PathsConfig()), ["base"])] == [runs[1].id]
    assert capsys.readouterr() == ("", f"2 runs are named 'base': this is the newest, {runs[1].id}\n")
