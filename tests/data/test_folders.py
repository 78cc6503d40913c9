"""Which class and split an image belongs to is what its folders say, and every other layout has its own sentence."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tbcli.data.folders import Arrangement, arrange
from tbcli.data.image_files import Archive, Folder
from tbcli.errors import DoesNotFit
from tests.data.pictures import encoded, picture

PICTURE = encoded(picture())


def place(root: Path, *names: str) -> Path:
    """Make images of these paths, and empty folders of those that end with a slash."""
    for name in names:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(PICTURE)
    return root


def zipped(root: Path, *names: str) -> Path:
    """Do the same within a zip."""
    with zipfile.ZipFile(root / "photos.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"" if name.endswith("/") else PICTURE)
    return root / "photos.zip"


def arranged(root: Path) -> Arrangement:
    return arrange(Folder(root) if root.is_dir() else Archive(root), "photos")


def counted(arrangement: Arrangement) -> dict[str, list[int]]:
    """Return how many images of each class there are, by split."""
    classes = range(len(arrangement.class_names))
    return {
        split: [sum(label == number for _, label in pairs) for number in classes]
        for split, pairs in arrangement.splits.items()
    }


BOTH_WAYS = pytest.mark.parametrize("make", [place, zipped])
Make = Callable[..., Path]


@BOTH_WAYS
def test_a_folder_is_a_class(tmp_path: Path, make: Make) -> None:
    found = arranged(make(tmp_path, "dogs/1.png", "cats/1.png", "cats/2.png"))
    assert found.class_names == ("cats", "dogs")
    assert counted(found) == {"train": [2, 1]}
    assert not found.notes


@BOTH_WAYS
@pytest.mark.parametrize("words", [("train", "val", "test"), ("Training", "VALID", "Test"), ("train", "validation")])
def test_folders_above_the_classes_are_splits(tmp_path: Path, make: Make, words: tuple[str, ...]) -> None:
    found = arranged(make(tmp_path, *(f"{word}/{name}/1.png" for word in words for name in "ab")))
    assert counted(found) == {split: [1, 1] for split in ("train", "validation", "test")[: len(words)]}


@BOTH_WAYS
def test_a_wrapping_folder_and_what_systems_leave_are_seen_through(tmp_path: Path, make: Make) -> None:
    junk = ("__MACOSX/photos/cats/._1.png", "photos/.DS_Store", "photos/cats/Thumbs.db", "photos/.git/1.png")
    found = arranged(make(tmp_path, "photos/cats/1.png", "photos/dogs/1.png", *junk))
    assert found.class_names == ("cats", "dogs")
    assert counted(found) == {"train": [1, 1]}
    assert not found.notes


def test_another_wrapping_folder_is_named(tmp_path: Path) -> None:
    found = arranged(place(tmp_path, "dogs/old/1.png", "dogs/young/1.png"))
    assert found.class_names == ("old", "young")
    assert found.notes == ("read from the only folder in it, 'dogs'",)
    with pytest.raises(DoesNotFit, match="no images for class 'labels'") as caught:
        arranged(place(tmp_path, "labels/"))
    assert caught.value.hint.startswith("`--data photos/dogs` if the classes are in there")


def test_the_order_is_that_of_the_names_and_not_of_the_disk(tmp_path: Path) -> None:
    names = [f"{label}/{number}.png" for label in ("b", "a", "B", "10", "9") for number in range(3)]
    orders = []
    for turn in range(3):
        random.Random(turn).shuffle(names)
        found = arranged(place(tmp_path / str(turn), *names))
        orders.append([(entry.name, label) for entry, label in found.splits["train"]])
    assert found.class_names == ("10", "9", "B", "a", "b")
    assert orders[0] == orders[1] == orders[2]


def test_a_suffix_in_any_case_or_the_content_makes_an_image(tmp_path: Path) -> None:
    place(tmp_path, "a/1.JPG", "a/2.jPeG", "a/photo", "a/3.dat", "b/1.webp")
    (tmp_path / "a" / "notes.txt").write_text("these are photos")
    (tmp_path / "b" / "4.heic").write_bytes(b"\0\0\0\x18ftypheic")
    found = arranged(tmp_path)
    assert counted(found) == {"train": [4, 1]}
    assert found.notes == ("2 files are not JPEG, PNG, BMP, GIF or WebP (1 .heic, 1 .txt)",)


def test_names_of_any_language_are_classes_composed_alike(tmp_path: Path) -> None:
    composed, parts = "caf\u00e9 au lait", "cafe\u0301 au lait"
    found = arranged(place(tmp_path, f"train/{composed}/1.png", "train/猫/1.png", f"val/{parts}/1.png", "val/猫/1.png"))
    assert found.class_names == (composed, "猫")
    assert counted(found) == {"train": [1, 1], "validation": [1, 1]}


def test_a_zip_whose_names_are_utf8_without_saying_so_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path, "犬/1.png", "猫/1.png")
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset + 1] &= ~0x08  # the flag
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    assert arranged(path).class_names == ("犬", "猫")


def test_linked_folders_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    place(tmp_path, "real/1.png", "photos/dogs/1.png")
    (tmp_path / "photos" / "cats").symlink_to(tmp_path / "real")
    (tmp_path / "photos" / "dogs" / "again").symlink_to(tmp_path / "photos")
    assert counted(arranged(tmp_path / "photos"))["train"][0] == 1


def test_a_class_may_have_folders_and_it_is_said(tmp_path: Path) -> None:
    found = arranged(place(tmp_path, "cats/old/1.png", "cats/2.png", "dogs/1.png"))
    assert counted(found) == {"train": [2, 1]}
    assert found.notes == ("folders inside of 'cats' are part of that class",)


def test_a_class_may_be_called_like_a_split(tmp_path: Path) -> None:
    assert arranged(place(tmp_path, "control/1.png", "test/1.png")).class_names == ("control", "test")


def test_what_stands_beside_the_classes_is_left_out_and_said(tmp_path: Path) -> None:
    found = arranged(place(tmp_path, "cats/1.png", "dogs/1.png", "cover.png"))
    assert counted(found) == {"train": [1, 1]}
    assert found.notes == ("1 image left out: not in a class folder ('cover.png')",)
    found = arranged(place(tmp_path / "split", "train/cats/1.png", "train/dogs/1.png", "extra/1.png"))
    assert found.notes == ("1 image in 'extra' left out: not in a split",)


def test_a_class_that_only_training_has_is_said(tmp_path: Path) -> None:
    found = arranged(place(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/"))
    assert counted(found) == {"train": [1, 1], "validation": [1, 0]}
    assert found.notes == ("no images of 'b' in 'val'",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no images in 'photos'"),
        (("cats/", "dogs/"), "no images in 'photos'"),
        (("1.png", "2.png"), "the images in 'photos' are not sorted into classes"),
        (("train/1.png", "test/2.png"), "the images in 'photos/train' are not sorted into classes"),
        (("cats/1.png",), "only one class in 'photos': 'cats'"),
        (("train/cats/1.png",), "only one class in 'photos': 'cats'"),
        (("cats/1.png", "dogs/1.png", "birds/"), "no images for class 'birds' in 'photos'"),
        (("cats/1.png", "birds/", "eels/"), "no images for classes 'birds', 'eels' in 'photos'"),
        (("train/a/1.png", "train/b/", "train/c/1.png"), "no images for class 'b' in 'photos/train'"),
        (("train/a/1.png", "training/a/1.png"), "'train' and 'training' in 'photos' are the same split"),
        (("test/a/1.png", "test/b/1.png"), "'photos' has 'test' but no 'train'"),
        (("val/a/1.png", "test/b/1.png"), "'photos' has 'test', 'val' but no 'train'"),
        (("test/a/1.png", "a/1.png", "b/1.png"), "'photos' has 'test' but no 'train', beside 'a', 'b'"),
        (
            ("train/cat/1.png", "train/dog/1.png", "val/cat/1.png", "val/dogs/1.png"),
            "classes differ between splits of 'photos': 'dogs' only in 'val' (and 'dog' only in 'train')",
        ),
    ],
)
@BOTH_WAYS
def test_every_other_layout_has_its_own_sentence(
    tmp_path: Path, make: Make, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DoesNotFit) as caught:
        arranged(make(tmp_path, *names))
    assert caught.value.message == message
    assert caught.value.hint


def test_other_files_alone_are_told_by_their_kinds(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.tif").write_bytes(b"II*\0")
    with pytest.raises(DoesNotFit, match=r"no images in 'photos': 1 file is not JPEG.* \(1 \.tif\)"):
        arranged(tmp_path)


def test_a_zip_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(b"not a zip")
    with pytest.raises(DoesNotFit, match=r"cannot read the zip .*photos\.zip"):
        Archive(path)


def test_a_zip_with_a_password_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path, "cats/1.png", "dogs/1.png")
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DoesNotFit, match="password"):
        Archive(path)
