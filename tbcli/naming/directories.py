"""What a directory of event files is: a run, a split of one, the key of `add_scalars`, or a run's hyperparameters.

Evidence beats names. Directories are splits of one run only where the group holds one training split, their tags do
not say otherwise, and nothing beside them has the same metrics: ``train``, ``train2`` and ``train3`` are three runs,
and so are ``test`` and ``dev``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from tbcli.naming.tag_parts import from_the_end, read_tag
from tbcli.naming.words import EPOCH, SPLITS, TRAIN, VALIDATION, before, behind, split_of_words, words_of

HERE = "."  # the log directory itself
_TIME = re.compile(r"\d{9,10}(\.\d+)?")  # seconds since 1970: how `add_hparams` names its directory
_OURS = {"train": TRAIN, "validation": VALIDATION}  # the directories that a training of ours writes


class Place(NamedTuple):
    """What a directory is.

    Args:
        run: The run it belongs to.
        split: The split it holds, or ``""``.
        unit: What the steps of its series count, or ``""``.
        key: That of an `add_scalars` directory, where it is no split.
        core: The metric of an `add_scalars` directory whose key repeats it.
        is_described: It holds the hyperparameters of the run and repeats some of its metrics.
        is_of_add_scalars: `add_scalars` made it.
    """

    run: str
    split: str = ""
    unit: str = ""
    key: str = ""
    core: str = ""
    is_described: bool = False
    is_of_add_scalars: bool = False


def places_of(
    series: Iterable[tuple[str, str, int]], described: Collection[str], *, is_ours: bool = False, here: str = ""
) -> dict[str, Place]:
    """Return what each directory is.

    Args:
        series: Directory, tag and number of points of each series, directories relative to the log directory.
        described: Directories that hold hyperparameters.
        is_ours: The log directory is one run of ours, whose directories of these names are splits for sure.
        here: The split that the log directory itself is.
    """
    tags: dict[str, set[str]] = defaultdict(set)
    curves: set[str] = set()
    for run, tag, points in series:
        tags[run].add(tag)
        if points > 1:
            curves.add(run)
    places = {run: Place(HERE, _OURS[run]) for run in tags if is_ours and run in _OURS}
    if here and HERE in tags:
        places[HERE] = Place(HERE, here)
    for run in set(tags) - set(places):
        scalars = _of_add_scalars(run, tags[run])
        if scalars:
            places[run] = scalars
    rest = {run: names for run, names in tags.items() if run not in places}
    for run in [*described, *rest]:
        parent = _parent_of_described(run, rest, described, curves) if run not in places else None
        if parent is not None:
            places[run] = Place(parent, is_described=True)
    rest = {run: names for run, names in rest.items() if run not in places}
    places.update(_split_places(rest))
    for run in (*tags, *described):
        places.setdefault(run, Place(run))
    # What belongs to a parent that is a split itself belongs to the run of that split.
    return {run: _led_home(place, places) if run != place.run else place for run, place in places.items()}


def _led_home(place: Place, places: Mapping[str, Place]) -> Place:
    parent = places.get(place.run)
    return place._replace(run=parent.run) if parent is not None and (place.key or place.is_described) else place


def _of_add_scalars(run: str, tags: Collection[str]) -> Place | None:
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


def _add_scalars_place(parent: str, key: str, tag: str) -> Place:
    """Return the place of a key, which may name a split alone, or again with the metric: `trn_loss` in `data/loss`."""
    whole, said = SPLITS.get(key.strip().lower()), read_tag(key)
    if whole is None and said.split and tag.lower().endswith(said.core.lower()):
        return Place(parent or HERE, said.split, core=said.core, is_of_add_scalars=True)
    split, left = (whole.split, "") if whole else ("", key)
    return Place(parent or HERE, split, key=left, is_of_add_scalars=True)


def _parent_of_described(
    run: str, tags: Mapping[str, set[str]], described: Collection[str], curves: Collection[str]
) -> str | None:
    """Return the run whose hyperparameters a directory below holds; None where the directory is a run itself.

    It is named by a time, as `add_hparams` does, or has single values alone beside a run with curves.
    """
    parent, _, last = run.rpartition("/")
    parent = parent or HERE
    if run not in described or run == HERE:
        return None
    if not _TIME.fullmatch(last):
        return parent if run not in curves and parent in curves else None
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


def _split_places(tags: Mapping[str, set[str]]) -> dict[str, Place]:
    """Return the places of the directories that are splits of a run."""
    groups: dict[tuple[str, ...], list[_Member]] = defaultdict(list)
    for run in tags:
        found = _split_in_path(run)
        if found:
            key, member = found
            groups[key].append(member)
    cores = {run: frozenset(read_tag(tag).core.lower() for tag in names) for run, names in tags.items()}
    places: dict[str, Place] = {}
    for key, members in groups.items():
        run = "/".join(part for part in key if part) or HERE
        if _is_group(run, members, tags, cores, groups):
            # Beside a series of the steps within the epoch, as fairseq's `train_inner`, the others are per epoch.
            unit = EPOCH if len({member.unit for member in members if member.split == TRAIN}) > 1 else ""
            places.update((member.run, Place(run, member.split, member.unit or unit)) for member in members)
            if run in tags:
                places[run] = Place(run, TRAIN)
    return places


def _split_in_path(run: str) -> tuple[tuple[str, ...], _Member] | None:
    """Return the path without the last element, or word of one, that names a split, and what it names."""
    parts = run.split("/")
    for place in from_the_end(parts):
        part = parts[place]
        whole = SPLITS.get(part.lower())
        if whole:
            return (*parts[:place], "", *parts[place + 1 :]), _Member(run, whole.split, whole.unit, is_whole=True)
        words = words_of(part, by_capitals=False)
        evaluated = _of_estimator([word.text for word in words])
        if evaluated:
            return (*parts[:place], "", *parts[place + 1 :]), _Member(run, evaluated, "", is_whole=True)
        for chosen, is_first in ((words[:1], True), (words[-1:], False)):
            split = split_of_words(chosen) if len(words) > 1 else None
            if split:
                base = behind(part, chosen[0]) if is_first else before(part, chosen[0])
                member = _Member(run, split.split, split.unit, is_whole=False)
                return (*parts[:place], base, *parts[place + 1 :]), member
    return None


def _of_estimator(words: Sequence[str]) -> str:
    """Return the split of a directory that an estimator calls `eval_` and a name or a number, else ``""``."""
    if len(words) != 2 or words[0] != "eval":
        return ""
    named = SPLITS[words[1]].split if words[1] in SPLITS else VALIDATION if words[1].isdecimal() else ""
    return named if named != TRAIN else ""


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
    if run in tags and is_whole and not training:  # the run's own directory, with its evaluation below
        says_splits = any(read_tag(tag).split for tag in tags[run])
        return not says_splits and any(cores[run] & cores[member.run] for member in held_out)
    if run in tags and (not is_whole or any(cores[run] & cores[member.run] for member in members)):
        return False
    if len({member.unit for member in training}) < len(training):  # two trainings
        return False
    if not training or not held_out:  # alone: Keras' own tags tell
        return is_whole and len(members) == 1 and _is_of_keras(tags[members[0].run])
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
