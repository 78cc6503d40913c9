from __future__ import annotations

import io
import json
import math
import os
import sys

import pytest

from tbcli.cli.output import (
    Output,
    ask,
    counted_age,
    counted_bytes,
    counted_seconds,
    for_eyes,
    is_terminal,
    padded,
    printable,
    shortened,
    stdout_kept_clean,
    wants_colour,
)
from tbcli.errors import ConfigError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "pipe"),
    [
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colour_follows_the_environment(environ: dict[str, str], terminal: bool, pipe: bool) -> None:
    assert wants_colour(Terminal(), environ) is terminal
    assert wants_colour(io.StringIO(), environ) is pipe


def test_a_closed_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert not is_terminal(stream)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("naïve 模型", "naïve 模型"), ("a\nb\tc", "a b c"), ("\x1b[31m", "\ufffd[31m"), ("a\u202eb", "a\ufffdb")],
)
def test_text_of_users_loses_what_could_drive_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_600, "100 kB"), (3_140_000, "3.1 MB"), (5e9, "5.0 GB")],
)
def test_bytes_read_well(count: float, text: str) -> None:
    assert counted_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.23, "4.2 s"), (59, "59 s"), (59.97, "1 min 00 s"), (192, "3 min 12 s"), (18_420, "5 h 07 min")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert counted_seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.4, "0s"), (59.9, "59s"), (60, "1m"), (7200, "2h"), (86_400 * 40, "40d")]
)
def test_ages_read_as_older_than_takes_them(seconds: float | None, text: str) -> None:
    assert counted_age(seconds) == text


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [["NAME", "N"], ["a", "100"], ["long name", "1"]]
    assert padded(rows, right={1}) == ["NAME         N", "a          100", "long name    1"]
    assert padded(rows, paint=lambda column, cell: f"<{cell}>" if column == 0 else cell)[1] == "<a        >  100"
    assert padded([]) == []


def test_long_text_ends_in_an_ellipsis() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdef", 4) == "abc…"


def test_quiet_drops_narration_and_keeps_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(quiet=True)
    output.say("told")
    output.warn("careful")
    output.result("42")
    assert capsys.readouterr() == ("42\n", "warning: careful\n")


def test_documents_have_null_for_what_json_cannot_say(capsys: pytest.CaptureFixture[str]) -> None:
    Output().document({"nan": math.nan, "list": [math.inf, 1.5], "text": "模型"})
    written = capsys.readouterr().out
    assert json.loads(written) == {"nan": None, "list": [None, 1.5], "text": "模型"}
    assert "模型" in written


class Broken(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_narration_into_nothing_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Broken(BrokenPipeError()))
    Output().say("told")
    Output().warn("careful")


def test_results_that_cannot_be_written_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.cli.output.abandon_stdout", lambda: None)
    monkeypatch.setattr(sys, "stdout", Broken(OSError(28, "No space left on device")))
    with pytest.raises(ConfigError, match="No space left"):
        Output().result("42")
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError(32, "Broken pipe")))
    with pytest.raises(BrokenPipeError):
        Output().result("42")


@pytest.mark.parametrize(
    ("typed", "yes"), [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_only_yes_is_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, yes: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert ask("Sure?") is yes
    assert capsys.readouterr() == ("", "Sure? [y/N] " + ("" if typed else "\n"))


def test_stdout_is_kept_clean_of_what_libraries_print(capfd: pytest.CaptureFixture[str]) -> None:
    with stdout_kept_clean():
        sys.stdout.write("from Python")
        os.write(1, b"from C\n")
    Output().result("result")
    out, err = capfd.readouterr()
    assert out == "result\n"
    assert "from Python" in err
    assert "from C" in err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m\tand\n", "\x1b[31mred\x1b[0m\tand\n"),
        ("\x1b[2J\x1b]0;title\x07\r", "\ufffd[2J\ufffd]0;title\ufffd\ufffd"),
        ("\x9b2J\u202egnp.exe\u2066\0", "\ufffd2J\ufffdgnp.exe\ufffd\ufffd"),
        ("😀 '\u0627\u0644' [b]", "😀 '\u0627\u0644' [b]"),
    ],
)
def test_a_terminal_shows_what_could_drive_it_and_a_pipe_gets_it_as_it_is(text: str, shown: str) -> None:
    terminal, pipe = io.StringIO(), io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    assert for_eyes(text, terminal) == shown
    assert for_eyes(text, pipe) == text


def test_a_warning_is_broken_between_words_and_no_command_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "30")
    text = "trials of tpe lie where others did well; `tbcli sweep --resume s` goes on"
    Output().warn(text)
    assert terminal.getvalue() == f"warning: {text}\n"
    terminal.truncate(0)
    terminal.seek(0)
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    Output().warn(text)
    assert terminal.getvalue().splitlines() == [
        "warning: trials of tpe lie",
        "  where others did well;",
        "  `tbcli sweep --resume s`",
        "  goes on",
    ]
