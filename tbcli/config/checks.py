"""What is wrong with a value, where bounds and choices do not tell: a problem is what to say and what to try."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST = 10**9  # of what is counted in samples or steps


def line_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of one line of text, if any."""
    if text.isprintable() and len(text) <= 100:
        return None
    return (
        f"must be one printable line of at most 100 characters, got {text[:40]!r}",
        "a longer text fits in `--note`",
    )


def name_problem(name: str) -> tuple[str, str] | None:
    """Return the problem of the name of a run, if any."""
    if name in ("latest", "best") or name.startswith(("latest~", "best:")):
        return f"cannot be {name!r}", "that word refers to a run by its rank"
    if "/" in name or "." in name:
        # A reference with a slash or a dot is a path: such a name could never be used.
        return f"cannot hold a slash or a dot, got {name!r}", "use - or _ instead"
    return line_problem(name)


def read_cadence(text: str) -> dict[str, int]:
    """Return ``{recorder: epochs}``, 0 for auto; ``""`` is for all others. ValueError names the part that is wrong."""
    cadence = {"": 0}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = part.rpartition("=")
        is_valid = number == "auto" or (number.isdecimal() and len(number) <= 10 and 1 <= int(number) <= MOST)
        if not is_valid or (equals and not name):
            raise ValueError(part)
        cadence[name] = 0 if number == "auto" else int(number)
    return cadence


def cadence_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of ``--record-every``, if any."""
    try:
        read_cadence(text)
    except ValueError as error:
        return f"must be auto, N or NAME=N, got {str(error)!r}", "`--record-every 2` or `--record-every histograms=5`"
    return None


def read_steps(text: str) -> tuple[int, int] | None:
    """Return the steps between whose ends to trace, None where the text names none."""
    found = re.fullmatch(r"(\d{1,10})(?::(\d{1,10}))?", text)
    if not found:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    if found[2] is None:
        first -= 1
    return (first, last) if 1 <= first < last <= MOST else None


def profile_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of ``--profile``, if any."""
    if not text or read_steps(text):
        return None
    return (
        f"must be a step or START:STOP, got {text!r}",
        "`20:30` traces the ten steps after step 20, `2` step 2 alone; never step 1, for that is compilation",
    )


LOGICAL_CPUS = "cpu:"


def devices_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of ``--devices``, if any."""
    number = text.removeprefix(LOGICAL_CPUS)
    if text == "auto" or (number.isascii() and number.isdecimal() and 1 <= int(number[:5]) <= 1024):
        return None
    return f"must be a number, auto or {LOGICAL_CPUS}N, got {text!r}", "`--devices auto` takes all GPUs"


_UNIT_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(\d{{1,9}}(?:\.\d{{1,9}})?){unit})?" for unit in _UNIT_SECONDS), re.ASCII)
_OFF = ("", "0")
MOST_SECONDS = 10 * 365 * 86_400


def read_duration(text: str) -> float | None:
    """Return the seconds in ``90s``, ``30m``, ``1h30m``, ``12h``, ``7d`` or ``2w``; None where the text is no time."""
    found = _DURATION.fullmatch(text.strip().lower())
    if not found or not any(found.groups()):
        return None
    return sum(float(number or 0) * unit for number, unit in zip(found.groups(), _UNIT_SECONDS.values(), strict=True))


def duration_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of a time to stop after, if any; 0 is none, with a unit or without."""
    if text in _OFF:
        return None
    seconds = read_duration(text)
    if seconds == 0:
        return None
    if seconds is None:
        return f"must be a time with its unit, got {text!r}", "such as 90s, 30m, 12h or 1h30m"
    if not 1 <= seconds <= MOST_SECONDS:
        return f"must be from 1 second to 10 years, got {text!r}", "such as 90s, 30m, 12h or 1h30m"
    return None


def read_checkpoint(text: str) -> tuple[int, float]:
    """Return steps and seconds between two states, one of them 0; ``ValueError`` where the text is neither."""
    if not text:
        return 0, 0.0
    if text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= MOST:
        return int(text), 0.0
    if text.isdecimal() or duration_problem(text):
        raise ValueError(text)
    return 0, read_duration(text) or 0.0


