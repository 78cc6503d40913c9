"""Colours that tell runs apart on white, and that a run keeps."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

TRAIN, VALIDATION = "#1f6fb4", "#e4680b"
INK, FAINT, GRID = "#222222", "#6b6b6b", "#e6e6e6"

_HUES = (
    "#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#17becf",
    "#8c564b", "#e377c2", "#d4a800", "#14246e", "#00735c", "#bcbd22",
)  # fmt: skip


def _mixed(colour: str, other: int, share: float) -> str:
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part * (1 - share) + other * share):02x}" for part in parts)


PALETTE = (*_HUES, *(_mixed(hue, 255, 0.45) for hue in _HUES), *(_mixed(hue, 0, 0.4) for hue in _HUES))


def run_colours(ids: Iterable[str]) -> dict[str, str]:
    """Return ``{run id: colour}``, whatever the order of the ids.

    Each run has a colour of its own choice, from its id, so that it looks the same in the next comparison; only where
    two choose the same one does the younger move on to the next that is free. Beyond the palette colours repeat.
    """
    colours: dict[str, str] = {}
    for run_id in sorted(set(ids)):
        first = crc32(run_id.encode()) % len(_HUES)
        choices = (*_HUES[first:], *_HUES[:first], *PALETTE[len(_HUES) :])
        taken = set(colours.values())
        colours[run_id] = next(
            (colour for colour in choices if colour not in taken), PALETTE[len(colours) % len(PALETTE)]
        )
    return colours
