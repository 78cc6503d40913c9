from __future__ import annotations

import ast
from typing import Any

import pytest

from tbcli.errors import ConfigError
from tbcli.scripts.constants import constants_of, settle_constants, with_constants

SCRIPT = """
from __future__ import annotations
LR = 0.1
epochs: int = 5
name = "adam"
shape = (28, 28)
fast = False
nothing = None
steps = 10 * 60
__version__ = "1"
a = b = 1
if True:
    batch = 32
def f():
    inner = 1
for i in range(3):
    looped = 1
total = (LR,
         epochs)
"""


def settled(*pairs: str) -> dict[str, Any]:
    return settle_constants(pairs, SCRIPT, "train.py")


def test_literals_at_the_top_level_are_constants() -> None:
    known = {name: found[0].value for name, found in constants_of(ast.parse(SCRIPT)).items()}
    assert known == {
        "LR": 0.1, "epochs": 5, "name": "adam", "shape": (28, 28), "fast": False, "nothing": None, "batch": 32,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("LR=0.5", 0.5),
        ("LR=1", 1.0),
        ("LR=1e-3", 0.001),
        ("epochs=-2", -2),
        ("epochs = 7", 7),
        ("name=sgd", "sgd"),
        ("name='sgd'", "sgd"),
        ("name=1", "1"),
        ("name=None", None),
        ("name=a=b", "a=b"),
        ("name=", ""),
        ("shape=(32, 32)", (32, 32)),
        ("shape=32", 32),
        ("fast=True", True),
        ("fast=true", True),
        ("fast=0", False),
        ("nothing=0.5", 0.5),
        ("nothing=some text", "some text"),
        ("batch=64", 64),
    ],
)
def test_a_value_is_a_literal_else_text_of_the_constants_kind(pair: str, value: Any) -> None:
    found = settled(pair)[pair.partition("=")[0].strip()]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["lr=1"], "no constant 'lr' at the top level of 'train.py'"),
        (["inner=1"], "no constant 'inner'"),
        (["looped=1"], "no constant 'looped'"),
        (["steps=1"], "steps has no literal value of its own in line 9"),
        (["a=2"], "a has no literal value of its own in line 11"),
        (["LR"], "NAME=VALUE, got 'LR'"),
        (["=1"], "NAME=VALUE, got '=1'"),
        (["epochs=ten"], "epochs is 5 in the script, got 'ten'"),
        (["LR=0,1"], "LR is 0.1 in the script, got '0,1'"),
        (["LR=True"], "LR is 0.1 in the script, got 'True'"),
        (["fast=2"], "fast is False in the script, got '2'"),
        (["LR=1", "LR=2"], "sets 'LR' twice"),
    ],
)
def test_what_cannot_be_set_is_said_with_what_can(pairs: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as failed:
        settled(*pairs)
    assert said in failed.value.message
    assert failed.value.exit_code == 2


def test_the_nearest_constant_and_all_are_named() -> None:
    with pytest.raises(ConfigError) as failed:
        settled("epoch=1")
    assert failed.value.hint.startswith("did you mean epochs? constants: LR=0.1, epochs=5, name='adam'")


def test_the_program_runs_with_the_new_values_and_keeps_its_lines() -> None:
    names: dict[str, Any] = {}
    tree = with_constants(SCRIPT, "train.py", {"LR": 0.5, "shape": (1, 2), "batch": 64})
    exec(compile(tree, "train.py", "exec"), names)
    assert (names["total"], names["shape"], names["batch"]) == ((0.5, 5), (1, 2), 64)
    assert [node.lineno for node in tree.body] == [node.lineno for node in ast.parse(SCRIPT).body]


def test_every_assignment_of_a_constant_is_changed() -> None:
    names: dict[str, Any] = {}
    source = "if False:\n    lr = 1\nelse:\n    lr = 2\n"
    exec(compile(with_constants(source, "x.py", {"lr": 3}), "x.py", "exec"), names)
    assert names["lr"] == 3


def test_a_script_without_constants_says_so() -> None:
    with pytest.raises(ConfigError) as failed:
        settle_constants(["x=1"], "print(1)", "x.py")
    assert "no literal constants" in failed.value.hint
