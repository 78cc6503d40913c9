"""What series are called: the run, the metric, the split and the unit that a directory and a tag stand for.

Every command asks here, for runs of ours and of anybody, so that ``val_loss`` is one thing everywhere.

A tag that names its split decides first (`tag_parts`), then the directory it lies in (`directories`).

**A name** is the metric with its split in front: ``loss``, ``val_loss``, ``test_accuracy``. Where a metric is there per
epoch and per step, the name alone is the one per epoch, and ``loss@step`` the other. Two series of a run that would
share a name keep their whole tags.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from tbcli.naming.direction import is_measure
from tbcli.naming.directories import HERE, Place, places_of
from tbcli.naming.tag_parts import read_tag
from tbcli.naming.words import EPOCH, SPLITS, STEP, TEST, TRAIN, VALIDATION, is_about_learning_rate

PREFIXES = {TRAIN: "", "": "", VALIDATION: "val_", TEST: "test_"}
AT_STEP = "@step"
LEARNING_RATE = "learning_rate"


class Seen(NamedTuple):
    """A series as the files have it: its directory below the log directory, its tag, and how many points it has."""

    run: str
    tag: str
    points: int


class Identity(NamedTuple):
    """What a series is.

    Args:
        run: The run, relative to the log directory; ``.`` for that itself.
        name: What every command calls it: ``val_loss``.
        metric: The same without split and unit: ``loss``; series of one metric share a panel.
        split: ``train``, ``validation``, ``test``, or ``""`` where nothing tells.
        unit: ``epoch`` or ``step``: what its steps count; ``""`` where nothing tells.
        aliases: Further names it answers to, as ``test_loss`` where the test split stands for validation.
    """

    run: str
    name: str
    metric: str
    split: str
    unit: str
    aliases: tuple[str, ...] = ()


class Named(NamedTuple):
    """All series of a log directory under their names.

    Args:
        identities: One for each series that was given, in the same order.
        owners: ``{directory: run}`` of all directories.
        clashes: ``(run, name, tags)`` of series that would have shared a name and keep their tags.
    """

    identities: tuple[Identity, ...]
    owners: Mapping[str, str]
    clashes: tuple[tuple[str, str, tuple[str, ...]], ...]


def identify(seen: Sequence[Seen], described: Collection[str] = (), *, is_ours: bool = False, here: str = "") -> Named:
    """Return what each series is.

    Args:
        seen: All series of one log directory.
        described: Directories that hold hyperparameters.
        is_ours: The log directory is one run of ours, whose directories of this name are splits for sure.
        here: The split that the log directory itself is, where it is one of a run around it.
    """
    places = places_of(seen, described, is_ours=is_ours, here=here)
    facts = [_facts(each, places[each.run]) for each in seen]
    facts = _with_test_as_validation(_with_units_told_apart(facts), seen)
    identities, clashes = _named(facts, seen)
    return Named(tuple(identities), {run: place.run for run, place in places.items()}, tuple(clashes))


class _Facts(NamedTuple):
    run: str
    split: str
    unit: str
    core: str
    short: str
    literal: str
    gives_way: bool = False  # to a series of the run itself, or one that says its split once
    is_of_add_scalars: bool = False
    is_curve: bool = False  # it has several points
    aliases: tuple[str, ...] = ()


def _facts(seen: Seen, place: Place) -> _Facts:
    tag = read_tag(seen.tag)
    split, core, short = tag.split or place.split, tag.core, tag.short
    if place.key:
        core, short = f"{seen.tag}/{place.key}", ""
    elif place.core:
        core, short = place.core, ""
    elif place.split and tag.split and place.split != tag.split:  # a title that is the key's only by chance
        split, core, short = place.split, seen.tag, ""
    gives_way = place.is_described or tag.is_doubled
    unit, is_curve = tag.unit or place.unit, seen.points > 1
    return _Facts(place.run, split, unit, core, short, seen.tag, gives_way, place.is_of_add_scalars, is_curve)


def _with_units_told_apart(facts: Sequence[_Facts]) -> list[_Facts]:
    """Let a series of which nothing tells the unit be per epoch where its metric is there per step besides."""
    per_step = {(each.run, each.split, each.core.lower()) for each in facts if each.unit == STEP}
    return [
        each._replace(unit=EPOCH)
        if not each.unit and (each.run, each.split, each.core.lower()) in per_step and not each.gives_way
        else each
        for each in facts
    ]


def _with_test_as_validation(facts: Sequence[_Facts], seen: Sequence[Seen]) -> list[_Facts]:
    """Let the test split stand for validation in runs that have training, no validation, and test it repeatedly."""
    validation = [each for each in facts if each.split == VALIDATION]
    validated = {each.run for each in validation if not each.is_of_add_scalars}  # which is of its own metric alone
    validated_metrics = {(each.run, each.core.lower()) for each in validation}
    trained = {each.run for each in facts if each.split == TRAIN or (not each.split and is_measure(each.core))}
    changed = []
    for each, series in zip(facts, seen, strict=True):
        has_no_validation = each.run not in validated and (each.run, each.core.lower()) not in validated_metrics
        if each.split == TEST and series.points > 1 and has_no_validation and each.run in trained:
            each = each._replace(split=VALIDATION, aliases=(f"test_{each.core}",))
        changed.append(each)
    return changed


def _named(
    facts: Sequence[_Facts], seen: Sequence[Seen]
) -> tuple[list[Identity], list[tuple[str, str, tuple[str, ...]]]]:
    """Return the identities: cores first, then shorter forms where they are free; whoever clashes keeps the tag."""
    claims = _Claims()
    chosen: list[str] = [""] * len(facts)
    rates = Counter(each.run for each in facts if is_about_learning_rate(each.literal))
    facts = [each._replace(short="") if each.short == LEARNING_RATE and rates[each.run] > 1 else each for each in facts]
    plain = [i for i, each in enumerate(facts) if not each.short]
    shortened = [i for i, each in enumerate(facts) if each.short]
    claims.grant(facts, plain, chosen, lambda each: each.core)
    claims.grant(facts, shortened, chosen, lambda each: each.short, is_quiet=True)
    claims.grant(facts, [i for i in shortened if not chosen[i]], chosen, lambda each: each.core)
    literal = _literals(facts, seen, chosen)
    identities = [
        Identity(
            each.run,
            (chosen[i] and f"{PREFIXES[each.split]}{chosen[i]}{claims.suffix(each, chosen[i])}") or literal[i],
            chosen[i] or literal[i],
            each.split,
            each.unit,
            tuple(f"test_{chosen[i] or each.core}" for _ in each.aliases),
        )
        for i, each in enumerate(facts)
    ]
    return identities, claims.clashes


def _literals(facts: Sequence[_Facts], seen: Sequence[Seen], chosen: Sequence[str]) -> dict[int, str]:
    """Return the full names of those that have no shorter one: the tag, with its directory where two have it."""
    left = [i for i, name in enumerate(chosen) if not name]
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for i in left:
        counts[facts[i].run, facts[i].literal] += 1
    names = {}
    for i in left:
        run, tag = facts[i].run, facts[i].literal
        below = seen[i].run.removeprefix(run).lstrip("/") if run != HERE else seen[i].run
        needs_directory = counts[run, tag] > 1 and below not in ("", HERE)
        names[i] = f"{below}/{tag}" if needs_directory else tag
    return names


class _Claims:
    """Who has which name."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str, bool]] = set()
        self.clashes: list[tuple[str, str, tuple[str, ...]]] = []

    def grant(
        self,
        facts: Sequence[_Facts],
        indices: Iterable[int],
        chosen: list[str],
        form: Callable[[_Facts], str],
        *,
        is_quiet: bool = False,
    ) -> None:
        """Give each series its name in this form, unless somebody has it or two want it."""
        wanting: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
        for i in indices:
            wanting[self._key(facts[i], form(facts[i]))].append(i)
        for key, claimants in wanting.items():
            own = [i for i in claimants if not facts[i].gives_way] or claimants
            curves = [i for i in own if facts[i].is_curve]  # a value at the end, as a trainer's `train_loss`, is none
            own = curves if len(curves) == 1 else own
            if key in self._taken or len(own) > 1:
                if not is_quiet:
                    name = PREFIXES[facts[own[0]].split] + form(facts[own[0]])
                    self.clashes.append((facts[own[0]].run, name, tuple(facts[i].literal for i in claimants)))
                if len(own) > 1:
                    continue
            if key not in self._taken:
                self._taken.add(key)
                chosen[own[0]] = form(facts[own[0]])

    def suffix(self, each: _Facts, name: str) -> str:
        """Return what tells a series per step from that per epoch of the same name."""
        run, key, _ = self._key(each, name)
        return AT_STEP if each.unit != EPOCH and (run, key, True) in self._taken else ""

    @staticmethod
    def _key(each: _Facts, name: str) -> tuple[str, str, bool]:
        return each.run, f"{PREFIXES[each.split]}{name}".lower(), each.unit == EPOCH


