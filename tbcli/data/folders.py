"""Which class and which split an image belongs to: what the folders say that it stands in."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tbcli.data.image_files import FileEntry, Files
from tbcli.data.pixels import SNIFFED_BYTES, SUFFIXES, is_image
from tbcli.errors import DoesNotFit
from tbcli.naming.shortening import few

SPLIT_WORDS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test",
}  # fmt: skip
"""A folder's name, in any case -> the split it holds."""
_LAYOUT = "a folder per class, such as {0}/cats and {0}/dogs; below {0}/train, {0}/val and {0}/test where it is split"


@dataclass(slots=True)
class _Node:
    """A folder: the images directly in it, and the folders."""

    name: str
    images: list[FileEntry] = field(default_factory=list)
    folders: dict[str, _Node] = field(default_factory=dict)

    def all_images(self) -> list[FileEntry]:
        found = [*self.images, *(image for node in self.folders.values() for image in node.all_images())]
        return sorted(found)

    @property
    def full(self) -> dict[str, _Node]:
        """The folders that have images somewhere, by name."""
        return {name: node for name, node in sorted(self.folders.items()) if node.has_images()}

    def has_images(self) -> bool:
        return bool(self.images) or any(node.has_images() for node in self.folders.values())


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the folders say of their images.

    Args:
        class_names: Sorted.
        splits: ``{train, validation or test: [(image, class number)]}``, in a fixed order; what there is.
        notes: Sentences on what was left out or is unusual.
    """

    class_names: tuple[str, ...]
    splits: dict[str, list[tuple[FileEntry, int]]]
    notes: tuple[str, ...]


def arrange(files: Files, place: str) -> Arrangement:
    """Find out which class and which split each image belongs to.

    Args:
        files: A folder's or a zip's.
        place: What messages call it.

    Raises:
        DoesNotFit: There are no images, no classes or only one, an empty class, or splits whose classes differ.
    """
    top, others = _tree(files)
    notes = _notes_on_others(others)
    if not top.has_images():
        unread = f": {notes[0]}" if notes else ""
        raise DoesNotFit(f"no images in {place!r}{unread}", hint=_LAYOUT.format(Path(place).stem))
    top = _unwrapped(top)
    if top.name not in ("", Path(place).stem):
        notes.append(f"read from the only folder in it, {top.name!r}")
    parts = _split_folders(top, place)
    if parts:
        left_out = [node for name, node in top.full.items() if name.lower() not in SPLIT_WORDS]
        notes += [f"{_count(len(node.all_images()))} in {node.name!r} left out: not in a split" for node in left_out]
    names, splits = None, {}
    for split in ("train", "validation", "test"):
        node = parts.get(split, None if parts else top if split == "train" else None)
        if node is None:
            continue
        classes = _classes_of(node, place, is_first=names is None, notes=notes)
        if names is None:
            names = _class_names(classes, place)
        else:
            notes += _compare_classes(names, set(classes), parts["train"].name, node.name, place)
        numbers = {name: number for number, name in enumerate(names)}
        splits[split] = [(image, numbers[name]) for name in sorted(classes) for image in classes[name]]
    return Arrangement(tuple(names or ()), splits, tuple(notes))


def _tree(files: Files) -> tuple[_Node, list[FileEntry]]:
    """Return the images as a tree of folders, and the files that are no images."""
    top, others = _Node(""), []
    nodes = {"": top}

    def node_of(path: str) -> _Node:
        if path not in nodes:
            above, _, name = path.rpartition("/")
            nodes[path] = node_of(above).folders.setdefault(name, _Node(name))
        return nodes[path]

    for entry in files.entries():
        if entry.size < 0:
            node_of(_as_text(entry.name))
        elif _may_be_image(files, entry):
            node_of(_as_text(entry.name.rpartition("/")[0])).images.append(entry)
        else:
            others.append(entry)
    return top, others


def _may_be_image(files: Files, entry: FileEntry) -> bool:
    if entry.name.lower().endswith(SUFFIXES):
        return True
    try:
        with files.open(entry.name) as file:
            return is_image(file.read(SNIFFED_BYTES))
    except OSError:
        return False


def _notes_on_others(others: list[FileEntry]) -> list[str]:
    if not others:
        return []
    suffixes = Counter(sorted(os.path.splitext(each.name)[1].lower() or "no suffix" for each in others))  # noqa: PTH122
    kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in suffixes.most_common(4))
    more = ", ..." if len(suffixes) > 4 else ""
    are = "1 file is" if len(others) == 1 else f"{len(others):,} files are"
    return [f"{are} not JPEG, PNG, BMP, GIF or WebP ({kinds}{more})"]


def _unwrapped(top: _Node) -> _Node:
    """Return the folder that holds the classes or splits: not one in which all else is wrapped."""
    while not top.images and len(top.folders) == 1:
        (inner,) = top.folders.values()
        if inner.name.lower() in SPLIT_WORDS or not inner.full:
            break
        top = inner
    return top


def _split_folders(top: _Node, place: str) -> dict[str, _Node]:
    """Return the folders that hold a split each, ``{train, validation or test: folder}``; none where there are none."""
    named = {name: node for name, node in top.full.items() if name.lower() in SPLIT_WORDS}
    others = [name for name in top.full if name not in named]
    if not named or (others and not any(node.full for node in named.values())):  # a class may be called "test"
        return {}
    parts: dict[str, _Node] = {}
    for name, node in named.items():
        split = SPLIT_WORDS[name.lower()]
        if split in parts:
            raise DoesNotFit(
                f"{parts[split].name!r} and {name!r} in {place!r} are the same split", hint="move the images into one"
            )
        parts[split] = node
    if "train" not in parts:
        beside = f", beside {_some(others)}" if others else ""
        raise DoesNotFit(
            f"{place!r} has {_some(sorted(named))} but no 'train'{beside}",
            hint=f"put the class folders to train on into {Path(place).stem}/train",
        )
    return parts


def _classes_of(node: _Node, place: str, *, is_first: bool, notes: list[str]) -> dict[str, list[FileEntry]]:
    """Return the images of each class."""
    where = f"{place}/{node.name}" if node.name.lower() in SPLIT_WORDS else place
    if not node.full:
        raise DoesNotFit(f"the images in {where!r} are not sorted into classes", hint=_LAYOUT.format(Path(place).stem))
    if node.images:
        notes.append(f"{_count(len(node.images))} left out: not in a class folder ({_some_of(node.images)})")
    empty = sorted(set(node.folders) - set(node.full))
    if empty and is_first:
        kind = "class" if len(empty) == 1 else "classes"
        raise DoesNotFit(f"no images for {kind} {_some(empty)} in {where!r}", hint=_hint_on_empty(node, where))
    deep = [name for name, inner in node.full.items() if inner.full]
    if deep and is_first:
        notes.append(f"folders inside of {_some(deep)} are part of that class")
    return {name: inner.all_images() for name, inner in node.full.items()}


def _hint_on_empty(node: _Node, where: str) -> str:
    inner = next(iter(node.full.values()))
    if len(node.full) == 1 and inner.full:
        return f"`--data {where}/{inner.name}` if the classes are in there; else add images, or remove the folder"
    return "add images, or remove the folder"


def _class_names(classes: dict[str, list[FileEntry]], place: str) -> list[str]:
    if len(classes) == 1:
        (only,) = classes
        raise DoesNotFit(f"only one class in {place!r}: {only!r}", hint=_LAYOUT.format(Path(place).stem))
    return sorted(classes)


def _compare_classes(names: list[str], found: set[str], train: str, split: str, place: str) -> list[str]:
    """Check a split's classes against those of training; return what there is to note."""
    unknown = sorted(found - set(names))
    missing = sorted(set(names) - found)
    if unknown:
        lacks = f" (and {_some(missing)} only in {train!r})" if missing else ""
        raise DoesNotFit(
            f"classes differ between splits of {place!r}: {_some(unknown)} only in {split!r}{lacks}",
            hint="give the class folders of all splits the same names",
        )
    return [f"no images of {_some(missing)} in {split!r}"] if missing else []


def _as_text(path: str) -> str:
    """Return a folder's path as its classes are called: systems differ in how they compose an accented letter."""
    whole = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return unicodedata.normalize("NFC", whole)


def _count(images: int) -> str:
    return "1 image" if images == 1 else f"{images:,} images"


def _some(names: list[str]) -> str:
    return few([repr(name) for name in names], 3)


def _some_of(images: list[FileEntry]) -> str:
    return _some(sorted(image.name for image in images))
