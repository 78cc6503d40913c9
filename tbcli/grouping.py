"""Runs as groups: by a setting or a fact, or as repetitions that differ only in their seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tbcli.errors import NotFound
from tbcli.naming.group_labels import ALL_SEEDS, group_label, text_of
from tbcli.naming.matching import listed, nearest
from tbcli.naming.twins import twins_of
from tbcli.runs.summary import ARGUMENTS, TRIAL_OF, Summary

SEED = "seed"
_LISTS = ("model.args", "data.args")  # whose arguments stand one by one among those of a run, too
# Settings that say what is kept or shown of a training do not change its result.
_BESIDE_TRAINING = (
    "paths.", "plot.", "serve.", "record.", "direction.", "clean.", "sweep.", "train.name", "train.note",
    "train.replaces", "train.save_formats",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """One column: a run, or a group of runs.

    Args:
        label: What a person calls it.
        members: The runs, at least one.
    """

    label: str
    members: tuple[Summary, ...]


class Groups(NamedTuple):
    """Runs in groups, as far as they have finished: what a run reached before it was stopped is no result of it.

    Args:
        sides: The groups, at least one.
        left_out: The runs that have not finished.
        notes: A sentence on these.
    """

    sides: Sequence[Side]
    left_out: tuple[Summary, ...] = ()
    notes: tuple[str, ...] = ()


def group_finished(summaries: Sequence[Summary], key: str) -> Groups:
    """Return the runs that have finished, in groups; of groups by status all runs.

    Args:
        summaries: The runs.
        key: See `group_runs`.

    Raises:
        NotFound: No run has such a setting or fact, or none has finished.
    """
    everything = group_runs(summaries, key)
    left_out = () if key == "status" else tuple(summary for summary in summaries if summary.unfinished)
    if not left_out:
        return Groups(everything)
    finished = [summary for summary in summaries if not summary.unfinished]
    if not finished:
        raise NotFound(
            f"no run to group has finished: {_by_status(left_out)}",
            hint="without --group-by runs are shown one by one, with their status",
        )
    sides = group_runs(finished, key)
    empty = [side.label for side in everything if all(member.unfinished for member in side.members)]
    gone = f"; none of {listed(empty)} has finished" if empty else ""
    return Groups(sides, left_out, (note_on_left_out(left_out) + gone,))


def note_on_left_out(summaries: Sequence[Summary]) -> str:
    """Return a sentence on runs that are in no group, ``""`` for none."""
    return f"left out of the groups, as they have not finished: {_by_status(summaries)}" if summaries else ""


def _by_status(summaries: Sequence[Summary]) -> str:
    """Return how many runs have which status, and which: ``2 pruned (a, b), 1 failed (c)``."""
    found: dict[str, list[str]] = {}
    for summary in summaries:
        found.setdefault(summary.unfinished, []).append(summary.label)
    return ", ".join(f"{len(labels)} {status} ({listed(labels)})" for status, labels in found.items())


def group_runs(summaries: Sequence[Summary], key: str) -> list[Side]:
    """Return the runs as groups, in the order of their first members.

    ``seed`` groups runs that differ only in their seed, as far as settings influence the training; a run without a seed
    in its settings is a group of its own. Any other key groups by value.

    Args:
        summaries: The runs.
        key: Of a setting or a fact, as `train.learning_rate`, `learning_rate`, `model`.

    Raises:
        NotFound: No run has such a setting or fact.
    """
    if all(summary.fact_or_setting(key) is None and summary.value(key) is None for summary in summaries):
        if is_seed(key):
            raise NotFound(f"no run has a setting {key!r}", hint="`--group-by model`, say, groups by another setting")
        known = dict.fromkeys(name for summary in summaries for name in summary.names())
        guess = nearest(key, known)
        raise NotFound(
            f"no run has a setting {key!r}",
            hint=f"did you mean {guess!r}?" if guess else "e.g. `seed` or `model`; `tbcli runs RUN` shows the settings",
        )
    groups: dict[Any, list[Summary]] = {}
    for summary in summaries:
        groups.setdefault(_group_of(summary, key), []).append(summary)
    return list(_labelled(groups, key))


def is_seed(key: str) -> bool:
    """Say whether a key is that of the seed, in whatever section."""
    return key.rpartition(".")[2] == SEED


def _group_of(summary: Summary, key: str) -> Any:
    if not is_seed(key):
        known = summary.fact_or_setting(key)  # a learning rate that was set, not the last of its course
        return summary.value(key) if known is None else known
    if summary.fact_or_setting(key) is None:
        return (("", summary.label),)  # nothing tells what it differs in
    settings = {"data": summary.data, **summary.settings}
    return tuple(
        (name, text_of(value)) for name, value in settings.items() if not is_key(name, key) and not is_beside(name)
    )


def _labelled(groups: Mapping[Any, Sequence[Summary]], key: str) -> Iterator[Side]:
    if not is_seed(key):
        for value, members in groups.items():
            yield Side(f"{key}={'-' if value is None else text_of(value)}", tuple(members))
        return
    if labels := _labels_of_trials(list(groups.values())):
        yield from (Side(label, tuple(members)) for label, members in zip(labels, groups.values(), strict=True))
        return
    known = [set(settings) for settings in groups if not settings or settings[0][0]]
    everywhere = set.intersection(*known) if known else set()
    rows = [{name: value for name, value in settings if (name, value) not in everywhere} for settings in groups]
    twins = twins_of(rows, list(dict.fromkeys(name for row in rows for name in row)))
    for settings, members in groups.items():
        own = [
            f"{name.rpartition('.')[2]}={value or repr(value)}" if name else value
            for name, value in settings
            if (name, value) not in everywhere
            and name not in twins
            and not (name in _LISTS and _has_arguments(settings))
        ]
        yield Side(", ".join(own) or ALL_SEEDS, tuple(members))


def _labels_of_trials(groups: Sequence[Sequence[Summary]]) -> list[str]:
    """Return what a sweep calls its groups, as TensorBoard shows them; nothing for other runs."""
    said = [[summary.read_fact(TRIAL_OF) or {} for summary in members] for members in groups]
    names = {each.get("name") for members in said for each in members}
    labels = [{group_label(each.get("params") or {}) for each in members} for members in said]
    is_of_one = len(names) == 1 and None not in names and all(len(own) == 1 for own in labels)
    found = [label for own in labels for label in own]
    return found if is_of_one and len(set(found)) == len(groups) else []


def _has_arguments(settings: Sequence[tuple[str, str]]) -> bool:
    return any(name.startswith(f"{ARGUMENTS}.") for name, _ in settings)


def independent_runs(members: Sequence[Summary]) -> list[list[Summary]]:
    """Return runs in groups, each as good as one independent run.

    Of one configuration each seed is one. Where runs differ in more than their seed, those of one configuration have
    more in common than with others: then each configuration is one.
    """
    configured = _gathered(members, with_seed=False)
    return configured if len(configured) > 1 else _gathered(members, with_seed=True)


def configurations_of(members: Sequence[Summary]) -> int:
    """Return in how many groups the runs are that differ only in their seed."""
    return len(_gathered(members, with_seed=False))


def repeats_of_a_seed(members: Sequence[Summary]) -> int:
    """Return how many runs repeat another one: alike in every setting that has a part in the training, the seed too."""
    return len(members) - len(_gathered(members, with_seed=True))


def _gathered(members: Sequence[Summary], *, with_seed: bool) -> list[list[Summary]]:
    """Return runs together that are alike in all settings; those that tell no seed are taken to have different ones."""
    found: dict[Any, list[Summary]] = {}
    for summary in members:
        unknown = with_seed and summary.value(SEED) is None
        settings = [("", summary.id)] if unknown else sorted(summary.settings.items())
        found.setdefault(
            tuple(
                (name, text_of(value))
                for name, value in settings
                if not is_beside(name) and (with_seed or not is_seed(name))
            ),
            [],
        ).append(summary)
    return list(found.values())


def notes_on_groups(sides: Sequence[Side], key: str) -> list[str]:
    """Return what a reader of means has to know of the groups: none grouped, runs left without, repeats of a seed."""
    members = [member for side in sides for member in side.members]
    notes = []
    if len(members) > 1 and len(sides) == len(members):
        why = "no two runs differ only in their seed" if is_seed(key) else f"no two runs share a {key}"
        notes.append(f"--group-by {key} grouped nothing: {why}")
    without = [member for member in members if member.value(key) is None]
    if without:
        notes.append(f"{len(without)} of {len(members)} runs {'has' if len(without) == 1 else 'have'} no {key!r}")
    for side in sides:
        repeats = repeats_of_a_seed(side.members)
        if repeats:
            notes.append(
                f"{side.label}: {repeats} of {len(side.members)} runs repeat{'s' if repeats == 1 else ''} another one "
                "with the same seed; repeats are not independent samples"
            )
    return notes


def is_key(key: str, wanted: str) -> bool:
    """Say whether a setting is meant, by its whole key or the last part of it."""
    return wanted in (key, key.rpartition(".")[2])


def is_beside(key: str) -> bool:
    """Say whether a setting has no influence on the result of a training."""
    return key.startswith(_BESIDE_TRAINING)
