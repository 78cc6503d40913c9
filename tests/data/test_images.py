"""A folder or zip of images becomes a data set whose splits and classes are what its folders say."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data import image_store, load_dataset
from tbcli.data.dataset import Dataset, Split
from tbcli.errors import DoesNotFit
from tests.data.pictures import encoded, make_photos, picture


def loaded(root: Path | str, **settings: object) -> Dataset:
    return load_dataset(DataConfig(source=str(root), **settings))  # type: ignore[arg-type]


def pictures_of(split: Split | None) -> set[tuple[int, bytes]]:
    """Return label and pixels of each sample."""
    assert split
    inputs, labels = split.batch(slice(None))
    return {(int(label), image.tobytes()) for image, label in zip(np.asarray(inputs), labels, strict=True)}


@pytest.mark.parametrize("cache", ["disk", "memory", "no"])
def test_a_folder_is_split_by_class_in_the_same_way_every_time(tmp_path: Path, cache: str) -> None:
    root = make_photos(tmp_path / "My Photos 2", ("b", "a", "c"), count=20)
    dataset, again = (loaded(root, cache=cache) for _ in range(2))
    assert dataset.name == "my-photos-2"
    assert dataset.class_names == ("a", "b", "c")
    assert dataset.input_shape == (12, 16, 3)
    parts = [dataset.train, dataset.validation, dataset.test]
    for part, expected, other in zip(parts, (16, 2, 2), (again.train, again.validation, again.test), strict=True):
        assert part
        assert other
        assert np.bincount(part.labels[part.positions]).tolist() == [expected] * 3
        assert np.array_equal(part.positions, other.positions)
    found = [pictures_of(part) for part in parts]
    assert set.union(*found) == {
        (label, picture(3 * number + seed).tobytes())
        for label, seed in ((1, 0), (0, 1), (2, 2))
        for number in range(20)
    }
    assert sum(map(len, found)) == 60


def test_splits_of_their_own_stay_apart(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "val", "test")):
        make_photos(tmp_path / split, count=3 - number)
    (tmp_path / "train" / "cats" / "0.png").write_bytes(b"broken")
    (tmp_path / "test" / "dogs" / "0.png").write_bytes(encoded(picture(77)))
    dataset = loaded(tmp_path)
    assert [len(part or ()) for part in (dataset.train, dataset.validation, dataset.test)] == [5, 4, 2]
    assert pictures_of(dataset.test) == {(0, picture(0).tobytes()), (1, picture(77).tobytes())}
    assert pictures_of(dataset.validation) == {
        (label, picture(3 * number + label).tobytes()) for label in (0, 1) for number in (0, 1)
    }
    assert not any("held out" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("there", "expected"),
    [(("train", "test"), (18, 2, 20)), (("train", "valid"), (18, 20, 2)), (("train",), (16, 2, 2))],
)
def test_a_split_that_is_missing_is_cut_and_a_note_says_how(
    tmp_path: Path, there: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    for split in there:
        make_photos(tmp_path / split, count=10)
    dataset = loaded(tmp_path)
    assert tuple(len(part or ()) for part in (dataset.train, dataset.validation, dataset.test)) == expected
    (note,) = dataset.notes
    cut = [f"2 for {split}" for split, number in zip(("validation", "test"), expected[1:], strict=True) if number == 2]
    assert note == f"held out of 20 training samples: {', '.join(cut)}, each class in proportion"


def test_a_class_may_be_absent_from_validation(tmp_path: Path) -> None:
    make_photos(tmp_path / "train", ("a", "b"))
    make_photos(tmp_path / "val", ("a",))
    dataset = loaded(tmp_path)
    assert "no images of 'b' in 'val'" in dataset.notes


@pytest.mark.parametrize("cache", ["disk", "memory"])
def test_of_a_limit_only_what_is_used_is_decoded(tmp_path: Path, cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        make_photos(tmp_path / split, ("a", "b", "c"), count=40)
    decoded = []
    real = image_store.decode_image
    monkeypatch.setattr(image_store, "decode_image", lambda *words: decoded.append(1) or real(*words))
    loaded(tmp_path, cache="disk")
    assert len(decoded) == 240
    dataset = loaded(tmp_path, cache=cache, limit_samples=30)
    assert len(decoded) == 300
    assert dataset.test
    assert (len(dataset.train), len(dataset.test)) == (27, 30)
    for part in (dataset.train, dataset.test):
        assert len(np.unique(part.labels[part.positions][:15])) == 3
    loaded(tmp_path, cache="disk")
    assert len(decoded) == 300


def test_the_first_samples_of_a_split_are_of_all_classes(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        make_photos(tmp_path / split, ("a", "b", "c"), count=40)
    dataset = loaded(tmp_path)
    for part in (dataset.train, dataset.validation, dataset.test):
        assert part
        assert len(np.unique(part.labels[part.positions][:15])) == 3
        assert sorted(part.positions) == sorted(set(part.positions))


def test_a_zip_gives_what_the_folder_gives(tmp_path: Path) -> None:
    root = make_photos(tmp_path / "photos")
    archive = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path, "photos"))
    folder, zipped = loaded(root), loaded(archive)
    assert zipped.name == folder.name == "photos"
    for mine, other in ((folder.train, zipped.train), (folder.test, zipped.test)):
        assert pictures_of(mine) == pictures_of(other)


def test_a_damaged_file_in_a_zip_is_skipped(tmp_path: Path) -> None:
    make_photos(tmp_path / "photos", count=10)
    archive = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path / "photos"))
    content = bytearray(archive.read_bytes())
    at = content.find(b"cats/3.png") + 40
    content[at : at + 20] = bytes(20)
    archive.write_bytes(content)
    dataset = loaded(archive)
    assert any("1 broken image skipped: 'cats/3.png'" in note for note in dataset.notes)


def test_a_class_whose_images_are_all_broken_is_named(tmp_path: Path) -> None:
    root = make_photos(tmp_path, ("cats", "dogs", "eels"))
    for path in (root / "dogs").glob("*"):
        path.write_bytes(b"GIF89a")
    with pytest.raises(DoesNotFit, match=r"every image of class 'dogs' in .* is broken"):
        loaded(root)


@pytest.mark.parametrize("name", ["猫と犬", "a b", "é", "x.y"])
def test_a_place_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    dataset = loaded(make_photos(tmp_path / name, ("子猫", "big dogs")))
    assert dataset.class_names == ("big dogs", "子猫")
    assert dataset.name
    assert dataset.name.isascii()


def test_a_relative_place_is_below_the_current_directory(workspace: Path) -> None:
    make_photos(workspace / "mnist")
    assert loaded("./mnist").class_names == ("cats", "dogs")


def test_images_of_grey_and_a_size_are_as_asked(tmp_path: Path) -> None:
    dataset = loaded(make_photos(tmp_path), image_size="8x10", color="grey")
    assert dataset.input_shape == (8, 10, 1)
