"""Whatever runs, metrics, classes and files are called: shown, escaped, and never in the way."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from tbcli.cli import output
from tbcli.runs import Run
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions
from tests.serving.events import write_scalars

Cli = Callable[..., Result]
NAMES = {
    "all": "😀'\"`[bold]x[/]</b><i>&\n\r\t\x1b[31m\x07\x9b\u202e\u2066\u0627\u0644",
    "long": "[" + "y" * 200,
    "mathtext": "$\\frac{a$ ^_{}%s",
    "markup": "|a|b| ]]> [/] --",
}
TEXTS = [
    line.split()
    for line in (
        "runs", "runs latest", "compare latest latest~1", "compare latest latest~1 --markdown",
        "check latest val_loss<1 --markdown", "plot latest --terminal", "plot --group-by seed --terminal",
        "clean --all --dry-run", "doctor latest", "runs logs/other", "plot logs/other --terminal", "doctor logs/other",
    )
]  # fmt: skip


def make_named(workspace: Path, name: str) -> list[Run]:
    """Make two runs in which everything has the name that can have one, and logs of another program."""
    runs = []
    for number in range(2):
        facts = {"name": f"{name}{number}", **dict.fromkeys(("note", "data", "model", "reason", "host"), name)}
        run = make_run(workspace, name=f"run-{number}", files=False, record=facts)
        run.update(metrics={**run.metrics, name: {"best": 1.0, "last": 1.0, "best_epoch": 1}})
        keep_evidence(run, predictions(np.arange(40) % 4, 4, names=[f"{name}{each}" for each in range(4)]))
        write_scalars(run.logs / "train", {"epoch_loss": [0.14, 0.12], name: [1.0, 2.0]})
        with run.history_file.open(newline="") as file:
            header, *rows = csv.reader(file)
        with run.history_file.open("w", newline="") as file:
            csv.writer(file).writerows([[*header, f"val_{name}"], *([*row, "1"] for row in rows)])
        runs.append(run)
    write_scalars(workspace / "logs" / "other" / "train", {name: [1.0, 2.0]})
    return runs


@pytest.mark.parametrize("case", NAMES)
def test_nothing_that_has_a_name_drives_a_terminal(
    case: str, cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_named(workspace, NAMES[case])
    for command in TEXTS:
        for is_terminal in (False, True):
            monkeypatch.setattr(output, "is_terminal", lambda stream, answer=is_terminal: answer)
            monkeypatch.setenv("NO_COLOR", "1")
            result = cli(*command)
            assert result.exit_code in (0, 7), (command, result.stderr)
            assert not [char for char in result.output if not (char.isprintable() or char in "\n\t")], command


@pytest.mark.parametrize("case", NAMES)
def test_documents_and_pictures_are_whole_whatever_the_names(case: str, cli: Cli, workspace: Path) -> None:
    make_named(workspace, NAMES[case])
    for command in ("runs", "runs latest", "compare latest latest~1", "check latest val_loss<1", "clean --all -n"):
        json.loads(cli(*command.split(), "--json").stdout)
    assert NAMES[case] in {row["metric"] for row in csv.DictReader(cli("export", "latest").stdout.splitlines(True))}
    assert cli("check", "latest", "val_loss<1", "--junit", "a.xml").exit_code == 0
    assert cli("plot", "latest", "--out", "b.svg").exit_code == 0
    for path in ("a.xml", "b.svg"):
        ET.parse(workspace / path)
