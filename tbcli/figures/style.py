"""One look for all figures, whatever a user's matplotlibrc says, and files that are whole or not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from tbcli.config import PlotConfig
from tbcli.errors import ConfigError
from tbcli.figures.colours import LIGHT, THEMES, Theme
from tbcli.figures.curves import Heading
from tbcli.figures.lettering import FAMILY, Lettering
from tbcli.figures.pages import LEFT, RIGHT, Page
from tbcli.figures.titles import first_line, second_line
from tbcli.runs.files import atomic_file, named_file

_MOST_PIXELS = 2**16 - 1  # a side; the rasteriser takes no more

_HEADING, SUBHEADING = 14.0, 9.0  # points

_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 9.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3, and text stays text
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "tbcli",  # ids in the file do not change from time to time
}

_SAVING: dict[str, dict[str, Any]] = {
    "png": {"pil_kwargs": {"compress_level": 3}},  # half the time of the usual level, a sixth more bytes
    "svg": {"metadata": {"Date": None}},  # the same figure is the same file
    "pdf": {"metadata": {"CreationDate": None}},
}
_MARKED = {"png": "Source", "svg": "Source", "pdf": "Keywords"}  # where the format keeps a mark


@dataclass(frozen=True, slots=True)
class Look:
    """What the user chose about every figure.

    Args:
        theme: Its colours.
        size: Width and height in inches; None leaves it to the content.
    """

    theme: Theme = LIGHT
    size: tuple[float, float] | None = None

    @classmethod
    def of(cls, plot: PlotConfig) -> Look:
        """Return the look that the configuration asks for."""
        return cls(THEMES[plot.theme], plot.inches)


USUAL = Look()


def _colours_of(theme: Theme) -> dict[str, Any]:
    return {
        "text.color": theme.ink,
        "figure.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.frame,
        "axes.labelcolor": theme.faint,
        "grid.color": theme.grid,
        "xtick.color": theme.frame,
        "xtick.labelcolor": theme.faint,
        "ytick.color": theme.frame,
        "ytick.labelcolor": theme.faint,
    }


@contextmanager
def one_look(families: Sequence[str] = (FAMILY,), theme: Theme = LIGHT) -> Iterator[None]:
    """Set matplotlib's defaults and our style, for making artists as for drawing them, and put back what was."""
    defaults: dict[str, Any] = {
        key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")
    }
    look: Any = {**defaults, **_STYLE, **_colours_of(theme), "font.family": list(families)}
    with matplotlib.rc_context(look):
        yield


def write_heading(
    figure: Figure,
    page: Page,
    letters: Lettering,
    heading: Heading,
    *,
    left: float = LEFT,
    theme: Theme = LIGHT,
) -> None:
    """Write the two lines above a figure; the id stands for a name that no font here can draw."""
    room = page.width - left - RIGHT
    if not letters.draws(heading.name) and heading.id:
        heading = replace(heading, name=heading.id, id="")
    heading = replace(heading, name=letters.legible(heading.name))
    first = first_line(heading, room, lambda text: letters.width(text, _HEADING))
    figure.text(*page.spot(left, 0.42), first, fontsize=_HEADING, color=theme.ink)
    second = second_line(heading, room, lambda text: letters.width(letters.legible(text), SUBHEADING))
    figure.text(*page.spot(left, 0.65), letters.legible(second), fontsize=SUBHEADING, color=theme.faint)


def save_figure(
    figure: Figure, path: Path, dpi: int, *, is_named: bool = False, mark: str = "", theme: Theme = LIGHT
) -> None:
    """Write a figure whole, in the format of the path's suffix, making the directory where it is missing.

    Args:
        figure: Made within `one_look`.
        path: Ends in ``.png``, ``.svg`` or ``.pdf``.
        dpi: Resolution of a PNG.
        is_named: By the user, whose links are followed; a figure in its own place replaces what is there.
        mark: A word that stands in the file, to know the figure by.
        theme: The one it was made with: matplotlib makes some of its artists when it draws.

    Raises:
        ConfigError: It cannot be written there, or would be too large.
    """
    form = path.suffix.lower().removeprefix(".")
    pixels = [round(side * dpi) for side in figure.get_size_inches()]
    if form == "png" and max(pixels) > _MOST_PIXELS:
        size = f"{pixels[0]} x {pixels[1]} pixels"
        raise ConfigError(
            f"the figure would be {size} at {dpi} dpi", hint="`--dpi` smaller, fewer metrics, or `--out FILE.svg`"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with one_look(theme=theme), named_file(path) if is_named else atomic_file(path) as target:
            saving = _SAVING[form]
            if mark:
                saving = {**saving, "metadata": {**saving.get("metadata", {}), _MARKED[form]: mark}}
            figure.savefig(target, dpi=dpi, format=form, **saving)
    except OSError as error:
        raise ConfigError(
            f"cannot write {str(path)!r}: {error.strerror or error}",
            hint="`--out FILE.png` or `--plots-dir DIR` where there is room and you may write",
        ) from error
    except MemoryError:
        raise ConfigError(f"no memory for a figure at {dpi} dpi", hint="`--dpi` smaller, or `--out FILE.svg`") from None
