"""How numbers, dates and codes are written is learnt at training, kept, and never read in another way afterwards."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data.column_choice import encode_columns, forms_of, unknown_categories
from tbcli.data.dataset import Column, Dataset
from tbcli.data.raw_columns import RawTable
from tbcli.data.tables import load_table, read_table
from tbcli.errors import DoesNotFit


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def train(folder: Path, text: str, **settings: object) -> Dataset:
    return load_table(DataConfig(source=str(write(folder, text)), target="y", **settings))  # type: ignore[arg-type]


def predict(folder: Path, text: str, columns: tuple[Column, ...]) -> tuple[RawTable, np.ndarray]:
    table = read_table(write(folder, text, "new.csv"), forms=forms_of(columns))
    return table, encode_columns(table, columns)


def a_column(cells: list[str], separator: str = ",") -> str:
    """Return a table with these cells again and again, in quotes."""
    rows = [f'"{cells[i % len(cells)]}"{separator}{i % 7}{separator}{"ab"[i % 2]}' for i in range(60)]
    return "\n".join([separator.join(("x", "z", "y")), *rows])


@pytest.mark.parametrize(
    ("trained", "new", "month", "opposite"),
    [
        (["28/03/2024", "05/04/2023"], "02/03/2024", 3, "03/28/2024"),
        (["03/28/2024", "04/05/2023"], "02/03/2024", 2, "28/03/2024"),
        (["28-03-2024 10:00", "05-04-2023 11:00"], "02-03-2024 10:00", 3, "03-28-2024 10:00"),
    ],
)
def test_dates_are_read_in_the_order_of_the_training_file(
    tmp_path: Path, trained: list[str], new: str, month: int, opposite: str
) -> None:
    columns = train(tmp_path, a_column(trained)).columns
    place = [column.name for column in columns].index("x.month")
    table, inputs = predict(tmp_path, f"x,z\n{new},1\n{new},2\n", columns)
    assert inputs[:, place].tolist() == [month, month]
    assert not table.notes
    with pytest.raises(DoesNotFit, match=f"holds no dates (day|month) first: '{opposite}'"):
        predict(tmp_path, f"x,z\n{opposite},1\n{new},2\n", columns)


def test_dots_separate_thousands_in_a_file_with_decimal_commas(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a;b;c\n2.033;0,53;0.5\n819;1,5;0.25\n"))
    assert table.column("a").values.tolist() == [2033, 819]
    assert table.column("b").values.tolist() == [0.53, 1.5]
    assert table.column("c").values.tolist() == [0.5, 0.25]
    said = "\n".join(table.notes)
    assert "column 'a': numbers such as 2.033 are read with decimal commas, as others in this file" in said
    assert "column 'b': numbers such as 0,53 are read with a decimal comma" in said
    assert "column 'c': numbers such as 0.5 are read with a decimal point" in said


def test_dots_that_may_separate_thousands_are_told(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a;b\n2.033;x\n819;y\n"))
    assert table.column("a").values.tolist() == [2.033, 819]
    assert any("column 'a': numbers such as 2.033 are read with a decimal point" in note for note in table.notes)


def test_thousands_and_decimal_commas_stand_in_one_column(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a;b\n2.033;x\n819;y\n0,53;z\n1.234.567,5;z\n"))
    assert table.column("a").values.tolist() == [2033, 819, 0.53, 1234567.5]


@pytest.mark.parametrize(
    ("trained", "new", "read", "opposite"),
    [
        (["9,00", "8,5"], "9,000", 9.0, "9.5"),
        (["9.25", "8.5"], "9,000", 9000.0, "9,00"),
        (["1,234.5", "8"], "9,000", 9000.0, "9,5"),
        (["1.234,5", "8"], "9.000", 9000.0, "9.5"),
    ],
)
def test_numbers_are_read_in_the_form_of_the_training_file(
    tmp_path: Path, trained: list[str], new: str, read: float, opposite: str
) -> None:
    columns = train(tmp_path, a_column(trained)).columns
    _, inputs = predict(tmp_path, f'x,z\n"{new}",1\n"{new}",2\n', columns)
    assert inputs[:, 0].tolist() == [read, read]
    with pytest.raises(DoesNotFit, match=f"'x' must hold numbers with a decimal (comma|point), but has '{opposite}'"):
        predict(tmp_path, f'x,z\n"{opposite}",1\n"{opposite}",2\n', columns)


def test_columns_of_earlier_records_are_read_as_before(tmp_path: Path) -> None:
    columns = tuple(Column(**{k: v for k, v in asdict(Column(name)).items() if k != "form"}) for name in "xz")
    _, inputs = predict(tmp_path, "x;z\n1,5;007\n2,5;8\n", columns)
    assert inputs.tolist() == [[1.5, 7], [2.5, 8]]


def test_numbers_with_leading_zeros_are_words(tmp_path: Path) -> None:
    rows = "".join(f"{('01067', '10115')[i % 2]},{i % 7},{('007', '7', '12')[i % 3]}\n" for i in range(60))
    dataset = train(tmp_path, f"x,z,y\n{rows}")
    assert set(dataset.class_names) == {"007", "7", "12"}
    assert dataset.columns[0].vocabulary == ("01067", "10115")
    assert any("column 'x': numbers with leading zeros such as 01067" in note for note in dataset.notes)
    assert train(tmp_path, f"x,z,y\n{rows}", task="regression").task.name == "regression"
    _, inputs = predict(tmp_path, "x,z\n10115,1\n10115,2\n", dataset.columns)
    assert inputs[:, 0].tolist() == [2, 2]


def test_categories_that_a_model_has_not_met_are_counted_by_column(tmp_path: Path) -> None:
    columns = train(tmp_path, a_column(["Rome", "Oslo"])).columns
    table, inputs = predict(tmp_path, "x,z\nRome,1\nberlin,2\nberlin,2\nParis,3\n", columns)
    assert inputs[1:, 0].tolist() == [0, 0, 0]
    said = "3 cells of 'x' hold categories that the model does not know, such as 'berlin'; read as missing"
    assert list(unknown_categories(table, columns)) == [said]
    table, _ = predict(tmp_path, "x,z\nrome,1\nOslo,2\n", columns)
    (said,) = unknown_categories(table, columns)
    assert said.startswith("1 cell of 'x' holds a category")
    assert "('rome' differs from 'Rome' only in case)" in said
