"""What a tag says by itself: its split, its unit, and what is left; ``train/loss_epoch`` is the loss of training.

Where split words may stand, and how words are separated: as an element of the path, or as the first or last word of
one; separated by ``/ _ - . :``, a blank or a capital.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from tbcli.naming.direction import is_measure
from tbcli.naming.words import (
    AVERAGES,
    EPOCH,
    GROUPS,
    SPLITS,
    UNITS,
    SplitWord,
    Word,
    before,
    behind,
    is_effort,
    learning_rate_of,
    plain_spelling,
    split_of_words,
    tidied,
    words_of,
)

_ACHIEVED = frozenset(("reward", "rewards", "rew", "return", "returns"))  # of a step or a batch, not per step

_OF_ADD_HPARAMS = "hparam"  # what the tags of single values begin with that `add_hparams` writes


class TagParts(NamedTuple):
    """What a tag says by itself.

    Args:
        split: The split it names, or ``""``.
        unit: The unit it names, or ``""``.
        core: What is left of it.
        short: A shorter form that it may take where nobody else has that, or ``""``.
        is_doubled: It names its split twice, as `train/train_loss`, or repeats a curve as a single value, as
            `hparam/val_loss`: it gives way to who does so once.
    """

    split: str
    unit: str
    core: str
    short: str = ""
    is_doubled: bool = False


@lru_cache(maxsize=20_000)
def read_tag(tag: str) -> TagParts:
    """Return what a tag says by itself: ``train/loss_epoch`` is the loss of the training split, per epoch."""
    rest = [element for element in tag.split("/") if element] or [tag]
    split = unit = ""
    for _ in range(2):  # a split may show when its unit is gone: `train_epoch/loss`
        split, unit, rest = _whole_elements(rest, split, unit)
        rest, unit = (rest, unit) if unit else _without_unit(rest)
    shorter, inner = _without_split(rest[-1:] if split else rest)
    is_doubled = bool(split) and inner == split
    is_inner = inner and not is_doubled and rest[-1].endswith(shorter[-1]) and is_measure(shorter[-1])
    if inner and (not split or is_doubled or is_inner):  # `train/valid_loss` is of validation, `val/IoU.train` too
        rest, split = [*rest[:-1], *shorter] if split else shorter, inner
    rest, unit = (rest, unit) if unit else _without_unit(rest)
    if split and len(rest) > 1 and rest[0].lower() == _OF_ADD_HPARAMS:  # `hparam/val_acc`; `hparam/acc` keeps its tag
        rest, is_doubled = rest[1:], True
    core, short = _spelt(rest), _shortened(rest)
    return TagParts(split, unit, core, short if short != core else "", is_doubled)


def _spelt(elements: Sequence[str]) -> str:
    return plain_spelling(elements[0]) if len(elements) == 1 else "/".join(elements)


def _whole_elements(elements: list[str], split: str, unit: str) -> tuple[str, str, list[str]]:
    """Return the split and the unit that are an element of the path each, and the elements that are left."""
    rest: list[str] = []
    for place, element in enumerate(elements):
        word = element.strip().lower()
        others = [*rest, *elements[place + 1 :]]
        if not split and word in SPLITS and _is_split_among(SPLITS[word], others, is_last=place + 1 == len(elements)):
            split, unit = SPLITS[word].split, unit or SPLITS[word].unit
        elif not (split or unit) and any(map(is_measure, others)) and (both := _split_and_unit(word)):
            split, unit = both
        elif not unit and word in UNITS and _is_unit_of(others, is_last=place + 1 == len(elements)):
            unit = UNITS[word]
        else:
            rest.append(element)
    return split, unit, rest


def _split_and_unit(element: str) -> tuple[str, str] | None:
    """Return what an element of two words names that are a split and a unit: `train_epoch` in `loss/train_epoch`."""
    words = [word.text for word in words_of(element)]
    splits, units = [word for word in words if word in SPLITS], [word for word in words if word in UNITS]
    if len(words) != 2 or len(splits) != 1 or len(units) != 1:
        return None
    return SPLITS[splits[0]].split, UNITS[units[0]]


def _is_split_among(split: SplitWord, others: list[str], *, is_last: bool) -> bool:
    """Say whether an element that is called as a split is one: in `valid/x` and `loss/dev`, not in `timer/learn`."""
    return any(is_measure(other) for other in others) if split.is_word_too and is_last else bool(others)


def _is_unit_of(others: list[str], *, is_last: bool) -> bool:
    """Say whether an element that is called as a unit counts the others: of `loss/epoch`, not of `train/epoch`."""
    if is_last:
        return any(is_measure(other) for other in others)
    return any(other.strip().lower() not in SPLITS for other in others)


def _without_unit(elements: list[str]) -> tuple[list[str], str]:
    for place in from_the_end(elements):
        shorter, unit = _cut_unit(elements[place], is_last=place + 1 == len(elements))
        if unit:
            return [*elements[:place], shorter, *elements[place + 1 :]], unit
    return elements, ""


def _without_split(elements: list[str]) -> tuple[list[str], str]:
    """Return the elements without the first or last word of one that names a split, and the split."""
    for place in from_the_end(elements):
        shorter, split = _cut_split(elements[place], is_last=place + 1 == len(elements))
        if split:
            return [*elements[:place], shorter, *elements[place + 1 :]], split
    return elements, ""


def from_the_end(elements: Sequence[str]) -> Iterable[int]:
    """Return the places of the elements, the last one first."""
    return range(len(elements) - 1, -1, -1)


def _cut_unit(element: str, *, is_last: bool) -> tuple[str, str]:
    words = words_of(element)
    if len(words) < 2:
        return element, ""
    if len(words) > 2 and words[-2].text in ("vs", "per", "by") and words[-1].text in UNITS:
        rest = before(element, words[-2])
        return (rest, UNITS[words[-1].text]) if not is_effort(rest) else (element, "")
    first, last = words[0].text, words[-1].text
    if first in UNITS:
        rest = behind(element, words[0])
        # `epoch_` is what Keras puts in front of everything; the others are words in their own right.
        is_of_steps = is_measure(rest) and not _ACHIEVED.intersection(word.text for word in words)
        is_group = not is_last and rest.lower() in GROUPS
        is_speed = first == EPOCH and "per" in (word.text for word in words)  # Keras' `epoch_steps_per_second`
        if is_speed or (not is_effort(rest) and (first == EPOCH or is_of_steps or is_group)):
            return rest, UNITS[first]
    if last in UNITS:
        rest = before(element, words[-1])
        if not is_effort(words[-2].text) and not (is_last and rest.lower() in SPLITS):
            return rest, UNITS[last]
    return element, ""


def _cut_split(element: str, *, is_last: bool) -> tuple[str, str]:
    """Return an element without the split that is its first or last word, and that split."""
    words = words_of(element)
    for chosen in _ends(words):
        split = split_of_words(chosen)
        if split is None:
            continue
        rest = _without(element, words, chosen)
        if rest and not rest[0].isdigit() and _is_split_of(split, rest, is_last=is_last):
            return rest, split.split
    return element, ""


def _without(element: str, words: Sequence[Word], chosen: Sequence[Word]) -> str:
    """Return an element without some of its words that stand together."""
    if chosen[0] is words[0]:
        return behind(element, chosen[-1])
    if words[0].text in AVERAGES and chosen[0] is words[1]:
        return "_".join(filter(None, (before(element, chosen[0]), behind(element, chosen[-1]))))
    return tidied(element[: chosen[0].start]) + (element[chosen[-1].end :] if chosen[-1] is not words[-1] else "")


def _ends(words: Sequence[Word]) -> Iterable[Sequence[Word]]:
    """Yield the words that may name a split: the first and the last two and one; the last before `vs samples`.

    The one behind `avg` and the like counts as the first.
    """
    body = words[:-2] if len(words) > 3 and words[-2].text == "vs" else words
    for count in (2, 1):  # `train_inner` is one
        if len(body) > count:
            yield body[:count]
            yield body[-count:]
    if len(words) > 2 and words[0].text in AVERAGES:
        yield words[1:2]


def _is_split_of(split: SplitWord, rest: str, *, is_last: bool) -> bool:
    """Say whether a word in front of or behind others is a split: in `val_loss`, not in `train_time` or `std_dev`.

    A title that names both, as `Training vs. Validation Loss`, names none.
    """
    others = (split_of_words([word]) for word in words_of(rest))
    if any(other is not None and other.split != split.split for other in others):
        return False
    return is_measure(rest, with_direction=True) if split.is_word_too else not (is_last and is_effort(rest))


def _shortened(elements: Sequence[str]) -> str:
    """Return the elements without a group in front that adds nothing, and a learning rate under its usual name."""
    rest = list(elements)
    while len(rest) > 1 and rest[0].strip().lower() in GROUPS and _stands_alone(rest[0], rest[1:]):
        rest = rest[1:]
    return learning_rate_of(rest[-1]) or _spelt(rest)


def _stands_alone(group: str, rest: Sequence[str]) -> bool:
    """Say whether a name needs its group: `cls` in `loss/cls` does, `total_loss` in `Loss/total_loss` does not."""
    return not is_measure(group, with_direction=True) or any(is_measure(element) for element in rest)
