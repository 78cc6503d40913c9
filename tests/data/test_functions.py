"""Functions of the user's as data: every documented form is read, and what fails shows the user's own lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tbcli.cli.topics import topics
from tbcli.config import Config, DataConfig
from tbcli.data import load_dataset
from tbcli.data.arrays import MOST_BYTES_IN_MEMORY
from tbcli.data.column_choice import MOST_WORDS
from tbcli.data.dataset import Dataset
from tbcli.data.functions import read_returned
from tbcli.data.targets import FEW_CLASSES, MOST_CLASSES
from tbcli.errors import ConfigError, DoesNotFit, NotFound, TbcliError
from tbcli.training.facts import argument_facts

X = np.random.default_rng(0).random((60, 8, 8, 1)).astype(np.float32)
Y = np.arange(60) % 3
Load = Callable[..., Dataset]
NAMES = ["oak", "elm", "ash"]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load what a function with this body returns; each test has a module of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_data", raising=False)

    def load(text: str, *args: str, name: str = "load") -> Dataset:
        Path("my_data.py").write_text(text)
        sys.modules.pop("my_data", None)
        return load_dataset(DataConfig(source=f"my_data.py:{name}", args=args))

    return load


def test_the_example_of_the_help_topic_works(load: Load) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", topics()["data"].read_text("utf-8"), re.DOTALL)
    dataset = load(example)
    assert (len(dataset.train.labels), dataset.input_shape, dataset.class_names) == (200, (4,), ("0", "1"))
    assert dataset.name == "my-data-load"
    assert len(load(example, "samples=500", "noise=0").train.labels) == 500


def test_the_numbers_in_the_help_topic_are_those_of_the_code() -> None:
    text = topics()["data"].read_text("utf-8")
    assert f"at most {MOST_CLASSES} in an integer array, at most {FEW_CLASSES} in a table" in text
    assert f"Arrays over {MOST_BYTES_IN_MEMORY >> 20} MB stay on the" in text
    assert f"text (over {MOST_WORDS} distinct values, over half of all values)" in text


@pytest.mark.parametrize(
    ("returned", "sizes", "names"),
    [
        ((X, Y), (48, 6, 6), ("0", "1", "2")),
        ([X, Y], (48, 6, 6), ("0", "1", "2")),
        ((X.tolist(), Y.tolist()), (48, 6, 6), ("0", "1", "2")),
        ((X, [NAMES[i] for i in Y]), (48, 6, 6), ("ash", "elm", "oak")),
        ((X, Y, NAMES), (48, 6, 6), tuple(NAMES)),
        (((X, Y), NAMES), (48, 6, 6), tuple(NAMES)),
        (((X, Y), (X[:9], Y[:9])), (54, 6, 9), ("0", "1", "2")),
        (((X, Y), (X[:9], Y[:9]), NAMES), (54, 6, 9), tuple(NAMES)),
        (((X, Y), (X[:9], Y[:9]), (X[:12], Y[:12])), (60, 9, 12), ("0", "1", "2")),
        ({"x": X, "y": Y, "class_names": NAMES}, (48, 6, 6), tuple(NAMES)),
        ({"x_train": X, "y_train": Y, "x_test": X[:9], "y_test": Y[:9]}, (54, 6, 9), ("0", "1", "2")),
        ({"train": (X, Y), "test": (X[:9], Y[:9]), "class_names": NAMES}, (54, 6, 9), tuple(NAMES)),
    ],
)
def test_every_documented_form_is_read(
    load: Load, monkeypatch: pytest.MonkeyPatch, returned: object, sizes: tuple[int, ...], names: tuple[str, ...]
) -> None:
    monkeypatch.setattr("tests.data.test_functions.RETURNED", returned, raising=False)
    dataset = load("from tests.data import test_functions\ndef load():\n    return test_functions.RETURNED\n")
    assert tuple(len(split or ()) for split in (dataset.train, dataset.validation, dataset.test)) == sizes
    assert dataset.class_names == names
    assert dataset.input_shape == (8, 8, 1)


def test_data_frames_are_arrays() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2, 3, 4], "b": [1, 2, 3, 4]})
    parts, _, _ = read_returned((frame, frame["b"]))
    assert parts[""][0].shape == (4, 2)
    assert parts[""][1].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "returns None instead of data"),
        (3, "returns a value of type int instead of data"),
        ((), "returns nothing instead of data"),
        (X, "returns a value of type ndarray instead of data"),
        ((X,), r"returns 1 values \(ndarray\)"),
        ((X, Y, X), r"returns 3 values \(ndarray, ndarray, ndarray\)"),
        ((X, Y, X, Y), "returns 4 values"),
        ((X, 3), "returns a value of type int instead of an array"),
        ((iter(()), iter(())), "returns a value of type .*iterator instead of an array"),
        (([[1], [1, 2]], [1, 2]), "cannot be converted to an array"),
        ({"a": X, "b": Y}, "no array is called x or y"),
        ({"train": (X, Y), "more": (X, Y)}, "returns a dict with 'train', 'more'"),
    ],
)
def test_anything_else_says_what_came(returned: object, message: str) -> None:
    with pytest.raises(DoesNotFit, match=message):
        read_returned(returned)


@pytest.mark.parametrize(
    ("text", "args", "kind", "message"),
    [
        ("def load(): return 1 / 0", (), DoesNotFit, "'load' fails: ZeroDivisionError: division by zero"),
        ("def load(size): return None", (), DoesNotFit, "asks for 'size', which nothing gives"),
        ("def load(): return None", ("size=3",), ConfigError, "takes no argument 'size'"),
        ("def load(size: int = 1): return None", ("size=big",), ConfigError, "size must be int, got 'big'"),
        ("load = 3", (), DoesNotFit, "is no function but a int"),
        ("def other(): pass", (), DoesNotFit, "has no data function 'load'; it has 'other'"),
        ("import nowhere_at_all", (), DoesNotFit, "does not import: ModuleNotFoundError"),
        ("def load(:", (), DoesNotFit, "does not import: SyntaxError"),
    ],
)
def test_what_fails_names_the_function(
    load: Load, text: str, args: tuple[str, ...], kind: type[TbcliError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        load(text, *args)


def test_a_file_that_is_not_there_is_not_found(load: Load) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.py"):
        load_dataset(DataConfig(source="nowhere.py:load"))


@pytest.mark.tf
def test_datasets_of_tf_data_become_arrays(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
import numpy as np, tensorflow as tf
X, Y = np.arange(240, dtype="float32").reshape(60, 4), np.arange(60) % 3
def whole(batch: int = 0, repeat: bool = False, spare: int = 0):
    data = tf.data.Dataset.from_tensor_slices((X, Y))
    data = data.batch(batch, drop_remainder=bool(spare)) if batch else data
    return data.repeat() if repeat else data
def three():
    return whole(), whole(7), whole(60), ["oak", "elm", "ash"]
def words():
    return tf.data.Dataset.from_tensor_slices((X, np.array(["oak", "elm", "ash"])[Y])).batch(8)
def weighted():
    return tf.data.Dataset.from_tensor_slices((X, Y, Y))
def failing():
    def rows():
        yield X[0], 1
        raise RuntimeError("it is mine")
    return tf.data.Dataset.from_generator(rows, output_signature=(tf.TensorSpec((4,)), tf.TensorSpec((), tf.int32)))
def ragged():
    def rows():
        yield X[0], 1
        yield X[0, :2], 1
    return tf.data.Dataset.from_generator(rows, output_signature=(tf.TensorSpec((None,)), tf.TensorSpec((), tf.int32)))
"""
    for args in ((), ("batch=7",), ("batch=60",), ("batch=6", "spare=1")):
        dataset = load(text, *args, name="whole")
        assert np.array_equal(dataset.train.inputs, np.arange(240).reshape(60, 4))
        assert np.array_equal(dataset.train.labels, np.arange(60) % 3)
        assert "60 samples from tf.data, read once and kept in memory" in dataset.notes[0]
    dataset = load(text, name="three")
    assert [len(split) for split in dataset.splits.values()] == [60, 60, 60]
    assert dataset.class_names == ("oak", "elm", "ash")
    assert load(text, name="words").class_names == ("ash", "elm", "oak")
    monkeypatch.setattr("tbcli.data.streams.MOST_BYTES_IN_MEMORY", 100)
    streamed = load(text, "batch=7", name="whole")
    assert np.array_equal(streamed.train.inputs[np.arange(60)], np.arange(240).reshape(60, 4))
    assert "in a temporary file in" in streamed.notes[0]
    for name, message in (
        ("weighted", "elements of the train dataset are tuples of 3"),
        ("failing", "it is mine"),
        ("ragged", r"inputs of the train dataset differ: \[4\], then \[2\]"),
    ):
        with pytest.raises(DoesNotFit, match=message):
            load(text, name=name)
    with pytest.raises(DoesNotFit, match="is infinite"):
        load(text, "repeat=true", name="whole")


def test_arguments_of_data_and_model_stand_in_the_record_of_a_run() -> None:
    config = Config().updated({"data.args": ("size=3", "units=a"), "model.args": ("units=8", "path=[1, 2]")})
    assert argument_facts(config) == {"arguments": {"size": 3, "data.units": "a", "units": 8, "path": [1, 2]}}
    assert argument_facts(Config()) == {}
