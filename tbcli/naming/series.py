"""What series are called: the run, the metric, the split and the unit that a directory and a tag stand for.

Every command asks here, for runs of ours and of anybody, so that ``val_loss`` is one thing everywhere.

**Evidence beats names.** A tag that names its split decides first. Directories are splits of one run only where the
group holds one training split, their tags do not say otherwise, and nothing beside them has the same metrics:
``train``, ``train2`` and ``train3`` are three runs, and so are ``test`` and ``dev``.

**A name** is the metric with its split in front: ``loss``, ``val_loss``, ``test_accuracy``. Where a metric is there per
epoch and per step, the name alone is the one per epoch, and ``loss@step`` the other. Two series of a run that would
share a name keep their whole tags.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tbcli.naming.direction import is_measure
from tbcli.naming.words import (
    GROUPS,
    SPLITS,
    UNITS,
    SplitWord,
    Word,
    is_about_learning_rate,
    is_effort,
    learning_rate_of,
    plain_spelling,
    split_of_words,
    words_of,
)

TRAIN, VALIDATION, TEST = "train", "validation", "test"
EPOCH, STEP = "epoch", "step"
PREFIXES = {TRAIN: "", "": "", VALIDATION: "val_", TEST: "test_"}
OURS = {"train": (TRAIN,), "validation": (VALIDATION,)}  # the directories that a training of ours writes
AT_STEP = "@step"
LEARNING_RATE = "learning_rate"
HERE = "."
_TIME = re.compile(r"\d{9,10}(\.\d+)?")  # seconds since 1970: how `add_hparams` names its directory


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


class TagParts(NamedTuple):
    """What a tag says by itself.

    Args:
        split: The split it names, or ``""``.
        unit: The unit it names, or ``""``.
        core: What is left of it.
        short: A shorter form that it may take where nobody else has that, or ``""``.
        is_doubled: It names its split twice, as `train/train_loss`: it gives way to who does so once.
    """

    split: str
    unit: str
    core: str
    short: str = ""
    is_doubled: bool = False


def identify(seen: Sequence[Seen], described: Collection[str] = (), *, is_ours: bool = False) -> Named:
    """Return what each series is.

    Args:
        seen: All series of one log directory.
        described: Directories that hold hyperparameters.
        is_ours: The log directory is one run of ours, whose directories of this name are splits for sure.
    """
    ours = {each.run: _Place(HERE, *OURS[each.run]) for each in seen if is_ours and each.run in OURS}
    places = {**_places([each for each in seen if each.run not in ours], described), **ours}
    facts = [_facts(each, places[each.run]) for each in seen]
    facts = _with_test_as_validation(_with_units_told_apart(facts), seen)
    identities, clashes = _named(facts, seen)
    return Named(tuple(identities), {run: place.run for run, place in places.items()}, tuple(clashes))


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
    is_inner = inner and not is_doubled and rest[-1].endswith(shorter[-1])
    if inner and (not split or is_doubled or is_inner):  # `train/valid_loss` is of validation, `val/IoU.train` too
        rest, split = [*rest[:-1], *shorter] if split else shorter, inner
    rest, unit = (rest, unit) if unit else _without_unit(rest)
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
        elif not unit and word in UNITS and _is_unit_of(others, is_last=place + 1 == len(elements)):
            unit = UNITS[word]
        else:
            rest.append(element)
    return split, unit, rest


def _is_split_among(split: SplitWord, others: list[str], *, is_last: bool) -> bool:
    """Say whether an element that is called as a split is one: in `valid/x` and `loss/dev`, not in `timer/learn`."""
    return any(is_measure(other) for other in others) if split.is_word_too and is_last else bool(others)


def _is_unit_of(others: list[str], *, is_last: bool) -> bool:
    """Say whether an element that is called as a unit counts the others: of `loss/epoch`, not of `train/epoch`."""
    if is_last:
        return any(is_measure(other) for other in others)
    return any(other.strip().lower() not in SPLITS for other in others)


def _without_unit(elements: list[str]) -> tuple[list[str], str]:
    for place in _from_the_end(elements):
        shorter, unit = _cut_unit(elements[place], is_last=place + 1 == len(elements))
        if unit:
            return [*elements[:place], shorter, *elements[place + 1 :]], unit
    return elements, ""


def _without_split(elements: list[str]) -> tuple[list[str], str]:
    """Return the elements without the first or last word of one that names a split, and the split."""
    for place in _from_the_end(elements):
        shorter, split = _cut_split(elements[place], is_last=place + 1 == len(elements))
        if split:
            return [*elements[:place], shorter, *elements[place + 1 :]], split
    return elements, ""


def _from_the_end(elements: Sequence[str]) -> Iterable[int]:
    return range(len(elements) - 1, -1, -1)


def _cut_unit(element: str, *, is_last: bool) -> tuple[str, str]:
    words = words_of(element)
    if len(words) < 2:
        return element, ""
    if len(words) > 2 and words[-2].text in ("vs", "per", "by") and words[-1].text in UNITS:
        rest = _before(element, words[-2])
        return (rest, UNITS[words[-1].text]) if not is_effort(rest) else (element, "")
    first, last = words[0].text, words[-1].text
    if first in UNITS:
        rest = _behind(element, words[0])
        # `epoch_` is what Keras puts in front of everything; the others are words in their own right.
        is_of_steps = is_measure(rest) and not _ACHIEVED.intersection(word.text for word in words)
        is_group = not is_last and rest.lower() in GROUPS
        if not is_effort(rest) and (first == EPOCH or is_of_steps or is_group):
            return rest, UNITS[first]
    if last in UNITS:
        rest = _before(element, words[-1])
        if not is_effort(words[-2].text) and not (is_last and rest.lower() in SPLITS):
            return rest, UNITS[last]
    return element, ""


_ACHIEVED = frozenset("reward rewards rew return returns".split())  # noqa: SIM905 - of a step or a batch, not per step


def _cut_split(element: str, *, is_last: bool) -> tuple[str, str]:
    """Return an element without the split that is its first or last word, and that split."""
    words = words_of(element)
    for chosen in _ends(words):
        split = split_of_words(chosen)
        if split is None:
            continue
        rest = _tidied(element[: chosen[0].start]) + element[chosen[-1].end :]
        rest = _behind(element, chosen[-1]) if chosen[0] is words[0] else rest
        if rest and not rest[0].isdigit() and _is_split_of(split, rest, is_last=is_last):
            return rest, split.split
    return element, ""


def _ends(words: Sequence[Word]) -> Iterable[Sequence[Word]]:
    """Yield the words that may name a split: the first and the last two and one; the last before `vs samples`."""
    body = words[:-2] if len(words) > 3 and words[-2].text == "vs" else words
    for count in (2, 1):  # `train_inner` is one
        if len(body) > count:
            yield body[:count]
            yield body[-count:]


def _is_split_of(split: SplitWord, rest: str, *, is_last: bool) -> bool:
    """Say whether a word in front of or behind others is a split: in `val_loss`, not in `train_time` or `std_dev`.

    A title that names both, as `Training vs. Validation Loss`, names none.
    """
    others = (split_of_words([word]) for word in words_of(rest))
    if any(other is not None and other.split != split.split for other in others):
        return False
    return is_measure(rest, with_direction=True) if split.is_word_too else not (is_last and is_effort(rest))


def _behind(element: str, word: Word) -> str:
    return _tidied(element[word.end :])


def _before(element: str, word: Word) -> str:
    return _tidied(element[: word.start])


def _tidied(text: str) -> str:
    """Return text without the separators at its ends, and without a bracket that lost its other half."""
    text = text.strip(" _-.:")
    for opening, closing in ("()", "[]", "{}", "<>"):
        if text.count(opening) != text.count(closing):
            text = text.strip(f"{opening}{closing} _-.:")
    return text


def _shortened(elements: Sequence[str]) -> str:
    """Return the elements without a group in front that adds nothing, and a learning rate under its usual name."""
    rest = list(elements)
    while len(rest) > 1 and rest[0].strip().lower() in GROUPS and _stands_alone(rest[0], rest[1:]):
        rest = rest[1:]
    return learning_rate_of(rest[-1]) or _spelt(rest)


def _stands_alone(group: str, rest: Sequence[str]) -> bool:
    """Say whether a name needs its group: `cls` in `loss/cls` does, `total_loss` in `Loss/total_loss` does not."""
    return not is_measure(group, with_direction=True) or any(is_measure(element) for element in rest)


class _Place(NamedTuple):
    """What a directory is: of which run, which split and unit; the key of an `add_scalars` directory, or its metric."""

    run: str
    split: str = ""
    unit: str = ""
    key: str = ""
    core: str = ""
    is_described: bool = False
    is_of_add_scalars: bool = False


def _places(seen: Sequence[Seen], described: Collection[str]) -> dict[str, _Place]:
    """Return what each directory is."""
    tags: dict[str, set[str]] = defaultdict(set)
    for each in seen:
        tags[each.run].add(each.tag)
    places: dict[str, _Place] = {}
    for run in tags:
        scalars = _of_add_scalars(run, tags[run])
        if scalars:
            places[run] = scalars
    rest = {run: names for run, names in tags.items() if run not in places}
    for run in [*described, *rest]:
        parent = _parent_of_time_named(run, rest, described) if run not in places else None
        if parent is not None:
            places[run] = _Place(parent, is_described=True)
    rest = {run: names for run, names in rest.items() if run not in places}
    places.update(_split_places(rest))
    for run in (*tags, *described):
        places.setdefault(run, _Place(run))
    # What belongs to a parent that is a split itself belongs to the run of that split.
    return {run: _led_home(place, places) if run != place.run else place for run, place in places.items()}


def _led_home(place: _Place, places: Mapping[str, _Place]) -> _Place:
    parent = places.get(place.run)
    return place._replace(run=parent.run) if parent is not None and (place.key or place.is_described) else place


def _of_add_scalars(run: str, tags: Collection[str]) -> _Place | None:
    """Return the place of a directory that `add_scalars` made for one key: `<tag>_<key>`, or `<tag>/<key>`."""
    if len(tags) != 1 or run == HERE:
        return None
    (tag,) = tags
    parent, _, last = run.rpartition("/")
    flat = _as_in_tag(tag).replace("/", "_") + "_"  # torch
    if len(last) > len(flat) and _as_in_tag(last).startswith(flat):
        return _add_scalars_place(parent, last[len(flat) :], tag)
    if f"/{_as_in_tag(parent)}".endswith(f"/{_as_in_tag(tag)}"):  # tensorboardX
        return _add_scalars_place(parent[: -len(tag)].rstrip("/"), last, tag)
    return None


def _as_in_tag(path: str) -> str:
    """Return a directory as the writers spell it in tags: what is no letter, digit or one of ``-._/`` is a ``_``."""
    return re.sub(r"[^-/\w.]", "_", path)


def _add_scalars_place(parent: str, key: str, tag: str) -> _Place:
    """Return the place of a key, which may name a split alone, or again with the metric: `trn_loss` in `data/loss`."""
    whole, said = SPLITS.get(key.strip().lower()), read_tag(key)
    if whole is None and said.split and tag.lower().endswith(said.core.lower()):
        return _Place(parent or HERE, said.split, core=said.core, is_of_add_scalars=True)
    split, left = (whole.split, "") if whole else ("", key)
    return _Place(parent or HERE, split, key=left, is_of_add_scalars=True)


def _parent_of_time_named(run: str, tags: Mapping[str, set[str]], described: Collection[str]) -> str | None:
    """Return the run whose hyperparameters a directory holds that is named by a time; None where it is a run itself."""
    parent, _, last = run.rpartition("/")
    parent = parent or HERE
    if run not in described or not _TIME.fullmatch(last):
        return None
    if parent in tags or any(other.startswith(f"{parent}/") and other not in described for other in tags):
        return parent
    prefix = "" if parent == HERE else f"{parent}/"
    siblings = [
        each
        for each in described
        if each.startswith(prefix) and "/" not in each[len(prefix) :] and _TIME.fullmatch(each[len(prefix) :])
    ]
    return parent if len(siblings) == 1 and parent != HERE else None  # several alone are trials of their own


class _Member(NamedTuple):
    run: str
    split: str
    unit: str
    is_whole: bool


def _split_places(tags: Mapping[str, set[str]]) -> dict[str, _Place]:
    """Return the places of the directories that are splits of a run."""
    groups: dict[tuple[str, ...], list[_Member]] = defaultdict(list)
    for run in tags:
        found = _split_in_path(run)
        if found:
            key, member = found
            groups[key].append(member)
    cores = {run: frozenset(read_tag(tag).core.lower() for tag in names) for run, names in tags.items()}
    places: dict[str, _Place] = {}
    for key, members in groups.items():
        run = "/".join(part for part in key if part) or HERE
        if _is_group(run, members, tags, cores, groups):
            # Beside a series of the steps within the epoch, as fairseq's `train_inner`, the others are per epoch.
            unit = EPOCH if len({member.unit for member in members if member.split == TRAIN}) > 1 else ""
            places.update((member.run, _Place(run, member.split, member.unit or unit)) for member in members)
            if run in tags:
                places[run] = _Place(run, TRAIN)
    return places


def _split_in_path(run: str) -> tuple[tuple[str, ...], _Member] | None:
    """Return the path without the last element, or word of one, that names a split, and what it names."""
    parts = run.split("/")
    for place in _from_the_end(parts):
        part = parts[place]
        whole = SPLITS.get(part.lower())
        if whole:
            return (*parts[:place], "", *parts[place + 1 :]), _Member(run, whole.split, whole.unit, is_whole=True)
        words = words_of(part, by_capitals=False)
        for chosen, is_first in ((words[:1], True), (words[-1:], False)):
            split = split_of_words(chosen) if len(words) > 1 else None
            if split:
                base = _behind(part, chosen[0]) if is_first else _before(part, chosen[0])
                member = _Member(run, split.split, split.unit, is_whole=False)
                return (*parts[:place], base, *parts[place + 1 :]), member
    return None


def _is_group(
    run: str,
    members: Sequence[_Member],
    tags: Mapping[str, set[str]],
    cores: Mapping[str, frozenset[str]],
    groups: Mapping[tuple[str, ...], list[_Member]],
) -> bool:
    """Say whether directories that are called as splits are those of one run."""
    if any(_is_contradicted(member, tags[member.run]) for member in members):
        return False
    training = [member for member in members if member.split == TRAIN]
    held_out = [member for member in members if member.split != TRAIN]
    is_whole = all(member.is_whole for member in members)
    if len({(member.split, member.unit) for member in members}) < len(members) and len(training) != 1:
        return False
    if run in tags:  # the run's own directory, with its evaluation below
        shares = any(cores[run] & cores[member.run] for member in held_out)
        if training or not is_whole or not shares:
            return (
                bool(training)
                and is_whole
                and not any(cores[run] & cores[m.run] for m in members)
                and (len(training) == 1)
            )
        return not any(read_tag(tag).split for tag in tags[run])
    if not training:
        return is_whole and len(members) == 1 and _is_of_keras(tags[members[0].run])
    if not held_out:
        return is_whole and len(training) == 1 and _is_of_keras(tags[training[0].run])
    if len(training) > 1 and len({member.unit for member in training}) < len(training):
        return False
    if not is_whole:
        return any(cores[member.run] & cores[training[0].run] for member in held_out)
    return not _has_like_siblings(run, members, cores, groups)


def _is_contradicted(member: _Member, tags: Collection[str]) -> bool:
    """Say whether tags in a directory name another split than the directory does."""
    return any(read_tag(tag).split not in ("", member.split) for tag in tags)


def _is_of_keras(tags: Collection[str]) -> bool:
    return any(tag.startswith(("epoch_", "batch_", "evaluation_")) for tag in tags)


def _has_like_siblings(
    run: str,
    members: Sequence[_Member],
    cores: Mapping[str, frozenset[str]],
    groups: Mapping[tuple[str, ...], list[_Member]],
) -> bool:
    """Say whether another directory beside the splits has the metrics of the training split."""
    prefix = "" if run == HERE else f"{run}/"
    own = {member.run for member in members}
    trained = frozenset[str]().union(*(cores[member.run] for member in members if member.split == TRAIN))
    in_pairs = {member.run for others in groups.values() if len(others) > 1 for member in others}
    return any(
        other.startswith(prefix)
        and "/" not in other[len(prefix) :]
        and other not in own
        and other != HERE
        and other not in in_pairs
        and trained & cores[other]
        for other in cores
    )


class _Facts(NamedTuple):
    run: str
    split: str
    unit: str
    core: str
    short: str
    literal: str
    gives_way: bool = False  # to a series of the run itself, or one that says its split once
    is_of_add_scalars: bool = False
    aliases: tuple[str, ...] = ()


def _facts(seen: Seen, place: _Place) -> _Facts:
    tag = read_tag(seen.tag)
    split, core, short = tag.split or place.split, tag.core, tag.short
    if place.key:
        core, short = f"{seen.tag}/{place.key}", ""
    elif place.core:
        core, short = place.core, ""
    elif place.split and tag.split and place.split != tag.split:  # a title that is the key's only by chance
        split, core, short = place.split, seen.tag, ""
    gives_way = place.is_described or tag.is_doubled
    return _Facts(place.run, split, tag.unit or place.unit, core, short, seen.tag, gives_way, place.is_of_add_scalars)


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

    def grant(self, facts, indices, chosen, form, *, is_quiet: bool = False) -> None:  # type: ignore[no-untyped-def]
        """Give each series its name in this form, unless somebody has it or two want it."""
        wanting: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
        for i in indices:
            wanting[self._key(facts[i], form(facts[i]))].append(i)
        for key, claimants in wanting.items():
            own = [i for i in claimants if not facts[i].gives_way] or claimants
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


def resolve(word: str, names: Iterable[str], aliases: Mapping[str, str]) -> str | None:
    """Return the name that a word means, where it means just one.

    In this order: a name as it is, an alias, either in another case, ``train_X`` for ``X``, what the field calls the
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
    if word.startswith("train_"):
        yield word.removeprefix("train_")
    prefix = next((prefix for prefix in PREFIXES.values() if prefix and word.startswith(prefix)), "")
    other = _ALSO.get(word.removeprefix(prefix))
    if other:
        yield prefix + other


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return what sorts names as people count: ``version_2`` before ``version_10``."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part)
