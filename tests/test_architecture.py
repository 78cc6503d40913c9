"""The rules of the house that a machine can hold: which room may know which, and who loads what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tbcli
from tests.fakes import make_run

PACKAGE = Path(tbcli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
EVERYBODY = {
    "config",
    "errors",
    "keras_backend",
    "loading",
    "naming",
    "origin",
    "usercode",
    "",
}  # "" is the package itself: its version
ROOMS = {
    "naming": set(),
    "config": set(),
    "tasks": set(),
    "runs": {"tasks"},  # what predictions mean
    "events": set(),
    "readers": {"events", "runs"},
    "gates": {"runs"},
    "grouping": {"runs"},
    "comparison": {"grouping", "runs", "welch"},
    "effects": {"grouping", "runs", "welch"},
    "figures": {"effects", "events", "readers", "runs", "tasks"},
    "exporting": {"events", "readers", "runs"},
    "recorders": {"events", "figures", "runs", "tasks"},  # of runs only what its files call a metric
    "data": {"tasks"},
    "models": {"data", "tasks"},
    "serving": {"events", "readers", "recorders", "runs"},  # of recorders only the registry: what they promise
    "doctor": {"events", "readers", "runs", "serving"},
    "scripts": {"runs", "training"},
    "sweeps": {"comparison", "data", "grouping", "models", "recorders", "runs", "scripts", "tasks", "training"},
    "training": {"tasks", "data", "models", "recorders", "figures", "readers", "runs", "gates"},
    "predicting": {"data", "runs", "tasks", "training"},
    "cli": {
        "doctor", "effects", "predicting",
        "tasks", "data", "models", "training", "recorders", "serving", "figures", "exporting", "gates", "comparison",
        "grouping", "welch", "readers", "events", "runs", "scripts", "sweeps",
    },
    "welch": set(),
    "errors": set(),
    "loading": set(),
    "keras_backend": set(),
    "origin": set(),
    "usercode": set(),
    "__main__": {"cli", "loading"},
    "": set(),
}  # fmt: skip
HEAVY = ("tensorflow", "keras", "torch", "jax")
# Commands that answer without TensorFlow, each with what else it has no use for.
LIGHT = {
    "--help": ("numpy", "matplotlib", "tensorboard"),
    "runs --help": ("numpy", "matplotlib", "tensorboard", "tbcli.runs", "tbcli.naming.words", "tbcli.naming.matching"),
    "train --help": ("numpy", "matplotlib", "tensorboard", "tbcli.runs", "tbcli.data", "tbcli.recorders"),
    "stop --help": ("numpy", "matplotlib", "tensorboard", "tbcli.runs"),
    "run --help": ("numpy", "matplotlib", "tensorboard", "tbcli.runs", "tbcli.scripts"),
    "data mnist --limit-samples 200": ("matplotlib", "tensorboard"),
    "check --help": ("numpy", "matplotlib", "tensorboard", "tbcli.runs", "tbcli.gates", "tbcli.naming.matching"),
    "help metrics": ("numpy", "matplotlib", "tensorboard", "rich", "tbcli.runs"),
    "--version": ("numpy", "matplotlib", "tensorboard", "rich"),
    "runs": ("numpy", "matplotlib", "tensorboard", "rich"),
    "runs latest": ("numpy", "matplotlib", "tensorboard", "rich"),
    "runs --where val_accuracy>0.5 --sort val_loss.best --columns id,train.seed": ("numpy", "matplotlib", "rich"),
    "check latest val_accuracy.best>=0.5 train.epochs=5": ("numpy", "matplotlib", "tensorboard", "rich"),
    "effects val_accuracy": ("matplotlib", "tensorboard", "rich", "optuna", "sklearn"),
    "effects --help": ("numpy", "matplotlib", "tensorboard", "tbcli.runs", "tbcli.effects"),
    "doctor": ("matplotlib", "tensorboard"),
    "doctor latest": ("matplotlib",),
    "clean latest --yes": ("numpy", "matplotlib", "tensorboard", "rich"),
    "plot latest": ("tensorboard",),
    "sweep --help": ("numpy", "matplotlib", "tensorboard", "tbcli.runs", "tbcli.data", "tbcli.sweeps"),
    "sweep lr=0.1,0.01 --seeds 2 --dry-run": ("matplotlib", "tensorboard"),
    "train --epochs none": ("numpy", "matplotlib", "tensorboard"),
}


SAME_IDEA = {
    # A file's name that two rooms share, because each has its end of one idea.
    "activations": "the tap measures what the layers answer, the recorder writes it",
    "audit": "of dashboards, and how it reads",
    "comparison": "of runs, and how it reads",
    "confusion": "the picture, and the recorder that writes it",
    "checks": "of settings, and of data",
    "curves": "what `plot` asks of curves, and the curves",
    "damage": "in event files, and how it is told",
    "data": "the command, and the recorder that shows the data of a run",
    "gradients": "the figure, and the recorder that writes what it shows",
    "kernels": "the picture, and the recorder that writes it",
    "run": "the command that lets a script make runs, and a run on disk",
    "samples": "the picture, and the recorder that writes it",
    "series": "what a series is called, and its points",
    "tables": "read as data, and written by an export",
    # Of a public function or class.
    "plot": "the command, and the same from Python",
    "train": "the command and the function that it calls",
}


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a file parsed, once: not where tests are only collected."""
    return ast.parse(path.read_text())


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def imports_of(path: Path, *, at_import: bool = False) -> tuple[str, ...]:
    """Return the modules of ours that a file imports, at import alone or ever.

    A name for type checkers alone is no import; a name as text is resolved by whoever asks for it.
    """
    found: list[str] = []
    waiting: list[ast.AST] = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] == "tbcli"]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names if str(node.module).partition(".")[0] == "tbcli" else ():
                whole = f"{node.module}.{alias.name}"
                found.append(whole if whole in MODULES else str(node.module))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif not isinstance(node, ast.expr) and not (
            at_import and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ):  # no expression holds an import
            waiting += ast.iter_child_nodes(node)
    return tuple(found)


