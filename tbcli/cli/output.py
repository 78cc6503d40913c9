"""Results go to stdout, everything meant for a person goes to stderr; colour and silence are decided here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tbcli.errors import ConfigError, TbcliError

_STYLES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bold": "1",
    "dim": "2",
}
_OBEYED = re.compile("(?!\x1b\\[[0-9;]*m)[\0-\b\v-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
LONGEST_LINE = 800  # characters of what an error says: whatever was typed, it is no longer than ten rows of a terminal


def wants_colour(stream: IO[str], environ: Mapping[str, str] | None = None) -> bool:
    """Say whether to colour: ``NO_COLOR`` forbids, ``FORCE_COLOR`` demands, else a capable terminal wants it."""
    environ = os.environ if environ is None else environ
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def is_terminal(stream: IO[str]) -> bool:
    """Say whether a person looks at this stream directly."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def leads_to_stdout(path: Path) -> bool:
    """Say whether a file that a user named is where stdout goes anyway."""
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):  # not there, or stdout is closed or no file
        return False


def styled(text: str, style: str, stream: IO[str]) -> str:
    """Return the text in a colour, or as it is where the stream wants none."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if wants_colour(stream) else text


def printable(text: str) -> str:
    """Return user text on one line, without the control characters that could drive a terminal."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)


def for_eyes(text: str, stream: IO[str]) -> str:
    """Return a text for a stream: a terminal gets no control characters but line ends, tabs and colours.

    Formats for programs, such as CSV, keep what names hold; a terminal is not to obey it.
    """
    return _OBEYED.sub("\ufffd", text) if is_terminal(stream) else text


