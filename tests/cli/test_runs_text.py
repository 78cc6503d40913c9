"""``tbcli runs PATH --text``: what the text plugin recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.compat.proto.summary_pb2 import Summary
from typer.testing import Result

from tests.events.records import curve, event, metadata, tensor, write

Cli = Callable[..., Result]


def _text(tag: str, *lines: bytes) -> Summary.Value:
    return tensor(tag, list(lines) if len(lines) > 1 else lines[0], metadata("text"))


@pytest.fixture
def logs(workspace: Path) -> Path:
    top = workspace / "logs of others"
    write(top / "b", event(3, _text("args", b"# Title\n\nlr \x1b[31m0.1"), wall_time=7.0), *curve("loss", range(3)))
    write(top / "a", event(0, _text("notes/text_summary", b"one", b"two")), event(1, _text("notes/text_summary", b"")))
    return top


def test_texts_stand_under_their_run_tag_and_step(cli: Cli, logs: Path) -> None:
    assert cli("runs", str(logs), "--text").stdout.splitlines() == [
        *("RUN  TAG                 STEP", "a    notes/text_summary  0", "  one", "  two", ""),
        *("RUN  TAG                 STEP", "a    notes/text_summary  1", "", ""),
        *("RUN  TAG   STEP", "b    args  3", "  # Title", "", "  lr \ufffd[31m0.1"),
    ]


def test_json_holds_the_texts_as_they_were_written(cli: Cli, logs: Path) -> None:
    document = json.loads(cli("runs", str(logs), "--text", "--json").stdout)
    assert document["texts"][-1] == {
        "run": "b",
        "tag": "args",
        "step": 3,
        "wall_time": 7.0,
        "texts": ["# Title\n\nlr \x1b[31m0.1"],
    }
    assert [text["texts"] for text in document["texts"]] == [["one", "two"], [""], ["# Title\n\nlr \x1b[31m0.1"]]


def test_without_texts_it_exits_with_3(cli: Cli, workspace: Path) -> None:
    write(workspace / "bare", *curve("loss", range(3)))
    result = cli("runs", "./bare", "--text")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "no texts in 'bare'" in result.stderr


@pytest.mark.parametrize("words", [[], ["logs of others", "--csv"], ["./logs of others", "--where", "loss<1"]])
def test_it_is_refused_where_it_means_nothing(cli: Cli, logs: Path, words: list[str]) -> None:
    assert cli("runs", *words, "--text").exit_code == 2
