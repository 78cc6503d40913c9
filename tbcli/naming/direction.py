"""Which way a metric is better, by the whole words of its name; and which value of a series is the best.

A name is split at separators and capitals, and the last word that `metric_words` knows decides: ``accuracy_loss`` is
a loss. What follows a preposition describes what stands before it (``recall_at_precision``), ``neg_`` turns the
direction, and a word inside another word means nothing (``lossless``). What follows a metric that is measured for each
class is the name of a class, whatever it means elsewhere (``f1/error``, ``recall_negative``). Clocks, counters,
learning rates and their like have no direction. A name without any known word counts as better when high, and is marked
as a guess. A user's ``[direction]`` section overrules all of it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Literal, NamedTuple

from tbcli.naming import metric_words
from tbcli.naming.matching import fits, is_glob
from tbcli.naming.metric_words import Meaning, meanings_of
from tbcli.naming.words import SPLITS, is_effort, words_of

NOT_METRICS = ("epoch", "step", "seconds", "learning_rate", "steps_per_second")
Sense = Literal["min", "max", ""]
Overrides = Mapping[str, str]
"""A user's ``[direction]`` section: ``{name or glob: "min" or "max"}``."""
NO_OVERRIDES: Overrides = {}
_OPPOSITE: dict[str, Sense] = {"min": "max", "max": "min", "": ""}


class Direction(NamedTuple):
    """Which way a metric is better.

    Args:
        sense: ``min`` where lower is better, ``max`` where higher is, ``""`` where neither is.
        is_guessed: Nothing in the name says so for certain.
    """

    sense: Sense
    is_guessed: bool = False

    @property
    def note(self) -> str:
        """What to add where a guess decides, as ``(higher is better: guessed)``; ``""`` where it is no guess."""
        return f"({'lower' if self.sense == 'min' else 'higher'} is better: guessed)" if self.is_guessed else ""


def direction_of(metric: str, overrides: Overrides = NO_OVERRIDES, *, asked: bool = False) -> Direction:
    """Return which way a metric is better.

    Args:
        metric: Its canonical name or its tag.
        overrides: The user's ``[direction]`` section.
        asked: Someone asked for the best of this metric: then of times and memory less is better, of throughput more.
    """
    if overrides:
        said = _overruled(metric, overrides)
        if said:
            return Direction("min" if said == "min" else "max")
    usual, when_asked = _by_words(metric)
    return when_asked if asked else usual


@lru_cache(maxsize=65_536)
def is_measure(text: str, *, with_direction: bool = False) -> bool:
    """Say whether a name has a word that is known as a metric, and is more than clocks and counters."""
    found = direction_of(text)
    return not is_effort(text) and not found.is_guessed and bool(found.sense or not with_direction)


def how_to_declare(metric: str) -> str:
    """Return a hint: how a user says which way a metric is better."""
    key = metric if re.fullmatch(r"[\w-]+", metric, re.ASCII) else json.dumps(metric, ensure_ascii=False)
    return f'`--set direction.{metric}=min`, or `{key} = "min"` under [direction] in tbcli.toml'


def lower_is_better(metric: str, overrides: Overrides = NO_OVERRIDES) -> bool:
    """Say whether a smaller value is the better one."""
    return direction_of(metric, overrides, asked=True).sense == "min"


def best_position(
    metric: str, values: Sequence[float], overrides: Overrides = NO_OVERRIDES, *, asked: bool = False
) -> int | None:
    """Return the index of the best finite value (the first of equals).

    None where no value is finite, or where the metric has no direction; see `direction_of` for the arguments.
    """
    sense = direction_of(metric, overrides, asked=asked).sense
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    if not finite or not sense:
        return None
    choose = min if sense == "min" else max
    return choose(finite, key=lambda index: values[index])


def summarize(
    columns: Mapping[str, Sequence[float]], epochs: Sequence[int], overrides: Overrides = NO_OVERRIDES
) -> dict[str, dict[str, float | int]]:
    """Return ``{metric: {"best", "best_epoch", "last"}}`` of every column that is a metric.

    The best of a metric without direction is NaN, at epoch 0.
    """
    summary: dict[str, dict[str, float | int]] = {}
    for name, values in columns.items():
        if name in NOT_METRICS or not values:
            continue
        position = best_position(name, values, overrides, asked=True)
        if position is None:
            summary[name] = {"best": math.nan, "best_epoch": 0, "last": values[-1]}
        else:
            summary[name] = {"best": values[position], "best_epoch": epochs[position], "last": values[-1]}
    return summary


