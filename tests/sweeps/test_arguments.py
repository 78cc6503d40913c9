"""Arguments of a model or of data that vary: from the word to the call, and back in what shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.config import Config, PathsConfig
from tbcli.models.architectures import ARCHITECTURES
from tbcli.sweeps.definition import Definition, with_params
from tbcli.sweeps.space import Dimension, short_name_of
from tbcli.usercode import written_parameters

Cli = Callable[..., Result]
NET = "def make(input_shape, classes, units: int = 8, act='relu'): ...\ndef any_of(**more): ...\n"


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
    assert written_parameters(f"{file}:make") == ["input_shape", "classes", "units", "act"]
    assert [written_parameters(f"{file}:{name}") for name in ("any_of", "nothing")] == [None, None]
    assert written_parameters("elsewhere.py:make") is None
    assert all(written_parameters(each.body) for each in ARCHITECTURES.values())
