"""What was changed between a training and its continuation, and what of it makes another experiment of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tbcli.config import SETTINGS, Config, TrainConfig
from tbcli.config.configuration import FREE
from tbcli.config.setting import spoken
from tbcli.errors import Refused
from tbcli.runs import Run
from tbcli.runs.claim import claim
from tbcli.runs.files import utc_now, utc_text, write_json

EPOCHS = "train.epochs"
REPLACES = "train.replaces"
_OF_EXPERIMENT = ("data", "model", "train", "record", "charts", "direction")
_HARMLESS = frozenset({
    EPOCHS, "data.cache", "train.name", "train.note", "train.steps_per_execution", "train.max_time",
    "train.save_formats", "train.checkpoint_every", "train.keep_state", "train.devices", "train.workers", "train.ray",
})  # fmt: skip
"""What may differ, for a training that was never interrupted would have come to the same result with it."""
LABELS = ("train.name", "train.note")
"""What a run is called, which can be changed at any time."""
MOOT = ("data.cache", "train.steps_per_execution", "train.max_time", "train.checkpoint_every", "train.devices")
"""What means nothing where nothing is left to train."""
_DATA = ("data", "class_names", "input_shape", "evaluation_data")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that differs.

    Args:
        key: The setting, or the fact of the record.
        before: Its value in the training so far.
        after: Its value from now on.
    """

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        word = SETTINGS[self.key].word if self.key in SETTINGS else self.key
        return f"{word} {_shown(self.after)} instead of {_shown(self.before)}"


def _shown(value: Any) -> str:
    return spoken(tuple(value) if isinstance(value, list) else value)


def config_of(run: Run) -> Config:
    """Return the settings of a run as it keeps them: no file, no variable and no default of today has a say.

    Raises:
        Refused: They are missing or damaged.
        ConfigError: They have a setting that this version does not know.
    """
    said = run.read_config()
    values = {
        f"{section}.{name}": value
        for section, group in said.items()
        if isinstance(group, Mapping)
        for name, value in group.items()
    }
    if "data.source" not in values or "train.epochs" not in values:
        raise Refused(
            f"run {run.label} has no settings: its config.json is missing or damaged",
            hint=f"`tbcli runs {run.id}` shows what there is",
        )
    return Config().updated({**values, **own_optimizer(run)})


def own_optimizer(run: Run) -> dict[str, tuple[str, ...]]:
    """Return what an earlier version did not keep of a run: what replaced that of a model compiled with an optimizer.

    What such a run keeps of the optimizer in its settings is a description: said by these words it would be another.
    """
    train = run.read_config().get("train") or {}
    if "optimizer" not in run.record or "replaces" in train:
        return {}
    is_default = train.get("learning_rate") in (None, TrainConfig().learning_rate)
    return {REPLACES: () if is_default else ("learning_rate",)}


def setting_changes(before: Config, after: Config) -> list[Change]:
    """Return the settings of data, model, training and recording that differ."""
    keys = [key for key in SETTINGS if key.partition(".")[0] in _OF_EXPERIMENT]
    found = [Change(key, before.value(key), after.value(key)) for key in keys]
    for section in FREE:
        old, new = getattr(before, section), getattr(after, section)
        found += [Change(f"{section}.{name}", old.get(name, ""), new.get(name, "")) for name in {**old, **new}]
    return [change for change in found if change.before != change.after]


def data_changes(record: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Change]:
    """Return what differs between the data in a run's record and those that were loaded now."""
    return [
        Change("data" if key == "data" else f"data ({key.replace('_', ' ')})", *_told_apart(record[key], facts[key]))
        for key in _DATA
        if key in record and key in facts and record[key] != facts[key]
    ]


def _told_apart(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two facts in as few words as tell them apart."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):  # a fingerprint for each split
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        return "those of the run", f"other samples ({', '.join(names)})"
    if isinstance(before, list) and isinstance(after, list) and len(before) != len(after):
        return len(before), len(after)
    return before, after


def version_notes(record: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """Return what differs in packages, device and precision, on which the bits of a result depend."""
    old, new = record.get("versions"), facts.get("versions")
    pairs = {}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        pairs = {name: (old[name], new[name]) for name in new if name in old}
    pairs |= {
        name: (record[name], facts[name]) for name in ("device", "precision") if record.get(name) and name in facts
    }
    found = [f"{name} {after} instead of {before}" for name, (before, after) in pairs.items() if before != after]
    return [f"{', '.join(found)}: the result may differ in its last bits from that of a run in one go"] if found else []


def matters(changes: Iterable[Change], before: Config) -> list[Change]:
    """Return the changes that make another experiment: more epochs do if the learning rate depends on their number."""
    by_epochs = before.train.schedule != "constant"
    return [each for each in changes if each.key not in _HARMLESS or (each.key == EPOCHS and by_epochs)]


def require_same(run: Run, changes: Sequence[Change], before: Config, *, allowed: bool) -> None:
    """Check that a continuation is still the same experiment.

    Args:
        run: The run.
        changes: What differs.
        before: The settings of the training so far.
        allowed: Whether it may be another one: ``--allow-changes``.

    Raises:
        Refused: It is another one, or cannot be continued so at all.
    """
    epochs = next((each for each in changes if each.key == EPOCHS), None)
    if epochs and epochs.after < epochs.before and before.train.schedule != "constant":
        raise Refused(
            f"run {run.label} cannot end sooner: its {before.train.schedule} schedule spans {epochs.before} epochs",
            hint=f'`--until "epoch>={epochs.after}" --allow-changes` stops it on the way',
        )
    found = matters(changes, before)
    if not found or allowed:
        return
    hint = "leave that out, or add `--allow-changes`, which records it"
    if epochs and found == [epochs]:
        added = epochs.after - epochs.before
        hint = f"`--allow-changes` restarts the {before.train.schedule} schedule over the {counted_epochs(added)} added"
    raise Refused(f"this would be another experiment than run {run.label}: {', '.join(map(str, found))}", hint=hint)


def counted_epochs(epochs: int) -> str:
    """Return a number of epochs in words."""
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


def relabel(run: Run, labels: Sequence[Change]) -> str:
    """Give a run another name or note, and return what to say of that.

    Raises:
        Refused: Another process works on it.
    """
    with claim(run.logs):
        run.reload()
        write_json(run.config_file, config_of(run).updated({each.key: each.after for each in labels}).as_dict())
        run.update(**{each.key.partition(".")[2]: each.after for each in labels})
    renamed = next((each for each in labels if each.key == "train.name"), None)
    stale = f"; TensorBoard's HParams keep the name {_shown(renamed.before or 'n/a')}" if renamed else ""
    return f"now with {', '.join(map(str, labels))}{stale}"


def told_changes(changes: Sequence[Change], before: Config) -> list[str]:
    """Return what a person should know of changes that were allowed."""
    found = matters(changes, before)
    return [f"from here on with {', '.join(map(str, found))}"] if found else []


def changes_record(run: Run, changes: Iterable[Change], epoch: int) -> list[dict[str, Any]]:
    """Return what ``run.json`` says of all changes so far that have to do with the result.

    Args:
        run: Its record has the earlier ones.
        changes: Those of now.
        epoch: Complete ones, after which they hold.
    """
    said = {each.key: [each.before, each.after] for each in changes if each.key not in _HARMLESS - {EPOCHS}}
    earlier = run.record.get("changes")
    entry = {"at": utc_text(utc_now()), "epoch": epoch, "changes": said}
    return [*(earlier if isinstance(earlier, list) else []), *([entry] if said else [])]