def checkpoint_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of ``--checkpoint-every``, if any."""
    try:
        read_checkpoint(text)
    except ValueError:
        return f"must be a number of steps or a time, got {text!r}", "such as 500, 10m or 1h"
    return None


def host_problem(host: str) -> tuple[str, str] | None:
    """Return the problem of an address to listen on, if any."""
    if host and host.strip() == host:
        return None
    return f"cannot be {host!r}", "a name or an address, such as localhost"


def hosts_problem(names: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the problem of host names that requests may come for, if any."""
    for name in names:
        if not re.fullmatch(r"[\w.-]+|\[?[0-9a-fA-F:.]+\]?", name):
            return (
                f"cannot be {name!r}",
                "a name or an address without scheme and port, such as tensorboard.example.com",
            )
    return None


def token_problem(token: str) -> tuple[str, str] | None:
    """Return the problem of a token, if any."""
    if all(char.isprintable() and not char.isspace() for char in token):
        return None
    return "must be printable characters without blanks", "leave the text out, and a token is made up"


def prefix_problem(path: str) -> tuple[str, str] | None:
    """Return the problem of the path that TensorBoard is served below, if any."""
    if not path or (path[0] == "/" and set(path).isdisjoint(" ?#%\\")):
        return None
    return f"cannot be {path!r}", "a path from the root, such as /tensorboard"


def read_size(text: str) -> tuple[float, float] | None:
    """Return width and height in inches, None where the text is no size."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)x(\d{1,3}(?:\.\d+)?)", text.strip().lower())
    if not found:
        return None
    width, height = float(found[1]), float(found[2])
    return (width, height) if min(width, height) >= 1 and max(width, height) <= 100 else None


def size_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of the size of a figure, if any."""
    if not text or read_size(text):
        return None
    return f"must be WxH in inches, from 1 to 100, got {text!r}", "such as `--size 6.5x4`"


def read_pixels(text: str) -> tuple[int, int] | None:
    """Return height and width of ``64`` or ``48x64``, None where the text is neither."""
    found = re.fullmatch(r"(\d{1,5})(?:[x,](\d{1,5}))?", text.strip().lower())
    size = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    return size if all(1 <= side <= 10_000 for side in size) else None


def pixels_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of a size of images, if any."""
    if not text or read_pixels(text):
        return None
    return f"must be N or HEIGHTxWIDTH in pixels, got {text!r}", "`--image-size 64` or `--image-size 48x64`"


def pairs_problem(pairs: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the problem of arguments ``KEY=VALUE``, if any."""
    for pair in pairs:
        if not pair.partition("=")[0].strip().isidentifier() or "=" not in pair:
            return f"must be KEY=VALUE, got {pair!r}", "such as `units=64`"
    return None


def parallel_problem(text: str) -> tuple[str, str] | None:
    """Return the problem of a number of trials at once, if any."""
    if text == "auto" or (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= 1024):
        return None
    return f"must be auto or a number from 1 to 1024, got {text!r}", "such as `--parallel 2`"


MARGIN = ("value", "lower", "upper")
"""What stands before the metrics of a chart of a curve with a band: ``value: loss``."""


def margin_of(metrics: Sequence[str]) -> tuple[str, str, str] | None:
    """Return value, lower and upper edge of a chart of a band, None of a chart of curves.

    Raises:
        ValueError: One of the three is missing, or there is more.
    """
    parts = [metric.partition(":") for metric in metrics]
    named = {role.strip(): name.strip() for role, colon, name in parts if colon and role.strip() in MARGIN}
    if not named:
        return None
    if len(named) < len(MARGIN) or len(metrics) > len(MARGIN) or not all(named.values()):
        raise ValueError(", ".join(metrics))
    return named["value"], named["lower"], named["upper"]


def chart_problem(metrics: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the problem of the metrics of a chart, if any."""
    try:
        margin_of(metrics)
    except ValueError:
        band = 'such as "Band" = ["value: loss", "lower: loss_low", "upper: loss_high"]'
        return f"a band has one value, lower and upper, got {', '.join(metrics)!r}", band
    return None if metrics else ("names no metric", 'such as "Overfit" = ["loss", "val_loss"]')