def ring_of(arrows: dict[str, set[str]]) -> str:
    """Return a circle among arrows as text, empty where there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return " <- ".join(error.args[1])
    return ""


def test_arrows_between_rooms_point_one_way() -> None:
    forbidden = []
    for module, path in MODULES.items():
        room = room_of(module)
        assert room in ROOMS, f"say in this test what the new room {room!r} may import"
        known = {room_of(imported) for imported in imports_of(path)}
        forbidden += [f"{module} must not know {name}" for name in sorted(known - ROOMS[room] - EVERYBODY - {room})]
    assert not forbidden, "\n".join(forbidden)


def test_no_module_is_imported_in_a_circle() -> None:
    ring = ring_of({module: set(imports_of(path, at_import=True)) - {module} for module, path in MODULES.items()})
    assert not ring, ring


def test_no_room_knows_another_that_knows_it_not_even_inside_a_function() -> None:
    rooms: dict[str, set[str]] = defaultdict(set)
    for module, path in MODULES.items():
        known = {room_of(imported) for imported in imports_of(path)}
        rooms[room_of(module)] |= known - {room_of(module), ""}  # "" is the package itself: its version
    ring = ring_of(rooms)
    assert not ring, ring


def test_no_two_rooms_have_a_file_or_a_public_name_in_common() -> None:
    files: dict[str, set[str]] = defaultdict(set)
    names: dict[str, set[str]] = defaultdict(set)
    for module, path in MODULES.items():
        if path.name != "__init__.py":
            files[path.stem].add(room_of(module))
        for node in tree_of(path).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                names[node.name].add(room_of(module))
    twins = {name: sorted(rooms) for owners in (files, names) for name, rooms in owners.items() if len(rooms) > 1}
    found = {name: rooms for name, rooms in twins.items() if name not in SAME_IDEA}
    assert not found, f"rename one, or say in SAME_IDEA how they belong together: {found}"
    assert not set(SAME_IDEA) - set(twins), "these are no twins any more"


def test_only_the_entry_point_imports_the_command_line() -> None:
    knowing = {room_of(module) for module, path in MODULES.items() if "cli" in map(room_of, imports_of(path))}
    assert knowing <= {"cli", "__main__"}


def test_what_renders_knows_no_command() -> None:
    """Beside its own room it knows where output goes, and what was asked to be shown."""
    rendering = [path for module, path in MODULES.items() if module.startswith("tbcli.cli.render")]
    known = {imported for path in rendering for imported in imports_of(path) if room_of(imported) == "cli"}
    others = {module for module in known if not module.startswith("tbcli.cli.render")}
    assert others <= {"tbcli.cli.listing", "tbcli.cli.output"}


def test_no_file_is_a_drawer_for_everything() -> None:
    assert not [path for path in FILES if path.stem in ("utils", "util", "helpers", "misc", "common")]


def test_nothing_private_and_no_click_is_imported() -> None:
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [str(node.module)] if isinstance(node, ast.ImportFrom) and node.module != "__future__" else []
            for module in modules:
                assert not module.startswith("click"), path
                assert not any(part.startswith("_") for part in module.split(".")), path


def shared_process(words: str) -> str:
    """Return which commands can follow one another in a process, since none loads what another has no use for."""
    if words.endswith("--help"):
        return "help"
    return "plain" if {"numpy", "rich"} <= set(LIGHT[words]) else words


@pytest.mark.parametrize("process", dict.fromkeys(map(shared_process, LIGHT)))
def test_light_commands_never_load_tensorflow(process: str, tmp_path: Path) -> None:
    make_run(tmp_path)
    program = (
        "import sys\n"
        "from tbcli.cli.app import app\n"
        "for words in sys.argv[1:]:\n"
        "    sys.argv = ['tbcli', *words.split()]\n"
        "    try:\n        app(prog_name='tbcli')\n"
        "    except SystemExit as end:\n        code = end.code or 0\n"
        "    print('\\n', code, *sys.modules, file=sys.stderr)\n"
    )
    several = [words for words in LIGHT if shared_process(words) == process]
    argv = [sys.executable, "-c", program, *several]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    answers = [line.split() for line in done.stderr.splitlines() if "tbcli.cli.app" in line]
    for words, (code, *loaded) in zip(several, answers, strict=True):
        expected = 2 if "none" in words else 7 if words.startswith("doctor") else 0  # the run's event file is none
        assert int(code) == expected, f"{words}: {done.stderr}"
        assert set(loaded).isdisjoint((*HEAVY, *LIGHT[words])), words


def test_every_failure_has_an_exit_code_of_the_contract() -> None:
    """One that derives from `TbcliError` itself would exit with 1, the code of a bug."""
    elsewhere = [path for path in PACKAGE.rglob("*.py") if path.name != "errors.py"]
    assert not [str(path) for path in elsewhere if "(TbcliError):" in path.read_text()], "derive from one of its kinds"