def _overruled(metric: str, overrides: Overrides) -> str:
    """Return the user's word on a metric: by its name, else without its split, else by a glob; ``""`` if none."""
    whole = metric.partition("@")[0]
    first, *rest = words_of(whole) or (None,)
    plain = whole[rest[0].start :] if first and rest and first.text in SPLITS else whole
    names = list(dict.fromkeys((metric, whole, plain, whole.rpartition("/")[2])))
    words = {key.lower(): said for key, said in overrides.items()}
    for name in names:
        if name.lower() in words:
            return words[name.lower()]
    return next((said for key, said in overrides.items() if is_glob(key) and fits(key, names)), "")


_ANSWERS: dict[str, tuple[Sense, Sense]] = {
    "<": ("min", "min"), ">": ("max", "max"), "S": ("max", "max"), "0": ("", ""), "-": ("", "min"), "+": ("", "max"),
}  # fmt: skip
_SECONDS = ("s", "sec", "secs", "second", "seconds")
_CONTAINERS = metric_words.entries(metric_words.CONTAINERS)
_PARTS_OF_LOSSES = metric_words.entries(metric_words.PARTS_OF_LOSSES)
_LOSSES = ("loss", "error", "err")  # whatever follows is what they are of: `loss_cls`
_HEADS = (
    *_LOSSES, "distance", "drop", "gap", "degradation", "decline", "penalty", "reward", "return", "bonus", "skill",
    "skill score", "reduction", "saving", "savings", "improvement", "gain", "detection rate",
)  # fmt: skip
_PER_CLASS = metric_words.entries(metric_words.PER_CLASS)
_NOT_CLASSES = metric_words.entries(metric_words.NOT_CLASSES)
_GUESS = Direction("max", is_guessed=True)


class _Answer(NamedTuple):
    sign: str  # one of `_ANSWERS`
    is_certain: bool = True
    is_negated: bool = False

    def direction(self, *, asked: bool) -> Direction:
        sense = _ANSWERS[self.sign][asked]
        return Direction(_OPPOSITE[sense] if self.is_negated else sense, bool(sense) and not self.is_certain)


@lru_cache(maxsize=65_536)
def _by_words(metric: str) -> tuple[Direction, Direction]:
    """Return the usual direction and that of a metric whose best was asked for; the last element of a path decides."""
    *parts, last = [part for part in metric.split("/") if part] or [metric]
    if parts and last.lower() in _SECONDS:  # samples/s
        parts[-1] += " per second"
    else:
        parts.append(last)
    elements = [meanings_of(part) for part in parts]
    answer = _of_class(elements) or _answer_of(elements) or _of_parts(elements)
    return (answer.direction(asked=False), answer.direction(asked=True)) if answer else (_GUESS, _GUESS)


def _answer_of(elements: Sequence[Sequence[Meaning]]) -> _Answer | None:
    contained = next((element for element in elements[:-1] if _consists_of(element, _CONTAINERS)), None)
    is_of_loss = any(_consists_of(element, {"loss"}) for element in elements[:-1])
    is_of_reward = any(_consists_of(element, ("reward", "rew")) for element in elements[:-1])
    has_unknown = False
    for element in reversed(elements):
        answer = _answer(element, is_of_loss=is_of_loss)
        if answer and contained and answer.sign in "<>S":
            answer = _answer(contained, is_of_loss=False)
        if answer:
            is_certain = answer.is_certain and (not has_unknown or _consists_of(element, _LOSSES))
            is_certain = is_certain and not (is_of_reward and answer.sign == "<")  # a term may be logged either way
            return answer._replace(is_certain=is_certain)
        has_unknown = has_unknown or any(word.sign == "?" for word in element)
    return None


def _of_parts(elements: Sequence[Sequence[Meaning]]) -> _Answer | None:
    """Return what is left to say where no word tells: a part of a loss, or a count of something."""
    signs = {word.sign for element in elements for word in element}
    return _Answer("<", is_certain=False) if "~" in signs else _Answer("0") if "u" in signs else None


