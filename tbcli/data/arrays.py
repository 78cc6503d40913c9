"""Arrays as data: ``.npz`` files, and whatever gives inputs and targets as arrays."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.config.paths import expanded
from tbcli.data.array_keys import choose_inputs, describe_arrays, sort_keys
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.data.npz_members import Member, open_members, unpack_member
from tbcli.data.targets import read_targets
from tbcli.errors import DoesNotFit
from tbcli.naming.matching import listed
from tbcli.naming.slugs import slug_of

MOST_BYTES_IN_MEMORY = 256 << 20  # of one array, beyond which it stays on the disk
_SHORTEST_SIDE, _MOST_OBLONG = 8, 4  # of images of fractions; anything else is a sequence
_MOST_CHANNELS = 4
_MOST_INT32 = 2**31


def load_arrays(config: DataConfig) -> Dataset:
    """Return the arrays of an ``.npz`` file, which are never unpickled.

    Raises:
        DoesNotFit: It is damaged, its arrays cannot be told apart, or they do not fit each other or the task.
    """
    path = expanded(config.source)
    members = open_members(path)
    shapes = {key: member.shape for key, member in members.items()}
    keys = sort_keys(path.name, shapes, {key: member.dtype.kind for key, member in members.items()})
    names = _class_names(members, keys.pop("class_names", {}).get("names", ""))
    used = {key for pair in keys.values() for key in pair.values()}
    others = [key for key in members if key not in used and not (names and members[key].dtype.kind in "US")]
    parts = {
        split: (_opened(members[pair["x"]], config.cache), members[pair["y"]].read()) for split, pair in keys.items()
    }
    notes = [f"not used: {describe_arrays({key: shapes[key] for key in others})}"] if others else []
    if "arr_0" in used:
        notes.append("arr_0 is treated as inputs, arr_1 as targets")
    return dataset_of_arrays(slug_of(path.stem) or "arrays", parts, config, class_names=names, notes=notes)


def open_samples(path: Path) -> tuple[str, Any]:
    """Return the key and the inputs of an ``.npz`` file to predict from, as a model takes them.

    Raises:
        DoesNotFit: It is damaged, or which array is meant cannot be told.
    """
    members = open_members(path)
    key = choose_inputs(path.name, {name: member.shape for name, member in members.items()})
    (inputs,), _ = arrange_inputs([_opened(members[key], "auto")])
    return key, inputs


def dataset_of_arrays(
    name: str,
    parts: Mapping[str, tuple[Any, np.ndarray]],
    config: DataConfig,
    *,
    class_names: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Dataset:
    """Return a dataset of inputs and targets as they come.

    Args:
        name: What the run record calls it.
        parts: Inputs and targets of ``train``, ``validation`` and ``test``, or of ``""``, from which all are cut.
        config: How they are cut, and the task.
        class_names: Names of classes, labels or values, where the source has them.
        notes: What was found out already.

    Raises:
        DoesNotFit: Inputs are no numbers, lengths or types differ, or the targets do not suit the task.
    """
    parts = {split or "train": part for split, part in parts.items()}
    for split, (inputs, values) in parts.items():
        _require_same_length(split, inputs, values)
    _require_same_kind({split: inputs for split, (inputs, _) in parts.items()})
    arranged, said = arrange_inputs([inputs for inputs, _ in parts.values()])
    targets = read_targets(_joined([values for _, values in parts.values()]), config.task, names=class_names)
    ends = np.cumsum([len(values) for _, values in parts.values()])[:-1]
    ready = dict(zip(parts, zip(arranged, np.split(targets.labels, ends), strict=True), strict=True))
    return cut_splits(
        name,
        ready["train"],
        ready.get("test"),
        targets.names,
        config,
        validation=ready.get("validation"),
        needs_test=True,
        stratify=targets.task.has_classes,
        task=targets.task,
        notes=(*notes, *said, *targets.notes),
    )


def arrange_inputs(splits: Sequence[Any]) -> tuple[list[Any], tuple[str, ...]]:
    """Return the inputs of all splits as a model takes them, and what was guessed of their axes.

    Images have a channel axis, the last; single numbers become vectors of one; numbers are of a type that TensorFlow
    computes with.
    """
    first = splits[0]
    shape = list(first.shape)
    if first.ndim == 1:
        return [_converted(each[:, np.newaxis]) for each in splits], ()
    if first.ndim == 3 and _are_images(first):
        note = f"inputs {shape} are treated as grey images: {[*shape, 1]}"
        return [_converted(each[..., np.newaxis]) for each in splits], (note,)
    if first.ndim == 3:
        return list(map(_converted, splits)), (
            f"inputs {shape} are treated as sequences: {shape[1]} steps of {shape[2]}",
        )
    if first.ndim == 4 and shape[3] > _MOST_CHANNELS and shape[2] > _MOST_CHANNELS and shape[1] in (1, 3, 4):
        moved = [np.moveaxis(each, 1, -1) for each in splits]
        note = f"inputs {shape} are treated as channels-first images, and transposed to {list(moved[0].shape)}"
        return list(map(_converted, moved)), (note,)
    return list(map(_converted, splits)), ()


@dataclass(frozen=True, slots=True)
class Converted:
    """An array on the disk whose values become another type when they are used.

    Args:
        array: A memory map.
        dtype: What it becomes.
    """

    array: np.ndarray
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.array.shape

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        return np.asarray(self.array[chosen]).astype(self.dtype)


def _are_images(inputs: Any) -> bool:
    """Say whether inputs ``[n, a, b]`` are rather grey images than sequences."""
    short, long = sorted(map(int, inputs.shape[1:]))
    return bool(inputs.dtype == np.uint8) or (short >= _SHORTEST_SIDE and long <= _MOST_OBLONG * short)


def _converted(inputs: Any) -> Any:
    """Return inputs as float32 or as integers of at most 32 bits, by the byte order of this machine."""
    dtype = inputs.dtype
    wanted: np.dtype[Any] = np.dtype(np.float32)
    if dtype.kind in "iu":
        wanted = dtype.newbyteorder("=")
        if dtype.itemsize == 8 or dtype == np.uint32:
            _require_int32(inputs)
            wanted = np.dtype(np.int32)
    if wanted == dtype:
        return inputs
    with np.errstate(over="ignore"):  # what is infinite is found by the checks
        return Converted(inputs, wanted) if _is_on_disk(inputs) else inputs.astype(wanted)


def _is_on_disk(array: Any) -> bool:
    """Say whether an array is a view of a file."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def _require_int32(inputs: np.ndarray) -> None:
    if inputs.size and (inputs.max() >= _MOST_INT32 or inputs.min() < -_MOST_INT32):
        raise DoesNotFit(
            f"inputs range from {inputs.min()} to {inputs.max()}, beyond 32 bits", hint="save them as float32"
        )


