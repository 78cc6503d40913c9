"""Which curves belong together: training and validation of one run, whoever wrote them and however they are called."""

from __future__ import annotations

from typing import NamedTuple

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_WORDS = {
    "train": TRAIN, "training": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "dev": VALIDATION, "eval": VALIDATION,
    "test": TEST,
}  # fmt: skip


class Place(NamedTuple):
    """Where a curve belongs.

    Args:
        run: Without the part that says on which samples.
        metric: The same.
        split: ``train``, ``validation``, ``test``, or ``""`` where nothing says so.
    """

    run: str
    metric: str
    split: str


def place_of(run: str, tag: str) -> Place:
    """Return where a series belongs, by the usual ways to write on which samples it was measured.

    The run says it in ``mnist/train``, as with Keras; the tag in ``train/loss``, ``Loss/test`` and ``val_loss``.

    Args:
        run: Relative to the log directory, ``.`` for itself.
        tag: As it stands in the event file.
    """
    above, _, last = run.rpartition("/")
    if last.lower() in _WORDS:
        return Place(above or ".", tag, _WORDS[last.lower()])
    for separator in "/", "_":
        first, found, rest = tag.partition(separator)
        if found and rest and first.lower() in _WORDS:
            return Place(run, rest, _WORDS[first.lower()])
    metric, found, last = tag.rpartition("/")
    if found and metric and last.lower() in _WORDS:
        return Place(run, metric, _WORDS[last.lower()])
    return Place(run, tag, "")
