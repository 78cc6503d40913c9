from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbcli.scripts.imports import ImportWatch


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    finders = list(sys.meta_path)
    yield
    sys.meta_path[:] = finders
    for name in ("awaited", "awaited.inner", "failing"):
        sys.modules.pop(name, None)


def test_a_module_is_told_of_once_it_is_whole_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "awaited").mkdir()
    (tmp_path / "awaited" / "__init__.py").write_text("from awaited import inner\nx = 1")
    (tmp_path / "awaited" / "inner.py").write_text("y = 2")
    told: list[object] = []
    ImportWatch(
        {"awaited": lambda module: told.append(module.x), "awaited.inner": lambda module: told.append(module.y)}
    ).install()
    assert not told
    module = importlib.import_module("awaited")
    assert told == [2, 1]
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert not vars(module.__loader__).get("exec_module")
    importlib.reload(module)
    assert told == [2, 1]


def test_a_module_that_is_there_is_told_of_at_once_and_a_missing_one_never() -> None:
    told: list[str] = []
    ImportWatch(
        {"sys": lambda module: told.append(module.__name__), "no_such": lambda module: told.append("?")}
    ).install()
    assert told == ["sys"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such")


def test_a_module_that_fails_at_first_is_told_of_later(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("raise ImportError('not yet')")
    told: list[object] = []
    ImportWatch({"failing": lambda module: told.append(module)}).install()
    with pytest.raises(ImportError, match="not yet"):
        importlib.import_module("failing")
    (tmp_path / "failing.py").write_text("there = True # longer")
    importlib.invalidate_caches()
    importlib.import_module("failing")
    assert len(told) == 1