def _opened(member: Member, cache: str) -> np.ndarray:
    """Return an array: in memory if it is small, else on the disk."""
    if member.dtype.kind not in "biuf":
        return np.empty(member.shape, member.dtype)  # which is refused with the others
    if member.bytes <= MOST_BYTES_IN_MEMORY or cache == "memory":
        return member.read()
    if member.is_stored:
        return member.mapped()
    return member.read() if cache == "no" else unpack_member(member)


def _class_names(members: Mapping[str, Member], key: str) -> tuple[str, ...]:
    if not key or members[key].dtype.kind not in "US" or len(members[key].shape) != 1:
        return ()
    values = members[key].read()
    return tuple((np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values).tolist())


def _joined(values: Sequence[np.ndarray]) -> np.ndarray:
    """Return the targets of all splits as one array, so that classes have one number in all of them."""
    first = values[0]
    for other in values[1:]:
        if other.ndim != first.ndim or other.shape[1:] != first.shape[1:]:
            raise DoesNotFit(
                f"targets of the splits have shapes {listed([str(list(each.shape)) for each in values])}",
                hint="all splits need targets of the same kind",
            )
        if (other.dtype.kind in "USOT") != (first.dtype.kind in "USOT"):
            raise DoesNotFit(
                f"targets of the splits have types {listed([str(each.dtype) for each in values])}",
                hint="all splits need targets of the same kind",
            )
    return np.concatenate(values)


def _require_same_length(split: str, inputs: Any, values: np.ndarray) -> None:
    if not inputs.ndim or not values.ndim or len(inputs) != len(values):
        raise DoesNotFit(
            f"the {split} inputs have shape {list(inputs.shape)}, the targets {list(values.shape)}",
            hint="each needs one row per sample",
        )
    if not len(inputs):
        raise DoesNotFit(f"the {split} split has no samples: inputs {list(inputs.shape)}", hint="add samples")


def _require_same_kind(inputs: Mapping[str, Any]) -> None:
    """Raise a `DoesNotFit` unless inputs are numbers, and of one kind and shape in all splits."""
    first = inputs["train"]
    for split, each in inputs.items():
        if each.dtype.kind not in "biuf":
            raise DoesNotFit(f"the {split} inputs are of type {each.dtype}", hint="inputs must be numbers")
        if each.shape[1:] != first.shape[1:]:
            raise DoesNotFit(
                f"the training inputs have shape {list(first.shape)}, those of the {split} split {list(each.shape)}",
                hint="all splits need inputs of the same shape",
            )
        if (each.dtype.kind == "f") != (first.dtype.kind == "f"):
            raise DoesNotFit(
                f"the training inputs are {first.dtype}, those of the {split} split {each.dtype}",
                hint="use the same dtype and scale in all splits",
            )
