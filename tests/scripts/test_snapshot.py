from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tbcli.scripts import snapshot
from tbcli.scripts.program import MODULE, PLACE, SCRIPT, Program
from tbcli.scripts.snapshot import take_source


def git(where: Path, *words: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@e")
    subprocess.run(["git", "-C", str(where), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A script with a module of its own, one of a library, and one elsewhere."""
    for name in ("train.py", "pkg/net.py", "venv/lib/site-packages/lib.py", "unused.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    for name in ("train.py", "pkg/net.py", "venv/lib/site-packages/lib.py"):
        module = ModuleType(name)
        module.__file__ = str(tmp_path / name)
        monkeypatch.setitem(sys.modules, name, module)
    return Program(SCRIPT, str(tmp_path / "train.py"))


def test_the_script_and_its_own_modules_are_kept_and_no_libraries(program: Program) -> None:
    source = take_source(program)
    assert source.files == {"train.py": b"# train.py\n", "pkg/net.py": b"# pkg/net.py\n"}
    assert (source.script, source.commit, source.diff, source.left_out) == ("train.py", "", b"", {})


def test_the_script_is_kept_as_it_was_when_it_began(program: Program) -> None:
    program.source()
    Path(program.file).write_text("edited")
    assert take_source(program).files["train.py"] == b"# train.py\n"


def test_a_module_and_an_archive_are_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "tool.py").write_text("# tool\n")
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", "# main\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for kind, name, kept in (
        (MODULE, "pkg.tool", {"pkg/tool.py": b"# tool\n"}),
        (PLACE, "app.pyz", {"__main__.py": b"# main\n"}),
    ):
        monkeypatch.setitem(sys.modules, "__main__", sys)
        program = Program(kind, name)
        program.enter([])
        source = take_source(program)
        assert source.files == kept
        assert source.script == next(iter(kept))


def test_commit_and_changes_are_kept(program: Program, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "train.py")
    git(tmp_path, "commit", "-qm", "one")
    assert take_source(program).diff == b""
    (tmp_path / "train.py").write_text("# changed\n")
    source = take_source(program)
    assert len(source.commit) == 40
    assert b"-# train.py\n+# changed\n" in source.diff


def test_what_is_too_large_is_left_out_by_name(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    (tmp_path / "unused.py").write_text("x" * 999)
    (tmp_path / "pkg" / "net.py").write_text("x" * 999)
    monkeypatch.setattr(snapshot, "LARGEST_FILE", 100)
    monkeypatch.setattr(snapshot, "LARGEST_DIFF", 200)
    source = take_source(program)
    assert set(source.files) == {"train.py"}
    assert len(source.diff) == 200
    assert set(source.left_out) == {"pkg/net.py", "git.diff"}
