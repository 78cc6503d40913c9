"""`tbcli help` and `tbcli schema`: topics that stay true, shown as they are to a pipe and wrapped to a person."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tbcli.cli.app import COMMANDS, load_command
from tbcli.cli.topics import DIRECTORY, topics
from tbcli.config import SETTINGS, Config, json_schema
from tests.help_topics import with_generated

Cli = Callable[..., Result]
TOPICS = (
    "conditions",
    "data",
    "exit-codes",
    "metrics",
    "models",
    "recorders",
    "references",
    "resume",
    "scale",
    "scripts",
    "settings",
    "sweep",
)


def test_topics_are_listed_by_their_titles(cli: Cli) -> None:
    result = cli("help")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(TOPICS)
    assert "tbcli help TOPIC" in result.stderr
    assert cli("help", "--quiet").stderr == ""


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_is_its_file_to_a_pipe(cli: Cli, name: str) -> None:
    result = cli("help", name)
    assert result.exit_code == 0
    assert result.stdout == (DIRECTORY / f"{name}.md").read_text("utf-8")
    assert result.stderr == ""


@pytest.mark.parametrize("name", TOPICS)
def test_generated_parts_are_up_to_date(name: str) -> None:
    text = topics()[name].read_text("utf-8")
    assert text == with_generated(name, text), "python -m tests.help_topics"


@pytest.mark.parametrize("name", TOPICS)
def test_every_command_topic_and_option_that_a_topic_names_is_there(name: str) -> None:
    text = topics()[name].read_text("utf-8")
    text = re.sub(r" \(also [^)]*\)|(?m:^(#SBATCH|srun) .*)", "", text)  # the last two are Slurm's own
    for command, topic in re.findall(r"(?m)(?:`|^|\()tbcli ([a-z]+)(?: ([a-z-]+))?", text):
        assert command in COMMANDS
        assert command != "help" or not topic or topic in topics()
    options = {flag for each in COMMANDS for param in load_command(each).params for flag in _flags(param)}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) <= options | {
        "--install-completion",
        "--help",
        "--lr",
        "--batch",
    }


def _flags(param: Any) -> list[str]:
    return [*param.opts, *param.secondary_opts]


def test_the_examples_of_the_settings_topic_work(cli: Cli) -> None:
    text = topics()["settings"].read_text("utf-8")
    examples = re.findall(r"^tbcli (train [^#>\n]*)", text, re.MULTILINE)
    assert len(examples) == 4
    for example in examples:
        assert cli(*example.split(), "--print-config").exit_code == 0, example


def test_a_topic_with_the_name_of_a_command_comes_first(cli: Cli) -> None:
    assert {*COMMANDS} & {*topics()} == {"data", "models", "sweep"}
    assert "`tbcli data --help`" in cli("help", "data").stdout


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in topics()])
def test_the_help_of_a_command_is_a_topic_too(cli: Cli, name: str) -> None:
    assert cli("help", name).stdout == cli(name, "--help").stdout


def test_an_unknown_topic_names_the_nearest(cli: Cli) -> None:
    for said, meant in (("metric", "metrics"), ("exit_codes", "exit-codes"), ("trian", "train")):
        result = cli("help", said)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert f"did you mean '{meant}'?" in result.stderr


def on_a_terminal(words: list[str], columns: int, **environ: str) -> str:
    leader, follower = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "LINES": "24", "TERM": "xterm", **environ}
    process = subprocess.Popen([sys.executable, "-m", "tbcli", *words], stdout=follower, env=env, close_fds=True)
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 65_536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def test_on_a_terminal_a_topic_is_wrapped_and_nothing_is_lost(workspace: Path) -> None:
    for name in ("settings", "conditions"):
        shown = on_a_terminal(["help", name], 80, NO_COLOR="1")
        assert max(map(len, shown.splitlines())) <= 80
        marks = re.compile(r"[#|\s]|```|-{3,}")
        assert marks.sub("", shown) == marks.sub("", topics()[name].read_text("utf-8")).replace("\\|", "|")
    assert "\x1b[1mSettings" in on_a_terminal(["help", "settings"], 72)


def test_the_schema_describes_every_setting_as_it_is_checked(cli: Cli) -> None:
    schema = json.loads(cli("schema").stdout)
    assert schema == json_schema()
    sections = schema["properties"]
    assert set(sections) == set(Config().as_dict())
    for key, each in SETTINGS.items():
        section, _, name = key.partition(".")
        described = sections[section]["properties"][name]
        assert described["default"] == Config().as_dict()[section][name]
        assert each.help.partition(". ")[0].rstrip(".") in described["description"]
        words = described.get("items", described).get("enum", ())
        assert tuple(words) == each.choices
        assert described.get("minimum") in (each.least, each.default)  # which may stand for "unless given"
        assert described.get("maximum") == each.most
    assert sections["direction"]["additionalProperties"]["enum"] == ["min", "max"]


def fits_schema(value: Any, schema: dict[str, Any]) -> bool:
    """Say whether a value fits, of what a schema says in the words that ours uses."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if not isinstance(value, kinds[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return False
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema["additionalProperties"]
        return all(
            fits_schema(inner, known[name]) if name in known else bool(others) and fits_schema(inner, others)
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return all(fits_schema(inner, schema["items"]) for inner in value)
    bounds = (
        schema.get("minimum", value) <= value <= schema.get("maximum", value),
        "exclusiveMinimum" not in schema or schema["exclusiveMinimum"] < value,
        "exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"],
        value in schema.get("enum", [value]),
    )
    return all(bounds)


def test_what_is_printed_fits_the_schema_and_mistakes_do_not(cli: Cli) -> None:
    printed = tomllib.loads(cli("train", "--print-config", "--set", "direction.nll=min").stdout)
    assert fits_schema(printed, json_schema())
    for section, wrong in (
        ("train", {"epochs": 0}), ("train", {"epohcs": 1}), ("data", {"validation_split": 1}), ("x", {}),
        ("train", {"save_formats": ["zip"]}), ("direction", {"nll": "up"}), ("train", {"learning_rate": 0}),
    ):  # fmt: skip
        assert not fits_schema({**printed, section: wrong}, json_schema())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_whole_docstring_of_a_command_is_in_its_help_whatever_brackets_it_has(command: str, cli: Cli) -> None:
    documented = inspect.getdoc(getattr(importlib.import_module(f"tbcli.cli.{command}"), command)) or ""
    shown = " ".join(cli(command, "--help").stdout.split())
    assert " ".join(documented.split()) in shown


def test_paragraphs_of_help_fill_the_line(cli: Cli) -> None:
    shown = cli("check", "--help").stdout.partition("╭")[0]
    lines = [line.strip() for line in shown.split("3 takes precedence")[1].strip().splitlines()]
    assert all(len(line) > 50 for line in lines[1:-1])


def test_brackets_in_the_help_of_an_option_are_shown(cli: Cli) -> None:
    assert "(0.005). [default: 0]" in " ".join(re.sub("[│]", " ", cli("check", "--help").stdout).split())
    assert "[default: the first]" in cli("compare", "--help").stdout