def split_of(name: str) -> str:
    """Return the split that stands in front of a canonical name: ``val_loss`` is of validation; ``""`` for none."""
    return next((split for split, prefix in PREFIXES.items() if prefix and name.startswith(prefix)), "")


def without_split(name: str) -> str:
    """Return a canonical name without the split in front."""
    return name.removeprefix(PREFIXES[split_of(name)])


def is_of_validation(name: str) -> bool:
    """Say whether a canonical name is of the validation split."""
    return split_of(name) == VALIDATION


def resolve(word: str, names: Iterable[str], aliases: Mapping[str, str]) -> str | None:
    """Return the name that a word means, where it means just one.

    In this order: a name as it is, an alias, either in another case, ``train_X`` for ``X`` and
    ``eval_X`` for ``val_X``, what the field calls the
    same (``val_accuracy`` for ``val_acc``, ``lr`` for ``learning_rate``), and the end of a path.

    Args:
        word: What was typed.
        names: Canonical names.
        aliases: ``{alias or literal tag: canonical name}``.
    """
    known = {**aliases, **{name: name for name in names}}
    if word in known:
        return known[word]
    alike: dict[str, set[str]] = defaultdict(set)
    for key, name in known.items():
        alike[key.lower()].add(name)
    for spelling in _spellings(word.lower()):
        if len(alike.get(spelling, ())) == 1:
            return next(iter(alike[spelling]))
    end = f"/{word.lower()}"
    ending = {name for key, name in known.items() if key.lower().endswith(end)}
    return ending.pop() if len(ending) == 1 else None


_ALSO = {"accuracy": "acc", "acc": "accuracy", "lr": "learning_rate"}


def _spellings(word: str) -> Iterable[str]:
    yield word
    first, _, rest = word.partition("_")
    if rest and first in SPLITS:
        word = PREFIXES[SPLITS[first].split] + rest
        yield word
    prefix = next((prefix for prefix in PREFIXES.values() if prefix and word.startswith(prefix)), "")
    other = _ALSO.get(word.removeprefix(prefix))
    if other:
        yield prefix + other


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return what sorts names as people count: ``version_2`` before ``version_10``."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part)
