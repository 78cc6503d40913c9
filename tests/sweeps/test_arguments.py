"""Arguments of a model or of data that vary: from the word to the call, and back in what shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.varied import read_script_words
from tbcli.config import Config, PathsConfig
from tbcli.errors import ConfigError
from tbcli.models.architectures import ARCHITECTURES
from tbcli.sweeps.definition import Definition, with_params
from tbcli.sweeps.space import Dimension, short_name_of
from tbcli.usercode import written_parameters

Cli = Callable[..., Result]
NET = """
def make(input_shape, classes, units: int = 8, act='relu'): ...
def typed(input_shape, classes, rate: float | None = None, drop=0.5, bn: bool = False, free=None, word: str = '',
          units=1): ...
def any_of(**more): ...
"""
SCRIPT = """
import argparse
SHIFT = 0.0
COUNT = 3
parser = argparse.ArgumentParser()
parser.add_argument("--off", type=float)
parser.add_argument("--units", type=int)
parser.add_argument("--free")
"""


@pytest.fixture
def net(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(workspace)
    (workspace / "net.py").write_text(NET)
    return "net.py:make"


def dry_run(cli: Cli, *words: str) -> Result:
    return cli("sweep", *words, "--dry-run", "--limit-samples", "200")


@pytest.mark.parametrize(
    "words",
    [
        ["model_arg.units=4,16"],
        ["model-arg.units=4,16"],
        ["model.args.units=4,16"],
        ["model_arg=units=4,16"],
        ["model-arg=units=4,units=16"],
        ["model_arg.units=4..16:2", "model_arg.act=tanh"],
        ["model_arg.units=4,16", "--model-arg", "act=tanh"],
        ["model_arg.units=4,16", "model_arg=act=tanh"],
    ],
)
def test_an_argument_varies_under_its_own_name(cli: Cli, net: str, words: list[str]) -> None:
    result = dry_run(cli, *words, "--model", net)
    assert [line.split() for line in result.stdout.splitlines()] == [["trial", "units"], ["0", "4"], ["1", "16"]]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["model_arg.unit=4,16"], "takes no argument 'unit'\ntry:   did you mean 'units'"),
        (["model_arg=units=4,act=tanh"], "says several arguments\ntry:   a word for each: `model_arg.units=... "),
        (["model_arg.units=4,8", "model_arg.units=3"], "model_arg.units is there twice"),
        (["model.args=units=4,uns=8"], "takes no argument 'uns'\ntry:   did you mean 'units'"),
        (["lr=0.1,0.2", "--model-arg", "uns=3"], "takes no argument 'uns'"),
        (["dropout=0.1,0.2"], "dropout varies, and has no effect on "),
        (["model_arg.units=4,8", "--model-arg", "units=3"], "argument units is said twice"),
        (["model_arg.units=4", "--model-arg", "units=3"], "argument units is said twice"),
        (["model_arg.=4,8"], "names no argument"),
        (["model_arg.units=4,4"], "'4' is there twice"),
        (["model_arg.units=(4,8"], "'\\)' is missing"),
        (["units=4,8"], "`model_arg.units=4,8`"),
        (["data_arg.n=1,2"], "'n=1' has no effect"),
    ],
)
def test_what_is_wrong_with_arguments_is_told_before_anything_starts(
    cli: Cli, net: str, words: list[str], match: str
) -> None:
    result = dry_run(cli, *words, "--model", net)
    assert result.exit_code == 2
    assert match.replace("\\", "") in result.stderr


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("rate=0..1:5", "0 0.25 0.5 0.75 1"),
        ("drop=0..1:+0.25", "0 0.25 0.5 0.75 1"),
        ("rate=1..10:log:4", "1 2.15443 4.64159 10"),
        ("rate=none,1", "none 1"),
        ("free=1..9:3", "1 5 9"),
        ("free=0.0..1.0:3", "0 0.5 1"),
        ("free=1..3", "1 2 3"),
        ("bn=true,False", "true false"),
        ("word=1e-2,x", "1e-2 x"),
        ("word=../a,../b", "../a ../b"),
    ],
)
def test_values_of_an_argument_are_of_its_type(cli: Cli, net: str, word: str, values: str) -> None:
    result = dry_run(cli, f"model_arg.{word}", "--model", net.replace("make", "typed"))
    assert " ".join(line.split()[1] for line in result.stdout.splitlines()[1:]) == values, result.stderr


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["model_arg.rate=0..1"], "a grid needs the points of rate=0..1"),
        (["model_arg.free=0..1:5"], "0.25 is no whole number, as the ends are\ntry:   `model_arg.free=0.0..1.0:5`"),
        (["model_arg.free=0..9:+0.5"], "or `model_arg.free=0,1,2,3,4,5,6,7,8,9`"),
        (["model_arg.rate=1e9..1000000001.0:3"], "the points differ in no digit that is kept"),
        (["model_arg.units=9000000000..9000000001:5"], "is no whole number, which model_arg.units has to be"),
        (["model_arg.bn=yes,no"], "argument bn must be bool, got 'yes'\ntry:   such as `bn=true`"),
        (["model_arg.bn=1", "lr=0.1,1"], "argument bn must be bool, got '1'"),
        (["lr=0.1,1", "--model-arg", "rate=abc"], "argument rate must be float, got 'abc'"),
        (["model_arg.rate=0..1:3", "model=net.py:typed,net.py:make"], "'net.py:make' takes no argument 'rate'"),
        (["model_arg.rate=4,4.0"], "'4.0' is there twice"),
        (["model_arg.free=4,4.0"], "'4.0' is there twice"),
        (["model_arg.bn=true,True"], "'True' is there twice"),
    ],
)
def test_what_no_argument_of_this_type_can_be_is_told(cli: Cli, net: str, words: list[str], match: str) -> None:
    has_model = any(word.startswith("model=") for word in words)
    result = dry_run(cli, *words, *([] if has_model else ["--model", net.replace("make", "typed")]))
    assert result.exit_code == 2
    assert match in result.stderr


def test_a_range_is_told_that_is_whole_by_its_ends_alone(cli: Cli, net: str, workspace: Path) -> None:
    (workspace / "train.py").write_text(SCRIPT)
    told = "has whole numbers alone, by its ends: nothing tells its type; others: "
    model = net.replace("make", "typed")
    assert (
        f"model_arg.free=0..3 {told}`model_arg.free=0.0..3.0`"
        in dry_run(cli, "model_arg.free=0..3", "--model", model).stderr
    )
    assert told not in dry_run(cli, "model_arg.rate=0..1:2", "lr=1..2:2", "--model", model).stderr
    assert told in cli("sweep", "--script", "train.py", "free=1..2", "--dry-run").stderr
    assert told not in cli("sweep", "--script", "train.py", "units=1..2", "off=0..1:2", "--dry-run").stderr


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("off=0..1:5", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("off=0..1:+0.25", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("SHIFT=-1..1:5", (-1.0, -0.5, 0.0, 0.5, 1.0)),
        ("units=10..1000:log:3", (10, 100, 1000)),
        ("units=0..10:4", (0, 3, 7, 10)),
        ("units=0..1:5", None),
        ("units=0..1:+0.5", None),
        ("free=0..1:5", None),
        ("COUNT=0..1:5", None),
        ("COUNT=0,0.5", (0, 0.5)),
    ],
)
def test_values_are_of_the_type_that_the_script_reads(
    workspace: Path, word: str, values: tuple[float, ...] | None
) -> None:
    file = workspace / "train.py"
    file.write_text(SCRIPT)
    if values is None:
        with pytest.raises(ConfigError, match="is no whole number"):
            read_script_words([word], str(file), has_seeds=False)
        return
    (found,), _ = read_script_words([word], str(file), has_seeds=False)
    assert found.values == values


def test_a_trial_has_the_arguments_of_all_and_its_own() -> None:
    units, rate = Dimension("model.args.units", (4, 0.5, "(1, 2)")), Dimension("train.learning_rate", (0.1,))
    base = {"model": {"args": ["act=tanh", "units=3"]}, "data": {"args": ["n=1"]}}
    definition = Definition(
        name="s", dimensions=(units, rate), method="grid", combinations=3, seeds=1, metric="loss", sense="min",
        base=base,
    )  # fmt: skip
    configs = [definition.config(trial, PathsConfig()) for trial in definition.trials()]
    assert [config.model.args for config in configs] == [
        ("act=tanh", "units=4"),
        ("act=tanh", "units=0.5"),
        ("act=tanh", "units=(1, 2)"),
    ]
    assert {(config.data.args, config.train.learning_rate) for config in configs} == {(("n=1",), 0.1)}
    both = with_params(Config(), {"model.args.n": 1, "data.args.n": 2, "model.args.m": True})
    assert (both.model.args, both.data.args) == (("n=1", "m=True"), ("n=2",))
    assert [short_name_of(key) for key in ("model.args.units", "data.args.n", "arguments.a.b")] == ["units", "n", "a.b"]


def test_the_text_of_a_function_tells_its_parameters(workspace: Path) -> None:
    file = workspace / "net.py"
    file.write_text(NET)
    assert written_parameters(f"{file}:make") == {"input_shape": None, "classes": None, "units": int, "act": str}
    assert [written_parameters(f"{file}:{name}") for name in ("any_of", "nothing")] == [None, None]
    assert written_parameters("elsewhere.py:make") is None
    assert all(written_parameters(each.body) for each in ARCHITECTURES.values())
