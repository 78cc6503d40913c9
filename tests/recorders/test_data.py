"""Class balance and statistics of the values are those that NumPy counts."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tbcli.data.dataset import Column, Dataset, Split
from tbcli.figures.png.sheet import THUMBNAIL_WIDTH, WRONG
from tbcli.figures.png.values import Values
from tbcli.recorders import input_values
from tbcli.recorders.data import DataRecorder
from tbcli.recorders.input_values import describe_values, measure_values
from tbcli.recorders.labels import describe_balance
from tests.recorders.memory import MemoryWriter, snapshot
from tests.recorders.pictures import drawn

RANDOM = np.random.default_rng(11)


def split_of(inputs: Any, labels: np.ndarray | None = None, positions: np.ndarray | None = None) -> Split:
    count = len(inputs) if positions is None else len(positions)
    labels = np.zeros(inputs.shape[0], np.int64) if labels is None else labels
    return Split(inputs, labels, np.arange(count) if positions is None else positions)


def colours(count: int = 40, channels: int = 3) -> np.ndarray:
    pixels = RANDOM.integers(0, 200, (count, 6, 5, channels)).astype(np.uint8)
    pixels[:, :2] = 0
    return pixels


def assert_measured(found: Values, values: np.ndarray) -> None:
    """Compare with ``[n, channels]``."""
    assert found.minimum == pytest.approx(values.min(axis=0))
    assert found.maximum == pytest.approx(values.max(axis=0))
    assert found.mean == pytest.approx(values.mean(axis=0))
    assert found.std == pytest.approx(values.std(axis=0))
    assert found.zeros == pytest.approx((values == 0).mean(axis=0))
    assert found.counts.sum(axis=1).tolist() == [len(values)] * values.shape[1]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64])
def test_statistics_of_pixels_are_those_of_numpy_a_channel(channels: int, kind: type) -> None:
    pixels = colours(channels=channels).astype(kind)
    found = measure_values(split_of(pixels))
    assert_measured(found, pixels.reshape(-1, channels).astype(np.float64))
    assert found.samples == len(pixels)


def test_statistics_are_of_the_split_and_not_of_its_source() -> None:
    pixels = colours()
    positions = np.array([3, 30, 17])
    assert_measured(measure_values(split_of(pixels, positions=positions)), pixels[positions].reshape(-1, 3) / 1.0)


@pytest.mark.parametrize("shape", [(7,), (9, 4), (2, 3, 4, 5)])
def test_what_is_no_image_is_measured_all_together(shape: tuple[int, ...]) -> None:
    numbers = RANDOM.normal(size=(20, *shape)).astype(np.float32)
    assert_measured(measure_values(split_of(numbers)), numbers.reshape(-1, 1).astype(np.float64))


def test_bytes_are_counted_in_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_values, "_CHUNK", 7 * 90)
    pixels = colours()
    assert_measured(measure_values(split_of(pixels)), pixels.reshape(-1, 3) / 1.0)


def test_of_too_many_numbers_a_part_is_looked_at_evenly_and_the_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_values, "_MOST_NUMBERS", 3 * 90)
    pixels = colours(count=41).astype(np.float32)
    found = measure_values(split_of(pixels))
    assert_measured(found, pixels[[0, 20, 40]].reshape(-1, 3).astype(np.float64))
    assert "3 of 41" in describe_values({"train": found}, {"train": 41})


def test_numbers_that_are_not_finite_are_left_out() -> None:
    numbers = np.array([[1.0], [np.nan], [3.0], [np.inf]])
    assert_measured(measure_values(split_of(numbers)), np.array([[1.0], [3.0]]))
    nothing = measure_values(split_of(np.full((2, 3), np.nan)))
    assert np.isnan(nothing.mean).all()


def test_the_table_of_classes_has_counts_shares_and_sums() -> None:
    counts = {"train": np.array([3, 0, 1]), "test": np.array([0, 1, 1])}
    header, _, *rows = describe_balance(counts, ("cat", "dog|<b>", "cow")).splitlines()
    assert header == "| class | train | % of train | test | % of test |"
    assert rows[0] == "| cat | 3 | 75.00 | 0 | 0.00 |"
    assert rows[1].count("|") == 6  # a bar in a name is no column
    assert "<b>" not in rows[1]
    assert rows[3] == "| all | 4 | 100.00 | 2 | 100.00 |"
    assert rows[-1] == "Classes without a sample: train: no sample of 1, test: no sample of 1."


def test_the_table_of_very_many_classes_ends_and_says_so() -> None:
    told = describe_balance({"train": np.ones(1200, np.int64)}, [f"class {number}" for number in range(1200)])
    assert told.count("\n| class ") == 1000
    assert "| all | 1,200 | 100.00 |" in told
    assert "And 200 classes more." in told


def recorded(dataset: Dataset) -> MemoryWriter:
    writer = MemoryWriter()
    moment = snapshot(0)
    DataRecorder().on_begin(type(moment)(moment.config, dataset, None, 0, 0, {}), writer)
    return writer


def dataset_of(inputs: np.ndarray, names: tuple[str, ...], *, is_whole: bool = True) -> Dataset:
    split = split_of(inputs, np.arange(len(inputs)) % max(1, len(names) - 1))
    return Dataset("some", split, split.first(1) if is_whole else None, split.first(9) if is_whole else None, names)


CASES = {
    "ten classes": (colours(), tuple("0123456789")),
    "two classes": (colours(channels=1), ("yes", "no")),
    "200 classes": (colours(), tuple(f"class {number}" for number in range(200))),
    "3000 classes": (colours(), tuple(f"class {number}" for number in range(3000))),
    "odd names": (colours(), ("", "漢字", "a|b\n<c>", "$x$", "\x1b[31m")),
    "rows": (RANDOM.normal(size=(20, 7)), ("a", "b", "c")),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_whole", [True, False])
def test_all_is_written_once_for_any_data(case: str, is_whole: bool) -> None:
    writer = recorded(dataset_of(*CASES[case], is_whole=is_whole))
    written = {place: [step for step, _ in found] for place, found in writer.written.items()}
    texts, pictures = ("data/class_balance", "data/statistics"), ("data/class_balance", "data/pixels")
    assert written == {**{("", tag): [0] for tag in texts}, **{("train", tag): [0] for tag in pictures}}
    for tag in pictures:
        (_, (png, size)), *_ = writer.written["train", tag]
        with Image.open(io.BytesIO(png)) as picture:
            assert picture.size == size
            assert len(picture.convert("RGB").getcolors(1_000_000)) > 2
        assert size[0] >= THUMBNAIL_WIDTH


def test_a_class_without_a_sample_is_marked_in_the_picture() -> None:
    names = ("a", "b", "c")

    def marks(inputs: np.ndarray, names: tuple[str, ...]) -> int:
        png, _ = recorded(dataset_of(inputs, names, is_whole=False)).written["train", "data/class_balance"][0][1]
        return int((np.asarray(Image.open(io.BytesIO(png))) == WRONG).all(axis=-1).sum())

    assert marks(colours(), names) > 100  # nobody is of the last class
    assert marks(colours(), names[:1]) == 0


def test_the_columns_of_a_table_are_described_each_for_itself() -> None:
    rows = np.array([[1.0, 1], [2.0, 2], [3.0, 2], [6.0, 0]], np.float32)
    columns = (Column("age"), Column("town | <b>", "category", ("Rome", "Oslo")))
    split = split_of(rows, np.array([0, 1, 0, 1]))
    writer = recorded(Dataset("people", split, split.first(2), None, ("no", "yes"), columns=columns))
    ((_, markdown),) = writer.written["", "data/statistics"]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()[2:]]
    assert table[0] == ["age", "train", "number", "4", "1", "6", "3", f"{rows[:, 0].std():.6g}", ""]
    assert table[2][1:4] == ["train", "category", "4"]
    assert "Oslo" in table[2][-1]
    assert "50.00" in table[2][-1]
    assert drawn(writer, "train", "data/pixels").shape[1] == THUMBNAIL_WIDTH
