"""A workspace of its own for each test, away from the environment of whoever runs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

if TYPE_CHECKING:
    from tests.tiny import Tiny


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TBCLI_", "_TBCLI_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test, also for the processes it starts."""
    home = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(workspace: Path) -> Callable[..., Result]:
    """Runs ``tbcli`` in the workspace, in this process; a bug of ours shows as itself."""
    from tbcli.cli.app import app

    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, list(words), prog_name="tbcli")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """One real training, small and with everything on, shared by all who look at what a training leaves."""
    from tests.tiny import train_tiny

    return train_tiny(tmp_path_factory.mktemp("tiny"))
