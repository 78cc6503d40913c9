"""How a script takes a value by name, and what `tbcli sweep --script` makes of words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.errors import ConfigError, DoesNotFit, NotFound
from tbcli.scripts.accepted import Accepting, script_words

Cli = Callable[..., Result]
SCRIPT = """
import argparse
from absl import flags
import click
lr = 0.5
UNITS = 4
DEEP = True
LAYERS = [8, 4]
flags.DEFINE_float("decay", 0.1, "")
flags.DEFINE_bool("quiet", False, "")
parser = argparse.ArgumentParser()
parser.add_argument("-b", "--batch-size", type=int)
parser.add_argument("--epochs", default=1)
parser.add_argument("--fast", action="store_true")

@click.option("--shout/--no-shout")
@click.option("--max_norm", default=1)
def main(warm_up: float): ...

class Settings:
    drop: float = 0.1
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return str(path)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("epochs", "--epochs"),
        ("batch_size", "--batch-size"),
        ("batch-size", "--batch-size"),
        ("max-norm", "--max_norm"),
        ("fast", "switch:--fast"),
        ("decay", "--decay"),
        ("quiet", "--quiet"),
        ("shout", "switch:--shout/--no-shout"),
        ("lr", ""),
        ("UNITS", ""),
        ("warm_up", "--warm_up"),
        ("drop", "--drop"),
    ],
)
def test_a_name_is_an_option_else_a_constant(script: str, name: str, option: str) -> None:
    assert Accepting(script).option(name) == option


def test_options_of_typer_have_dashes(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("import typer\ndef main(batch_size: int = 4): ...\ntyper.run(main)\n")
    assert Accepting(str(path)).option("batch_size") == "--batch-size"


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("parser.add_argument('--x', action='store_true')", ["--x"], []),
        ("parser.add_argument('--x', action='store_false', dest='y')", ["--x"], []),
        ("parser.add_argument('--x', action=argparse.BooleanOptionalAction)", ["--x"], ["--no-x"]),
        ("parser.add_argument('--x', type=bool)", ["--x=1"], ["--x="]),
        ("parser.add_argument('--x')", ["--x=true"], ["--x=false"]),
        ("click.option('--x/--without')", ["--x"], ["--without"]),
        ("click.option('--x', is_flag=True)", ["--x"], []),
        ("click.option('--x', default=False)", ["--x=true"], ["--x=false"]),
        ("flags.DEFINE_boolean('x', True, '')", ["--x=true"], ["--x=false"]),
        ("import typer\ndef main(x: bool = True): ...", ["--x"], ["--no-x"]),
        ("import typer\ndef main(x=False): ...", ["--x"], ["--no-x"]),
        ("from typer import Option\ndef main(*, x: Annotated[bool, Option('--x')] = False): ...", ["--x"], []),
        ("import typer\ndef main(x: bool = typer.Option(False, '--x/--not-x')): ...", ["--x"], ["--not-x"]),
        ("import fire\ndef main(x: bool = True): ...", ["--x=true"], ["--x=false"]),
    ],
)
def test_truth_is_passed_as_the_library_of_the_script_takes_it(
    tmp_path: Path, text: str, yes: list[str], no: list[str]
) -> None:
    (tmp_path / "train.py").write_text(text)
    option = Accepting(str(tmp_path / "train.py")).option("x")
    assert [script_words({"x": option}, [("x", word)])[0] for word in ("true", "false")] == [yes, no]


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("parser.add_argument('--x', choices=['adam', 'sgd'])", "adam", "sgdd"),
        ("parser.add_argument('--x', choices=(1, 2), type=int)", "2", "3"),
        ("parser.add_argument('--x', choices=NAMES)", "anything", ""),
        ("parser.add_argument('--x', type=int)", "3", "1e-3"),
        ("parser.add_argument('--x', type=float)", "1e-3", "fast"),
        ("parser.add_argument('--x', action='store_true')", "yes", "maybe"),
        ("parser.add_argument('--x', action='store_true', default=True)", "true", "false"),
        ("parser.add_argument('--x', action='store_false', default=False)", "true", "no"),
        ("click.option('--x', is_flag=True, default=True)", "1", "0"),
        ("import typer\ndef main(x: bool = typer.Option(True, '--x')): ...", "true", "false"),
        ("parser.add_argument('--x', action='store_true', default=False)", "false", ""),
        ("parser.add_argument('--x', action='store_false')", "false", ""),
        ("click.option('--x', is_flag=True)", "false", ""),
        ("click.option('--x', type=click.Choice(['a', 'b']))", "a", "c"),
        ("click.option('--x', default=8)", "9", "9.5"),
        ("flags.DEFINE_enum('x', 'a', ['a', 'b'], '')", "b", "c"),
        ("flags.DEFINE_integer('x', 1, '')", "2", "b"),
    ],
)
def test_values_are_checked_as_far_as_the_text_of_the_script_tells(
    tmp_path: Path, text: str, good: str, bad: str
) -> None:
    (tmp_path / "train.py").write_text(text)
    accepting = Accepting(str(tmp_path / "train.py"))
    accepting.check("x", good)
    if bad:
        with pytest.raises(ConfigError, match=r"x .*script"):
            accepting.check("x", bad)


def test_what_a_script_does_not_take_is_told(script: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither an option --epoch nor a constant") as caught:
        Accepting(script).option("epoch")
    assert "epochs" in caught.value.hint
    with pytest.raises(NotFound, match="no script"):
        Accepting(str(tmp_path / "nope.py"))
    (tmp_path / "bad.py").write_text("def")
    with pytest.raises(DoesNotFit, match="does not parse"):
        Accepting(str(tmp_path / "bad.py"))


def test_words_become_arguments_and_constants() -> None:
    options = {"a": "--a", "b": "", "c": "switch:--c", "d": "switch:--d"}
    values = {"a": "-1", "b": "2", "c": "true", "d": "false"}
    assert script_words(options, values.items()) == (["--a=-1", "--c"], ["b=2"])


def test_a_sweep_of_a_script_lists_its_trials(cli: Cli, script: str) -> None:
    result = cli(
        "sweep", "--script", script, "lr=0.1,1e-3", "UNITS=2..8:log2", "LAYERS=[8,4],[2]", "epochs=3", "--dry-run"
    )
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["trial", "lr", "UNITS", "LAYERS"]
    assert lines[1] == ["0", "0.1", "2", "[8,4]"]
    assert len(lines) == 13


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("lr=0.1,x", "lr is 0.5 in the script, got 'x'"),
        ("rate=0.1,0.2", "neither an option --rate"),
        ("lr=0.1,0.2 --epochs 3", "is a setting of `tbcli train`"),
        ("lr=0.1,0.2 --prune median", "--prune does not work with --script"),
        ("lr=0.1,0.2 --seeds 2", "neither an option --seed"),
        ("lr=0.1,0.2 lr=1", "twice"),
        ("lr", "unexpected word"),
        ("lr=0.1,0.2 --metric spam", "does not tell whether higher or lower"),
    ],
)
def test_words_of_a_script_are_checked_before_it_runs(cli: Cli, script: str, words: str, match: str) -> None:
    result = cli("sweep", "--script", script, *words.split(), "--dry-run")
    assert result.exit_code == 2
    assert match in result.stderr
