"""The README names every command, and no option that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tbcli.cli.app import COMMANDS, app

README = (Path(__file__).parents[1] / "README.md").read_text()
ON_THE_APP = {"--install-completion", "--version"}
OF_THE_SCRIPT = {"--lr"}  # that `tbcli run` runs there


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown(command: str) -> None:
    assert f"tbcli {command}" in README


def test_every_option_it_names_is_an_option() -> None:
    helps = [CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output for command in COMMANDS]
    known = set(re.findall(r"--[a-z0-9][a-z0-9-]*", "\n".join(helps))) | ON_THE_APP | OF_THE_SCRIPT
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) <= known


def test_every_file_it_shows_or_links_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parents[1] / target).is_file(), target