def _of_class(elements: Sequence[Sequence[Meaning]]) -> _Answer | None:
    """Return what a metric says whose class is named behind it, None where there is none such."""
    *groups, last = elements
    if any(word.text == "loss" for group in groups for word in group) or any(
        _consists_of(group, _CONTAINERS) for group in groups
    ):
        return None
    if _score_at(last) is not None or (groups and any(word.text in _PER_CLASS for word in last)):
        return _with_class_behind(last)
    for group in reversed(groups):
        if _score_at(group) is not None:
            return None if any(word.text in _NOT_CLASSES for word in last) else _answer(group, is_of_loss=False)
    return None


def _score_at(element: Sequence[Meaning]) -> int | None:
    """Return the position of the first word that is a metric, where that is one measured for each class."""
    telling = [position for position, word in enumerate(element) if word.sign in "<>"]
    return telling[0] if telling and element[telling[0]].text in _PER_CLASS else None


def _with_class_behind(element: Sequence[Meaning]) -> _Answer | None:
    at = _score_at(element)
    if at is None:
        return None
    score, before = element[at], element[:at]
    behind = list(takewhile(lambda word: word.sign != ":", element[at + 1 :]))
    texts = {word.text for word in behind}
    if all(word.sign in ".uS" for word in behind):
        is_negative_class = bool(before) and before[-1].text == "negative"
        return _Answer(score.sign, is_certain=False) if is_negative_class else None
    is_of_all = score.text in ("accuracy", "acc") and bool(texts & {"error", "err", "drop"})
    if is_of_all or texts & _NOT_CLASSES:
        return None
    if any(word.text in _PER_CLASS and word.sign == score.sign for word in behind):
        return None  # `precision_recall_auc`; but `tpr_1fpr` is measured at 1 % of the other
    is_negated = sum(word.sign == "!" for word in before) % 2 == 1
    return _Answer(score.sign, not (is_negated or "drop" in texts), is_negated)


def _consists_of(element: Sequence[Meaning], entries: Collection[str]) -> bool:
    """Say whether all words that mean something are among these."""
    telling = [word.text for word in element if word.sign not in ".u"]
    return bool(telling) and all(text in entries for text in telling)


def _answer(element: Sequence[Meaning], *, is_of_loss: bool) -> _Answer | None:
    """Return what the words of one element say; None where none of them says anything."""
    cut = next((position for position, word in enumerate(element) if word.sign == ":"), len(element))
    head, rest = element[:cut], element[cut + 1 :]
    telling = [position for position, word in enumerate(head) if word.sign in _ANSWERS]
    if not telling:
        return _answer(rest, is_of_loss=is_of_loss) if rest else None
    if len(telling) > 1 and (
        head[telling[-1]].sign == "S" or (head[telling[-1]].text == "norm" and head[telling[-2]].sign in "<>S")
    ):
        telling.pop()  # loss_score is a loss, and cer_norm an error rate
    *others, last = (head[position] for position in telling)
    is_negated = _is_negated(head, telling)
    is_of_loss = is_of_loss or any(word.text == "loss" for word in others[:1])
    if is_of_loss and last.text in _PARTS_OF_LOSSES:
        return _Answer("<", is_certain=False, is_negated=is_negated)
    is_followed = last.text not in _LOSSES and any(word.sign == "?" for word in head[telling[-1] :])
    return _Answer(last.sign, not (is_followed or _disagree(last, others)), is_negated)


def _is_negated(words: Sequence[Meaning], telling: Sequence[int]) -> bool:
    """Say whether the last telling word is negated: by a word in front of it, the others aside, or behind it."""
    start = telling[-2] if len(telling) > 1 else 0
    return sum(word.sign == "!" for word in words[start:]) % 2 == 1


def _disagree(last: Meaning, others: Sequence[Meaning]) -> bool:
    """Say whether other words speak for the opposite; a loss, drop or reward is one, whatever it is of."""
    senses = {_ANSWERS[word.sign][0] for word in others} - {""}
    return last.text not in _HEADS and _OPPOSITE[_ANSWERS[last.sign][0]] in senses
