"""The rules of the house that a machine can hold: which room may know which, and who loads what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tbcli
from tests.fakes import make_run

PACKAGE = Path(tbcli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
EVERYBODY = {"config", "errors", "loading", "naming", ""}  # "" is the package itself: its version
ROOMS = {
    "naming": set(),
    "config": set(),
    "runs": set(),
    "events": set(),
    "readers": {"events", "runs"},
    "gates": {"runs"},
    "comparison": {"runs"},
    "figures": {"events", "readers", "runs"},
    "exporting": {"events", "readers", "runs"},
    "recorders": {"figures", "runs"},  # of runs only what its files call a metric
    "data": set(),
    "models": {"data"},
    "serving": {"readers", "recorders", "runs"},  # of recorders only the registry: what they promise
    "training": {"data", "models", "recorders", "figures", "readers", "runs"},
    "cli": {
        "training", "recorders", "serving", "figures", "exporting", "gates", "comparison", "readers", "events", "runs",
    },
    "errors": set(),
    "loading": set(),
    "__main__": {"cli"},
    "": set(),
}  # fmt: skip
HEAVY = ("tensorflow", "keras", "torch", "jax")
# Commands that answer without TensorFlow, each with what else it has no use for.
LIGHT = {
    "--help": ("numpy", "matplotlib", "tensorboard"),
    "--version": ("numpy", "matplotlib", "tensorboard", "rich"),
    "runs": ("numpy", "matplotlib", "tensorboard", "rich"),
    "runs latest": ("numpy", "matplotlib", "tensorboard", "rich"),
    "runs --where val_accuracy>0.5 --sort val_loss.best --columns id,train.seed": ("numpy", "matplotlib", "rich"),
    "check latest val_accuracy.best>=0.5 train.epochs=5": ("numpy", "matplotlib", "tensorboard", "rich"),
    "clean latest --yes": ("numpy", "matplotlib", "tensorboard", "rich"),
    "plot latest": ("tensorboard",),
    "train --epochs none": ("numpy", "matplotlib", "tensorboard"),
}


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    first = parts[0] if len(parts) > 1 else path.stem
    return "" if first == "__init__" else first


def walk_running(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
            yield child
            yield from walk_running(child)


def imports_of(path: Path) -> Iterator[str]:
    """Yield the rooms of ours that a file imports, at any depth; a name for type checkers alone is no import."""
    for node in walk_running(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [
                f"{node.module}.{alias.name}" if node.module == "tbcli" else str(node.module) for alias in node.names
            ]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "tbcli":
                yield "" if rest.startswith("_") else rest.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_arrows_between_rooms_point_one_way(path: Path) -> None:
    room = room_of(path)
    assert room in ROOMS, f"say in this test what the new room {room!r} may import"
    forbidden = set(imports_of(path)) - ROOMS[room] - EVERYBODY - {room}
    assert not forbidden, f"{room} must not know {sorted(forbidden)}"


def test_only_the_entry_point_imports_the_command_line() -> None:
    knowing = {room_of(path) for path in FILES if "cli" in set(imports_of(path))}
    assert knowing <= {"cli", "__main__"}


def test_no_file_is_a_drawer_for_everything() -> None:
    assert not [path for path in FILES if path.stem in ("utils", "util", "helpers", "misc", "common")]


def test_nothing_private_and_no_click_is_imported() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [str(node.module)] if isinstance(node, ast.ImportFrom) and node.module != "__future__" else []
            for module in modules:
                assert not module.startswith("click"), path
                assert not any(part.startswith("_") for part in module.split(".")), path


@pytest.mark.parametrize("words", LIGHT)
def test_light_commands_never_load_tensorflow(words: str, tmp_path: Path) -> None:
    make_run(tmp_path)
    program = (
        "import sys\n"
        "from tbcli.cli.app import app\n"
        "try:\n    app(prog_name='tbcli')\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    argv = [sys.executable, "-c", program, *words.split()]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == (2 if "none" in words else 0), done.stderr
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "tbcli.cli.app" in loaded
    assert loaded.isdisjoint((*HEAVY, *LIGHT[words]))
