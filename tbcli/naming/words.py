"""The words of names: how a name falls into them, and those that say split, unit, group or effort."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

TRAIN, VALIDATION, TEST = "train", "validation", "test"
EPOCH, STEP = "epoch", "step"
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|[A-Z]\d*|\d+|[^\W\d_]+")
_WORD_WITHOUT_CAPITALS = re.compile(r"[^\W_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Word(NamedTuple):
    """A word of a name, in lower case, and where it stands."""

    text: str
    start: int
    end: int


class SplitWord(NamedTuple):
    """What a split word means.

    Args:
        split: ``train``, ``validation`` or ``test``.
        unit: The unit of such a split's steps, or ``""``.
        is_word_too: It has other meanings: within a name it is a split only beside a measure.
    """

    split: str
    unit: str = ""
    is_word_too: bool = False


SPLITS = {
    "train": SplitWord("train"),
    "training": SplitWord("train"),
    "trn": SplitWord("train", is_word_too=True),
    "train_inner": SplitWord("train", "step"),
    "learn": SplitWord("train", is_word_too=True),
    "fit": SplitWord("train", is_word_too=True),
    "val": SplitWord("validation"),
    "valid": SplitWord("validation", is_word_too=True),
    "validate": SplitWord("validation", is_word_too=True),
    "validation": SplitWord("validation"),
    "dev": SplitWord("validation", is_word_too=True),
    "eval": SplitWord("validation"),
    "evaluation": SplitWord("validation"),
    "test": SplitWord("test"),
    "testing": SplitWord("test"),
    "holdout": SplitWord("test", is_word_too=True),
    "cv": SplitWord("validation", is_word_too=True),
}
UNITS = {
    "epoch": "epoch",
    "epochs": "epoch",
    "batch": "step",
    "batches": "step",
    "step": "step",
    "steps": "step",
    "iter": "step",
    "iters": "step",
    "iteration": "step",
    "iterations": "step",
    "minibatch": "step",
}
GROUPS = _words(
    """
    loss losses metric metrics measure measures progress scalar scalars performance perf stat stats statistics
    summary summaries log logs logger chart charts rollout time score scores monitor monitoring general main global
    info result results optim misc samples ray tune
    """
)
"""What people put in front of tags to order the page; it says nothing where the rest says all."""
AVERAGES = frozenset(("avg", "average", "mean", "running", "smoothed", "ema", "median"))
_EFFORT = _words(
    """
    time times runtime second seconds minute hour secs sec ms minutes hours duration clock wall elapsed eta
    timestamp latency step steps iter iters iteration iterations epoch epochs batch batches episode episodes
    timestep timesteps update updates count counts num number n idx index id ids size sizes len length total samples
    sample examples tokens images frames files rows items every interval frequency freq period per sps fps
    throughput speed global current cur best last stop stopped warmup environment flag enabled mode start end begin
    env envs agent agents trainer opt optimizer this max maximum moves actions
    """
)
"""Words of clocks and counters: what a training takes, not how good it is."""
_COUNTED = ("num", "n", "number", "count", "total", "counters")  # in front of what is counted
_LENGTHS = ("length", "lengths", "len", "size")  # of an episode, say: worth a look
_PLAIN = _words(
    """
    loss accuracy acc error perplexity precision recall reward return score
    """
)
_LEARNING_RATES = frozenset({"lr", "learning rate", "learningrate", "lrate", "cur lr", "current lr", "base lr"})
_OPTIMIZERS = _words(
    """
    adam adamw adamax nadam radam sgd rmsprop adagrad adadelta lamb lars lion adafactor optimizer
    """
)


@lru_cache(maxsize=20_000)
def words_of(text: str, *, by_capitals: bool = True) -> tuple[Word, ...]:
    """Return the words of a name; capitals begin new ones unless told otherwise."""
    pattern = _WORD if by_capitals else _WORD_WITHOUT_CAPITALS
    return tuple(Word(found[0].lower(), found.start(), found.end()) for found in pattern.finditer(text))


def split_of_words(words: Sequence[Word]) -> SplitWord | None:
    """Return the split that words next to each other name, or None."""
    return SPLITS.get("_".join(word.text for word in words))


@lru_cache(maxsize=20_000)
def is_effort(text: str) -> bool:
    """Say whether a name has only words of clocks and counters."""
    return all(word.text in _EFFORT for word in words_of(text))


def is_of_effort(text: str) -> bool:
    """Say whether a name is that of a clock or a counter of something: `data_time`, `num_boxes`; not of a length."""
    words = [word.text for word in words_of(text)]
    return bool(words) and (words[0] in _COUNTED or (is_effort(words[-1]) and words[-1] not in _LENGTHS))


def learning_rate_of(text: str) -> str:
    """Return ``learning_rate`` where a name means just that, else ``""``: `lr`, `Learning Rate`, `lr-Adam`."""
    words = [word.text for word in words_of(text)]
    if len(words) > 1 and words[0] == "lr" and words[-1] in _OPTIMIZERS:
        words = words[:1]
    return "learning_rate" if " ".join(words) in (*_LEARNING_RATES, "learning rate") else ""


def plain_spelling(element: str) -> str:
    """Return a name of plain words as everybody writes them, in lower case with ``_`` between; others as they are."""
    words = words_of(element)
    return "_".join(word.text for word in words) if all(word.text in _PLAIN for word in words) and words else element


def is_about_learning_rate(tag: str) -> bool:
    """Say whether a tag is of a learning rate, of whatever parameters."""
    words = [word.text for word in words_of(tag)]
    return "lr" in words or "learning rate" in " ".join(words)


def behind(element: str, word: Word) -> str:
    """Return what stands behind a word of an element."""
    return tidied(element[word.end :])


def before(element: str, word: Word) -> str:
    """Return what stands before a word of an element."""
    return tidied(element[: word.start])


def tidied(text: str) -> str:
    """Return text without the separators at its ends, and without a bracket that lost its other half."""
    text = text.strip(" _-.:")
    for opening, closing in ("()", "[]", "{}", "<>"):
        if text.count(opening) != text.count(closing):
            text = text.strip(f"{opening}{closing} _-.:")
    return text
