"""Which array of a file is what: ``x_train`` and its many other spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tbcli.errors import DoesNotFit
from tbcli.naming.shortening import few

INPUTS = ("x", "input", "inputs", "image", "images", "img", "imgs", "data", "feature", "features", "sample", "samples")
TARGETS = ("y", "target", "targets", "label", "labels", "output", "outputs", "class", "classes")
SPLITS = {
    "train": ("train", "training", "tr", "trn"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "te", "tst"),
    "": ("", "all"),
}
CLASS_NAMES = frozenset(("classnames", "labelnames", "targetnames", "names", "classlabels"))


def _spellings() -> dict[str, tuple[str, bool]]:
    """Return ``{key without anything but letters: (split, whether of the inputs)}``."""
    known = {}
    for split, words in SPLITS.items():
        for word in words:
            for part in (*INPUTS, *TARGETS):
                known[word + part] = known[part + word] = split, part in INPUTS
    return known


_KNOWN = _spellings()


def sort_keys(file: str, shapes: Mapping[str, tuple[int, ...]], kinds: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return ``{split: {"x": key, "y": key}}``, the split ``""`` for what is to be cut, and ``class_names`` alike.

    Args:
        file: What messages call the file.
        shapes: Of the arrays, by key.
        kinds: Of their types, by key: NumPy's letters.

    Raises:
        DoesNotFit: What is what cannot be told, or inputs or targets are missing.
    """
    found: dict[str, dict[str, str]] = {}
    for key in shapes:
        plain = re.sub(r"[^a-z]", "", key.lower())
        if plain in CLASS_NAMES or (plain == "classes" and kinds[key] in "USO" and _is_named(shapes)):
            found.setdefault("class_names", {})["names"] = key
        elif plain in _KNOWN and not re.search(r"\d", key):
            split, is_input = _KNOWN[plain]
            part = "x" if is_input else "y"
            if part in found.get(split, {}):
                raise _unclear(file, shapes, f"both {found[split][part]!r} and {key!r} could be {_called(split, part)}")
            found.setdefault(split, {})[part] = key
    if not found and set(shapes) == {"arr_0", "arr_1"}:  # of np.savez(file, x, y)
        found = {"": {"x": "arr_0", "y": "arr_1"}}
    _require_pairs(file, shapes, found)
    return found


def choose_inputs(file: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return the key of the inputs to predict from: of the test set, else the only ones.

    Raises:
        DoesNotFit: There are none, or several.
    """
    known = {key: _KNOWN.get(re.sub(r"[^a-z]", "", key.lower()), ("", False)) for key in shapes}
    inputs = {key: split for key, (split, is_input) in known.items() if is_input}
    chosen = [key for key, split in inputs.items() if split == "test"] or list(inputs)
    if len(shapes) == 1:
        chosen = list(shapes)
    if len(chosen) != 1:
        raise DoesNotFit(
            f"cannot tell which array of {file} to predict from: it has {describe_arrays(shapes)}",
            hint="one array called x, or x_test",
        )
    return chosen[0]


def _is_named(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Say whether other arrays can be the targets, so that ``classes`` may be names."""
    return sum(re.sub(r"[^a-z]", "", key.lower()) in _KNOWN for key in shapes) > 2


def _require_pairs(file: str, shapes: Mapping[str, tuple[int, ...]], found: Mapping[str, Mapping[str, str]]) -> None:
    splits = [split for split in found if split != "class_names"]
    if not splits:
        raise _unclear(file, shapes, "no array is called x or y, or x_train or y_train")
    for split in splits:
        for part, other in (("x", "y"), ("y", "x")):
            if part not in found[split]:
                raise _unclear(file, shapes, f"{found[split][other]!r} has no matching {_called(split, part)}")
    if "" in splits and "train" in splits:
        raise _unclear(
            file, shapes, f"both {found['']['x']!r} and {found['train']['x']!r} could be the training inputs"
        )
    if "" not in splits and "train" not in splits:
        raise _unclear(file, shapes, "there are no training samples")


def _called(split: str, part: str) -> str:
    return f"{split} {'inputs' if part == 'x' else 'targets'}".strip()


def _unclear(file: str, shapes: Mapping[str, tuple[int, ...]], problem: str) -> DoesNotFit:
    return DoesNotFit(
        f"cannot tell what the arrays in {file} are: {problem}. It has {describe_arrays(shapes)}",
        hint="name them x and y, or x_train, y_train, x_val, y_val, x_test, y_test",
    )


def describe_arrays(shapes: Mapping[str, Sequence[int]]) -> str:
    """Return arrays with their shapes: ``x [60, 8, 8], y [60]``."""
    return few([f"{key} {list(shape)}" for key, shape in shapes.items()], 12) or "no arrays"
