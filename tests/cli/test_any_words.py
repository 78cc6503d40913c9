"""Whatever is typed where a name, a path or a value belongs: two lines, and a code of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tbcli.cli.app import app
from tests.fakes import make_run

CODES = (0, 2, 3, 4, 5, 6, 7, 8)
WORD = "{}"
COMMANDS = [
    line.split()
    for line in (
        "runs {}", "runs --logdir {}", "runs --workspace {}", "runs --where {}", "runs --sort {}", "runs --columns {}",
        "runs --config {}", "runs --set {}", "runs --set train.name={}", "runs --set train.epochs={}",
        "runs --set direction.{}=min", "runs --set paths.logdir={}", "plot {} --terminal",
        "plot latest --metric {} --terminal", "plot --group-by {} --terminal", "plot latest --kind {}",
        "compare {} latest", "compare latest latest~1 --metric {}", "check {} loss<100", "check latest {}",
        "check latest loss<{}", "check latest loss<100 --tolerance {}", "check latest loss<100 --baseline {}",
        "export {}", "export latest --metric {}", "export latest --format {}", "clean {} --dry-run",
        "clean --older-than {} --dry-run", "clean --status {} --dry-run", "clean --keep {} --dry-run",
        "clean --where {} --dry-run", "clean --restore {}", "clean --purge {} --dry-run", "stop {}", "doctor {}",
        "data {}", "help {}", "init --data {}", "serve --stop {}", "{}", "train --resume {}",
    )
]  # fmt: skip
KNOWN = [
    "~nosuch/x.csv", "~nosuch/x.py:f", "~", "x" * 300, "a/" + "b" * 300, "x" * 5000, "a\nb", "a\x1b[31mb",
    "[bold]x[/no]", "\udcff", "\udcff/x", "a\u202eb", "\u2028", "'\"`$", "latest~99999999999999999999", "latest~-1",
    "latest~\u0663", "latest~", "latest~1~1", "best:", "best:[x", "2026", "-", "--", "..", ".", "/dev/null", "*",
    "**", "[", "(?P<", "\\", "%s", "{0}", ",", ":", "x.py:", ":f", "=", "a=", "\xb2", "1_000", "1e999", "nan", "",
    " ", "s3://x/y", "file:///x",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("words")
    for _ in range(2):
        make_run(workspace)
    return workspace


@given(st.sampled_from(COMMANDS), st.sampled_from(KNOWN) | st.text(st.characters(exclude_characters="\0"), max_size=30))
@example(["data", WORD], "~nosuch/x.csv")
@example(["data", WORD], "x" * 300)
@example(["runs", "--workspace", WORD], "x" * 300)
def test_any_word_is_answered_in_two_lines(place: Path, command: list[str], word: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        result = CliRunner().invoke(app, [each.replace(WORD, word) for each in command], prog_name="tbcli")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in CODES
    assert result.exit_code == 0 or result.stderr.splitlines()[-2:][0].startswith("error: "), result.stderr
    assert not [char for char in result.output if char in "\x1b\u202e\u2028" or (char < " " and char not in "\n\t")]
