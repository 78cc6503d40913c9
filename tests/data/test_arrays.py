"""Arrays in `.npz` files: told apart by their names, understood by their shapes, refused with what they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data import load_dataset
from tbcli.data.arrays import Converted
from tbcli.data.dataset import Dataset
from tbcli.data.raw_cache import raw_cache_directory
from tbcli.errors import DoesNotFit

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (120, 8, 8), np.uint8)
Y = np.arange(120) % 4


def load(
    path: Path, *, save: Callable[..., None] = np.savez, settings: dict[str, Any] | None = None, **arrays: Any
) -> Dataset:
    save(path / "digits.npz", **arrays)
    return load_dataset(DataConfig(source=str(path / "digits.npz"), **(settings or {})))


@pytest.mark.parametrize(
    "keys",
    [
        ("x", "y"), ("X", "Y"), ("data", "target"), ("images", "labels"), ("features", "classes"), ("input", "output"),
        ("x_train", "y_train"), ("X_train", "Y_train"), ("trainX", "trainY"), ("train_images", "train_labels"),
        ("images_tr", "labels_tr"), ("X-Train", "y-Train"), ("training_data", "training_targets"), ("arr_0", "arr_1"),
    ],
)  # fmt: skip
def test_usual_spellings_are_known(tmp_path: Path, keys: tuple[str, str]) -> None:
    dataset = load(tmp_path, **{keys[0]: X, keys[1]: Y})
    assert (len(dataset.train), len(dataset.validation or ()), len(dataset.test or ())) == (96, 12, 12)
    assert dataset.input_shape == (8, 8, 1)
    assert np.array_equal(dataset.train.labels, Y)


@pytest.mark.parametrize("word", ["val", "valid", "validation", "dev", "VAL"])
def test_splits_of_the_file_are_kept(tmp_path: Path, word: str) -> None:
    parts = {"x_train": X[:80], "y_train": Y[:80], f"x_{word}": X[80:90], f"y_{word}": Y[80:90]}
    dataset = load(tmp_path, **parts, x_test=X[90:], y_test=Y[90:])
    assert (len(dataset.train), len(dataset.validation or ()), len(dataset.test or ())) == (80, 10, 30)
    assert dataset.test
    assert np.array_equal(dataset.test.inputs[:3, ..., 0], X[90:93])
    assert sorted(dataset.test.positions) == list(range(30))


def test_what_is_not_in_the_file_is_cut(tmp_path: Path) -> None:
    dataset = load(tmp_path, x_train=X, y_train=Y, x_val=X[:9], y_val=Y[:9])
    assert (len(dataset.train), len(dataset.validation or ()), len(dataset.test or ())) == (108, 9, 12)


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"a": X, "b": Y}, "no array is called x or y"),
        ({"data": X, "images": X, "target": Y}, "both 'data' and 'images' could be inputs"),
        ({"x": X, "y": Y, "labels": Y}, "both 'y' and 'labels' could be targets"),
        ({"x": X, "y": Y, "x_train": X, "y_train": Y}, "both 'x' and 'x_train' could be the training inputs"),
        ({"x_train": X}, "'x_train' has no matching train targets"),
        ({"x_train": X, "y_train": Y, "y_test": Y}, "'y_test' has no matching test inputs"),
        ({"x_test": X, "y_test": Y}, "there are no training samples"),
    ],
)
def test_what_cannot_be_told_apart_lists_what_there_is(tmp_path: Path, arrays: dict[str, Any], problem: str) -> None:
    with pytest.raises(DoesNotFit, match=problem) as caught:
        load(tmp_path, **arrays)
    for name, array in arrays.items():
        assert f"{name} {list(array.shape)}" in caught.value.message


@pytest.mark.parametrize(
    ("inputs", "shape", "dtype", "said"),
    [
        (X, (8, 8, 1), "uint8", "grey images"),
        (X / 255, (8, 8, 1), "float32", "grey images"),
        (X.reshape(120, 64), (64,), "uint8", ""),
        (X[..., np.newaxis], (8, 8, 1), "uint8", ""),
        (RANDOM.random((120, 8, 8, 3)), (8, 8, 3), "float32", ""),
        (RANDOM.random((120, 3, 9, 8)), (9, 8, 3), "float32", "channels-first"),
        (RANDOM.random((120, 1, 8, 8)), (8, 8, 1), "float32", "channels-first"),
        (RANDOM.random((120, 8, 8, 12)), (8, 8, 12), "float32", ""),
        (RANDOM.random((120, 50, 3)), (50, 3), "float32", "sequences: 50 steps of 3"),
        (RANDOM.random(120), (1,), "float32", ""),
        (X.astype(bool), (8, 8, 1), "float32", "grey images"),
        (X.astype(np.float16), (8, 8, 1), "float32", "grey images"),
        (X.astype(">i8"), (8, 8, 1), "int32", "grey images"),
        (X.astype(">f8"), (8, 8, 1), "float32", "grey images"),
        (np.asfortranarray(X), (8, 8, 1), "uint8", "grey images"),
    ],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("on_disk", [False, True])
def test_inputs_of_every_form_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: np.ndarray, shape: tuple[int, ...], dtype: str, said: str,
    save: Callable[..., None], on_disk: bool,
) -> None:  # fmt: skip
    if on_disk:
        monkeypatch.setattr("tbcli.data.arrays.MOST_BYTES_IN_MEMORY", 10)
    dataset = load(tmp_path, save=save, x=inputs, y=Y)
    assert dataset.input_shape == shape
    assert dataset.train.inputs.dtype == dtype
    notes = [note for note in dataset.notes if "held out" not in note]
    assert any(said in note for note in notes) if said else not notes
    rows = np.array([7, 3, 3])
    expected = np.moveaxis(inputs, 1, -1) if "first" in said else inputs.reshape(120, *shape)
    got, labels = dataset.train.batch(rows)
    assert np.array_equal(got, expected[dataset.train.positions[rows]].astype(dtype))
    assert got.dtype.isnative
    assert np.array_equal(labels, Y[dataset.train.positions[rows]])


def test_large_arrays_stay_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.data.arrays.MOST_BYTES_IN_MEMORY", 10)
    assert isinstance(load(tmp_path, x=X, y=Y).train.inputs.base, np.memmap)
    assert isinstance(load(tmp_path, x=X / 2, y=Y).train.inputs, Converted)
    assert not raw_cache_directory().exists()
    load(tmp_path, save=np.savez_compressed, x=X, y=Y)
    (kept,) = raw_cache_directory().glob("*.raw")
    written = kept.stat().st_ino
    load_dataset(DataConfig(source=str(tmp_path / "digits.npz")))
    assert [path.stat().st_ino for path in raw_cache_directory().glob("*.raw")] == [written]
    load(tmp_path, save=np.savez_compressed, x=X[::-1], y=Y)
    (kept,) = raw_cache_directory().glob("*.raw")
    assert kept.stat().st_ino != written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.npz"]


def test_names_of_classes_in_the_file_are_used_and_other_arrays_named(tmp_path: Path) -> None:
    dataset = load(tmp_path, x=X, y=Y, class_names=np.array(list("abcd")), weight=np.ones(3))
    assert dataset.class_names == tuple("abcd")
    assert "not used: weight [3]" in dataset.notes


def test_classes_have_one_number_in_all_splits(tmp_path: Path) -> None:
    words = np.array(["oak", "elm", "ash", "fir"])
    dataset = load(tmp_path, x_train=X, y_train=words[Y], x_test=X[:4], y_test=words[[3, 3, 1, 1]])
    assert dataset.class_names == ("ash", "elm", "fir", "oak")
    assert dataset.test
    assert dataset.test.labels.tolist() == [2, 2, 1, 1]


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"x": X, "y": Y[:-1]}, r"the train inputs have shape \[120, 8, 8\], the targets \[119\]"),
        ({"x": X[:0], "y": Y[:0]}, "the train split has no samples"),
        ({"x": X[:1], "y": Y[:1]}, "only one sample"),
        ({"x": X, "y": Y * 0}, "all samples belong to one class: '0'"),
        ({"x": X, "y": Y, "class_names": np.array(list("abcdef"))}, "2 classes have no samples: e, f"),
        ({"x": X, "y": np.full(120, 0.5)}, "the targets of all training samples are 0.5"),
        ({"x": np.where(X.max() == X, np.nan, X), "y": Y}, r"are NaN or infinite: sample \d+ is NaN in value"),
        ({"x": np.where(X.max() == X, np.inf, X), "y": Y}, "is infinite in value"),
        ({"x": X.astype(str), "y": Y}, "inputs are of type <U3"),
        ({"x": X + 1j, "y": Y}, "inputs are of type complex128"),
        ({"x": X.astype("datetime64[s]"), "y": Y}, "inputs are of type datetime64"),
        ({"x": np.full((120, 3), 2**40), "y": Y}, "beyond 32 bits"),
        ({"x": X, "y": Y.astype(object)}, "'y' in digits.npz holds Python objects"),
        ({"x": X, "y": np.where(Y == 3, -1, Y)}, "30 of the targets are -1"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :7], "y_test": Y}, r"\[120, 8, 8\], those of the test split"),
        ({"x_train": X, "y_train": Y, "x_test": X / 255, "y_test": Y}, "are uint8, those of the test split float64"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y.astype(str)}, "targets of the splits have types"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": np.eye(4)[Y]}, "targets of the splits have shapes"),
    ],
)
def test_what_does_not_fit_says_so_before_training(tmp_path: Path, arrays: dict[str, Any], problem: str) -> None:
    with pytest.raises(DoesNotFit, match=problem):
        load(tmp_path, **arrays)


def test_a_class_that_is_only_tested_is_told(tmp_path: Path) -> None:
    dataset = load(tmp_path, x_train=X, y_train=Y % 3, x_test=X, y_test=Y)
    assert "1 class has samples, but none in the training split: 3" in dataset.notes


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty", "other"])
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_damaged_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, on_disk: bool) -> None:
    if on_disk:
        monkeypatch.setattr("tbcli.data.arrays.MOST_BYTES_IN_MEMORY", 10)
    path = tmp_path / "digits.npz"
    np.savez_compressed(path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[2000] ^= 255
    path.write_bytes({"cut": content[:3000], "text": b"x,y\n1,2\n", "empty": b""}.get(damage, content))
    if damage == "other":
        import zipfile

        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", b"no array")
    with pytest.raises(DoesNotFit, match=r"digits.npz cannot be read as arrays"):
        load_dataset(DataConfig(source=str(path)))
    assert not list(raw_cache_directory().glob("*"))
