"""``tbcli init`` writes a commented file of settings, and never over another."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

from tbcli.config import Config, load_config
from tests.cli.test_evaluate_predict import Cli


def test_the_file_changes_nothing_until_it_is_edited(cli: Cli, workspace: Path) -> None:
    result = cli("init")
    assert (result.exit_code, result.stdout) == (0, "tbcli.toml\n")
    assert load_config(environ={}) == Config()
    text = (workspace / "tbcli.toml").read_text()
    assert "# epochs = 5" in text
    assert "[charts]" in text


def test_what_was_said_stands_in_it_with_what_the_data_are(cli: Cli, workspace: Path) -> None:
    np.savez(workspace / "digits.npz", x=np.arange(640, dtype=np.uint8).reshape(40, 4, 4), y=np.arange(40) % 4)
    assert cli("init", "--data", "digits.npz", "epochs=3").exit_code == 0
    text = (workspace / "tbcli.toml").read_text()
    assert tomllib.loads(text)["data"]["source"] == "./digits.npz"
    assert "32 train, 4 validation, 4 test" in text
    config = load_config(environ={})
    assert (config.data.source, config.train.epochs) == (str(workspace / "digits.npz"), 3)


def test_an_existing_file_is_kept(cli: Cli, workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text("[train]\nepochs = 7\n")
    result = cli("init")
    assert result.exit_code == 8
    assert (workspace / "tbcli.toml").read_text() == "[train]\nepochs = 7\n"
    assert cli("init", "--data", "nowhere", "--workspace", "other").exit_code == 3
    assert not (workspace / "other").exists()
