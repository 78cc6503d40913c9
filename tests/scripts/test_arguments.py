from __future__ import annotations

import argparse
import enum
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbcli.scripts.arguments import plain_arguments

LISTEN = """
import json, sys
sys.path[0] = {top!r}
from tbcli.scripts.arguments import ArgumentEar
from tbcli.scripts.imports import ImportWatch
from tbcli.scripts.program import Program
program = Program("script", {script!r})
ear = ArgumentEar(sys.argv[1:], program.owns)
ImportWatch(ear.parsers()).install()
sys.argv[0] = {script!r}
loaded = {{"argparse", "click", "typer", "absl"}} & {{*sys.modules}}
try:
    exec(program.code(), {{"__name__": "__main__"}})
except SystemExit:
    pass
print(json.dumps({{"heard": ear.heard, "loaded": sorted(loaded)}}))
"""


def heard(where: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Return what is heard of a script's arguments."""
    import json

    (where / "train.py").write_text(script)
    program = LISTEN.format(top=str(where), script=str(where / "train.py"))
    argv = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(argv, cwd=where, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["loaded"], "a parser was imported for the script"
    return dict(found["heard"])


ARGPARSE = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--units", type=int, nargs="+", default=[8])
parser.add_argument("--fast", action="store_true")
parser.add_argument("--api-key", default="hush")
parser.set_defaults(function=print)
"""


@pytest.mark.parametrize(
    "parse",
    [
        "parser.parse_args()",
        "parser.parse_known_args()",
        "import sys; parser.parse_args(sys.argv[1:])",
        "from settings import parse; parse(parser)",
        "def main():\n    return parser.parse_args()\nmain()",
        "parser.parse_intermixed_args()",
    ],
)
def test_argparse_is_heard_wherever_the_script_calls_it(tmp_path: Path, parse: str) -> None:
    (tmp_path / "settings.py").write_text("def parse(parser): return parser.parse_args()")
    found = heard(tmp_path, ARGPARSE + parse, "--lr", "0.5", "--units", "4", "5")
    assert found == {"lr": 0.5, "units": [4, 5], "fast": False, "api_key": "***"}


def test_what_is_parsed_besides_the_arguments_is_not_heard(tmp_path: Path) -> None:
    library = tmp_path / "site-packages" / "library"
    library.mkdir(parents=True)
    flags = (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--theirs', default=1)\np.parse_known_args()\n"
    )
    (library / "__init__.py").write_text(flags)
    path = f"import sys; sys.path.append({str(library.parent)!r}); import library\n"
    assert heard(tmp_path, path + ARGPARSE + "parser.parse_args(['--lr', '3'])", "--lr", "2") == {}
    assert heard(tmp_path, path + ARGPARSE + "parser.parse_args([])", "--lr", "2") == {}
    assert heard(tmp_path, path + ARGPARSE + "parser.parse_args()", "--lr", "2")["lr"] == 2


def test_subcommands_and_a_second_parser_of_the_rest_are_heard(tmp_path: Path) -> None:
    script = """
import argparse
first = argparse.ArgumentParser(add_help=False)
first.add_argument("--config", default="c.toml")
found, rest = first.parse_known_args()
second = argparse.ArgumentParser()
commands = second.add_subparsers(dest="command")
fit = commands.add_parser("fit")
fit.add_argument("--epochs", type=int)
second.parse_args(rest)
"""
    found = heard(tmp_path, script, "--config", "d.toml", "fit", "--epochs", "3")
    assert found == {"config": "d.toml", "command": "fit", "epochs": 3}


def test_typer_is_heard_with_its_groups(tmp_path: Path) -> None:
    script = """
import typer
app = typer.Typer()
@app.callback()
def all(seed: int = 0): pass
@app.command()
def fit(epochs: int = 1, units: list[int] = [4]): print("fit", epochs)
@app.command()
def test(other: int = 1): pass
app()
"""
    assert heard(tmp_path, script, "--seed", "3", "fit", "--epochs", "2") == {"seed": 3, "epochs": 2, "units": [4]}
    alone = "import typer\ndef main(lr: float = 0.1): pass\ntyper.run(main)"
    assert heard(tmp_path, alone, "--lr", "0.2") == {"lr": 0.2}
    assert heard(tmp_path, alone, "--lr", "wrong") == {}


def test_click_is_heard_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("click")
    script = "import click\n@click.command()\n@click.option('--lr', default=0.1)\ndef main(lr): pass\nmain()"
    assert heard(tmp_path, script, "--lr", "0.2") == {"lr": 0.2}


def test_of_absl_the_flags_of_the_scripts_own_files_are_heard(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("from absl import flags\nflags.DEFINE_integer('epochs', 3, '')")
    script = """
from absl import app, flags
import settings
flags.DEFINE_float("lr", 0.1, "")
flags.DEFINE_enum("mode", "a", ["a", "b"], "")
app.run(lambda argv: 0)
"""
    assert heard(tmp_path, script, "--lr=0.5") == {"lr": 0.5, "mode": "a", "epochs": 3}


class Mode(enum.Enum):
    FAST = "fast"


def test_arguments_are_plain_flat_and_bounded() -> None:
    names = {
        "path": Path("a/b"),
        "number": np.float32(0.5),
        "mode": Mode.FAST,
        "nested": argparse.Namespace(inner=1, deeper={"x": (1, 2)}),
        "none": None,
        "file": sys.stdout,
        "long": "x" * 9999,
        "function": len,
        "type": int,
        "object": object(),
    }
    found = plain_arguments(names)
    assert found.pop("long") == "x" * 500
    assert found.pop("file") == getattr(sys.stdout, "name", None)
    assert found == {
        "path": "a/b",
        "number": 0.5,
        "mode": "fast",
        "nested.inner": 1,
        "nested.deeper.x": [1, 2],
        "none": None,
    }
    assert len(plain_arguments({f"a{i}": i for i in range(999)})) == 200


SECRETS = "password db_password db-password token hf_token hfToken api_key apikey API_KEY aws.secret access_key"


@pytest.mark.parametrize("name", SECRETS.split())
def test_a_secret_is_masked(name: str) -> None:
    assert plain_arguments({name: "abc"}) == {name: "***"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokenizer", "bpe"),
        ("max_tokens", 5),
        ("token", 5),
        ("token", None),
        ("key", "x"),
        ("secretary", "x"),
        ("tokens", "x"),
    ],
)
def test_what_only_sounds_like_a_secret_is_shown(name: str, value: Any) -> None:
    assert plain_arguments({name: value}) == {name: value}