def _broken(text: str, stream: IO[str]) -> str:
    """Return a sentence for a stream: on a terminal in lines that end between words, no command in two of them."""
    if not is_terminal(stream):
        return text
    import shutil
    import textwrap

    width = max(20, shutil.get_terminal_size().columns)
    whole = re.sub("`[^`]*`", lambda command: command[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(whole, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
    return "\n".join(lines).replace("\0", " ")


def counted_bytes(count: float) -> str:
    """Return a size a person reads: ``412 B``, ``3.1 MB``."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def counted_seconds(seconds: float) -> str:
    """Return a duration a person reads: ``4.2 s``, ``3 min 12 s``, ``5 h 07 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def counted_age(seconds: float | None) -> str:
    """Return an age in one unit, as ``--older-than`` takes it: ``45s``, ``12m``, ``3h``, ``6d``; ``-`` for None."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def shortened(text: str, width: int) -> str:
    """Return the text, or as much of it as fits with an ellipsis at its end."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def padded(
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    paint: Callable[[int, str], str] | None = None,
) -> list[str]:
    """Return rows as lines of columns two blanks apart, each as wide as its widest cell.

    Args:
        rows: Cells of plain text, the header first; all rows equally long.
        right: The columns to align to the right.
        paint: Given a column and a padded cell, returns it coloured.
    """
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        sized = enumerate(zip(row, widths, strict=True))
        cells = (cell.rjust(width) if i in right else cell.ljust(width) for i, (cell, width) in sized)
        lines.append("  ".join(map(paint, range(len(row)), cells) if paint else cells).rstrip())
    return lines


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command speaks.

    Args:
        quiet: Drop the narration; warnings and errors stay.
        verbose: The libraries' own logs are shown too.
    """

    quiet: bool = False
    verbose: bool = False

    def result(self, text: str) -> None:
        """Write one line that a script would capture, at once."""
        _to_stdout(text)

    def results(self, lines: Sequence[str]) -> None:
        """Write many result lines in one go."""
        if lines:
            _to_stdout("\n".join(lines))

    def document(self, document: Mapping[str, Any]) -> None:
        """Write one JSON document, NaN as null."""
        import json

        from tbcli.runs.files import json_ready

        self.result(json.dumps(json_ready(document), indent=2, ensure_ascii=False))

    def say(self, text: str = "") -> None:
        """Tell a person something; dropped by ``--quiet``."""
        if not self.quiet:
            _to_stderr(text)

    def warn(self, text: str) -> None:
        """Tell a person what may be wrong; stays under ``--quiet``."""
        title = "warning:"
        lines = _broken(f"{title} {printable(text)}", sys.stderr)
        _to_stderr(styled(title, "yellow", sys.stderr) + lines.removeprefix(title))


def show_error(error: TbcliError) -> None:
    """Write the two lines of a failure, what happened and what to try; before them the user's own traceback."""
    for line in error.trace.splitlines():
        _to_stderr(printable(line))
    _to_stderr(f"{styled('error:', 'red', sys.stderr)} {shortened(printable(error.message), LONGEST_LINE)}")
    _to_stderr(f"{styled('try:', 'cyan', sys.stderr)}   {shortened(printable(error.hint), LONGEST_LINE)}")


def _to_stdout(text: str) -> None:
    try:
        print(for_eyes(text, sys.stdout), flush=True)  # noqa: T201 - the one place for results
    except BrokenPipeError:
        raise  # the reader has seen enough; the app leaves quietly
    except OSError as error:
        raise unwritable_stdout(error) from None


def unwritable_stdout(error: OSError) -> ConfigError:
    """Return what to say when stdout takes no more, and let the interpreter's last flush stay silent."""
    abandon_stdout()
    return ConfigError(f"cannot write to stdout: {error.strerror}", hint="make room where the output goes")


def _to_stderr(text: str) -> None:
    with suppress(OSError):  # nobody listens any more, which is no reason to stop a training
        print(for_eyes(text, sys.stderr), file=sys.stderr, flush=True)  # noqa: T201 - the one place for narration


_SET_ASIDE: dict[int, list[int]] = {1: [], 2: []}
"""Descriptors of the real stdout and stderr, while something else stands in their places."""


def say_at_once(text: str) -> None:
    """Tell a person what cannot wait, also while libraries are hushed."""
    if _SET_ASIDE[2]:
        _write_at_once(2, text)
    else:
        _to_stderr(text)


def result_at_once(text: str) -> None:
    """Write one result line of a process that ends without another word, also while stdout is kept clean."""
    _write_at_once(1, text)


def streams_set_aside() -> list[int]:
    """Return the descriptors of the real stdout and stderr, while something else stands in their places."""
    return [stream for kept in _SET_ASIDE.values() for stream in kept]


def _write_at_once(stream: int, text: str) -> None:
    with suppress(OSError):
        os.write((_SET_ASIDE[stream] or [stream])[-1], f"{text}\n".encode(errors="replace"))


def can_ask() -> bool:
    """Say whether a person can see a question and answer it."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask(question: str) -> bool:
    """Ask on stderr and return whether the answer was yes; anything else, and the end of input, is no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201
    answer = ""
    try:
        answer = sys.stdin.readline()
    finally:
        if not answer.endswith("\n"):
            _to_stderr("")  # the cursor still stands behind the question
    return answer.strip().lower() in ("y", "yes")


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Send all that libraries print to stdout, from Python or from C++, to stderr instead."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # stdout is closed: nothing to keep clean
        with redirect_stdout(sys.stderr):
            yield
        return
    _SET_ASIDE[1].append(kept)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        _SET_ASIDE[1].remove(kept)
        os.close(kept)


def abandon_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush into a closed pipe stays silent."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)


@contextmanager
def stderr_hushed() -> Iterator[None]:
    """Drop what is written to stderr, also from C++ before any log level holds, as TensorFlow's first lines are."""
    sys.stderr.flush()
    kept, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    _SET_ASIDE[2].append(kept)
    try:
        os.dup2(devnull, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        _SET_ASIDE[2].remove(kept)
        os.close(kept)
        os.close(devnull)
