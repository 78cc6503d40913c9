"""A workspace of its own for each test, away from the environment of whoever runs them."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from typer.testing import CliRunner, Result

if TYPE_CHECKING:
    from tests.tiny import Tiny

# One workspace for all examples of a test is meant; a busy machine is no failure.
_EVERYWHERE = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("dev", derandomize=True, max_examples=25, database=None, **_EVERYWHERE)
settings.register_profile("ci", max_examples=200, print_blob=True, **_EVERYWHERE)
settings.load_profile("dev")


def pytest_configure() -> None:
    """Let the processes that tests start take signals as usual, whoever started us: nohup, a script with ``&``.

    An ignored signal is inherited; a handler is not. One that does nothing leaves us as deaf as we were.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that load TensorFlow first: of processes that share the files, none is left with a long one."""
    heavy = {item.path for item in items if item.get_closest_marker("tf")}
    items.sort(key=lambda item: item.path not in heavy)


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not among the million objects of TensorFlow and of thousands of tests, each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        # The last is set by libraries that another test imported, for the processes of this one too.
        if name.startswith(("TBCLI_", "_TBCLI_")) or name in ("NO_COLOR", "FORCE_COLOR", "TF_CPP_MIN_LOG_LEVEL"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Sync nothing in this process: no test cuts the power, and the thousands of waits are a good part of the time.

    What a kill or a broken disk leaves is looked at in processes of their own: tests/faults, training/continuing.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def cache_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Directories for caches; `mktemp` would look at those of all tests before, each time."""
    root = tmp_path_factory.mktemp("caches")
    return (root / str(number) for number in count())


@pytest.fixture(autouse=True)
def cache_home(cache_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test, also for the processes it starts."""
    home = next(cache_homes)
    home.mkdir()
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
