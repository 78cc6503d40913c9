"""`tbcli data`: facts for a person, a pipe and a script; TensorFlow only where needed; nothing beside the data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

Cli = Callable[..., Result]


@pytest.fixture
def people(workspace: Path) -> Path:
    """A table with two columns and a target."""
    rows = [f"{i % 50 + i / 1000},{['red', 'blue'][i * i % 7 % 2]},{['no', 'yes'][i % 5 > 1]}" for i in range(200)]
    path = workspace / "people.csv"
    path.write_text("\n".join(["age,colour,happy", *rows]))
    return path


def test_facts_are_lines_of_text(cli: Cli, people: Path) -> None:
    result = cli("data", "people.csv", "--target", "happy")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["people"]
    assert ["task", "classification,", "2", "classes", "of", "happy"] in lines
    assert ["inputs", "2", "columns,", "1", "of", "numbers", "and", "1", "of", "categories"] in lines
    assert ["train", "160", "samples", "(80%)"] in lines
    assert ["test", "20", "samples", "(10%)", "held", "out"] in lines
    assert ["no", "64", "8", "8"] in lines
    assert ["colour", "0", "2", "categories:", "blue,", "red"] in lines
    assert sorted(path.name for path in people.parent.iterdir()) == ["people.csv"]


def test_json_is_one_document(cli: Cli, people: Path) -> None:
    document = json.loads(cli("data", "people.csv", "--target", "age", "--json").stdout)
    assert document["schema"] == 1
    facts = document["data"]
    assert facts["source"] == str(people)
    assert (facts["name"], facts["task"]) == ("people", "regression")
    assert facts["splits"]["validation"]["samples"] == 20
    assert facts["splits"]["validation"]["held_out"] is True
    assert facts["targets"][0]["name"] == "age"
    assert [column["kind"] for column in facts["columns"]] == ["category", "category"]
    assert {"classes", "findings", "notes", "inputs"} <= set(facts)


def test_columns_with_many_gaps_are_named(cli: Cli, workspace: Path) -> None:
    rows = [f"{i},{i if i % 3 == 0 else ''},{i % 2 if i % 5 else ''}" for i in range(60)]
    (workspace / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    facts = json.loads(cli("data", "t.csv", "--target", "y", "--json").stdout)["data"]
    assert [column["missing"] for column in facts["columns"]] == [0, 32]
    assert {"kind": "missing", "text": "columns that are missing in most rows: b (67%)"} in facts["findings"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere.csv"], 3, "there is no"),
        (["people.csv"], 2, "no --target given for people.csv; its columns are age, colour, happy"),
        (["people.csv", "--target", ","], 2, "no --target given for people.csv"),
        (["people.csv", "--target", "hapy"], 3, "did you mean 'happy'? It has age, colour, happy"),
        (["people.csv", "--target", "happy", "--out", "x.png"], 2, "--out needs images"),
        (["people.csv", "--data", "mnist", "--target", "happy"], 2, "data are given twice"),
        (["people.csv", "--target", "happy", "--task", "regression"], 4, "strings such as"),
        (["people.csv", "--target", "happy", "--validation-split", "1"], 2, "below 1"),
        (["people.csv", "--target", "happy", "--data-arg", "a=1"], 2, "--data-arg 'a=1' has no effect"),
        (["mnist", "--task", "regression"], 4, "'mnist' is data for classification, not regression"),
        (["people.txt"], 4, "by its suffix '.txt'"),
    ],
)
def test_what_is_wrong_is_two_lines_and_a_code(cli: Cli, people: Path, words: list[str], code: int, said: str) -> None:
    (people.parent / "people.txt").write_text("a,b\n1,2\n")
    result = cli("data", *words)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["error", "try"]


def test_settings_that_are_not_used_are_told(cli: Cli, people: Path) -> None:
    shown = cli("data", "people.csv", "--target", "happy", "--image-size", "32", "--color", "grey").stdout
    assert "--image-size 32 is not used: it applies to image files only" in shown
    assert "--color grey is not used" in shown
    np.savez(people.parent / "a.npz", x=np.random.default_rng(0).random((60, 3)), y=np.arange(60) % 2)
    assert "--target y is not used: the data are not a table" in cli("data", "a.npz", "--target", "y").stdout


def test_examples_are_a_picture(cli: Cli, workspace: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    np.savez(workspace / "digits.npz", x=images, y=np.arange(60) % 3)
    assert cli("data", "digits.npz", "--out", "new/grid.png").exit_code == 0
    assert (workspace / "new" / "grid.png").read_bytes().startswith(b"\x89PNG")


def test_names_of_the_users_cannot_drive_a_terminal(cli: Cli, workspace: Path) -> None:
    words = ["\x1b[31mred", "b\x07lue"]
    rows = "\n".join(f"{i},{words[i % 2]},{i % 3}" for i in range(60))
    (workspace / "t.csv").write_text(f"\x1b[2Ja,[bold]b[/bold],y\n{rows}\n")
    for target in ("y", "[bold]b[/bold]"):
        result = cli("data", "t.csv", "--target", target)
        assert result.exit_code == 0
        assert not set("\x1b\x07") & set(result.stdout)
        assert "[bold]" in result.stdout


def test_arrays_and_tables_need_no_tensorflow(people: Path) -> None:
    np.savez(people.parent / "a.npz", x=np.random.default_rng(0).random((60, 3)), y=np.arange(60) % 2)
    program = (
        "import sys\nfrom tbcli.cli.app import app\n"
        "for words in (['people.csv', '--target', 'happy'], ['a.npz', '--json']):\n"
        "    try: app(['data', *words], prog_name='tbcli')\n"
        "    except SystemExit as leaving: assert not leaving.code\n"
        "assert not {'tensorflow', 'keras', 'tensorboard', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=people.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
