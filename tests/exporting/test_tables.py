from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from pyarrow.parquet import read_table

from tbcli.exporting import write_table
from tbcli.readers.metrics import NamedSeries
from tbcli.readers.series import Series


def metric(run: str, name: str, steps: list[int], values: list[float]) -> NamedSeries:
    wall_times = np.array(steps, np.float64) + 0.5
    return NamedSeries(
        run, name, name, "", "", Series(run, name, np.array(steps, np.int64), wall_times, np.array(values, np.float64))
    )


SERIES = (
    metric("one", "loss", [1, 2, 3], [0.5, math.nan, 0.25]),
    metric("one", "val, loss", [1, 3], [0.75, math.inf]),
    metric("two", "loss", [2], [1.0]),
)


def table(form: str, *, wide: bool = False, series=SERIES) -> bytes:
    file = io.BytesIO()
    write_table(series, form, file, wide=wide)
    return file.getvalue()


def rows(*, wide: bool = False, series=SERIES) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table("csv", wide=wide, series=series).decode())))


def test_tidy_csv_has_a_row_a_point() -> None:
    assert rows() == [
        ["run", "metric", "step", "wall_time", "value"],
        ["one", "loss", "1", "1.5", "0.5"],
        ["one", "loss", "2", "2.5", "nan"],
        ["one", "loss", "3", "3.5", "0.25"],
        ["one", "val, loss", "1", "1.5", "0.75"],
        ["one", "val, loss", "3", "3.5", "inf"],
        ["two", "loss", "2", "2.5", "1.0"],
    ]


def test_wide_csv_has_a_row_a_step_with_empty_cells_where_nothing_was_written() -> None:
    assert rows(wide=True) == [
        ["run", "step", "loss", "val, loss"],
        ["one", "1", "0.5", "0.75"],
        ["one", "2", "nan", ""],
        ["one", "3", "0.25", "inf"],
        ["two", "2", "1.0", ""],
    ]


def test_a_step_that_was_written_twice_has_two_rows() -> None:
    reset = (metric("one", "a", [1, 2, 1, 3], [10, 20, 11, 30]), metric("one", "b", [1, 3], [5, 6]))
    assert rows(wide=True, series=reset)[1:] == [
        ["one", "1", "10.0", "5.0"],
        ["one", "1", "11.0", ""],
        ["one", "2", "20.0", ""],
        ["one", "3", "30.0", "6.0"],
    ]


def test_a_long_series_is_whole_across_the_parts_it_is_written_in() -> None:
    steps = list(range(100_000))
    long = (metric("one", "a", steps, [float(step) for step in steps]), metric("one", "b", [50_000], [7.0]))
    body = rows(wide=True, series=long)[1:]
    assert [int(row[1]) for row in body] == steps
    assert [float(row[2]) for row in body] == steps
    assert [row[1] for row in body if row[3]] == ["50000"]
    assert len(rows(series=long)) == 100_002


def test_json_is_one_document_with_null_for_what_is_no_number() -> None:
    document = json.loads(table("json"))
    assert document["schema"] == 2
    assert document["points"][1] == {"run": "one", "metric": "loss", "step": 2, "wall_time": 2.5, "value": None}
    assert [point["value"] for point in document["points"]] == [0.5, None, 0.25, 0.75, None, 1.0]
    wide = json.loads(table("json", wide=True))
    assert wide["rows"][1] == {"run": "one", "step": 2, "loss": None, "val, loss": None}
    assert wide["rows"][3] == {"run": "two", "step": 2, "loss": 1.0, "val, loss": None}


@pytest.mark.parametrize("wide", [False, True])
def test_json_of_several_parts_parses(wide: bool) -> None:
    steps = list(range(70_000))
    long = (metric("one", "a", steps, [0.5] * len(steps)), metric("two", "a", [1], [2.0]))
    document = json.loads(table("json", wide=wide, series=long))
    assert len(document["rows" if wide else "points"]) == 70_001


def test_parquet_holds_the_numbers_and_tells_a_nan_from_a_gap(tmp_path) -> None:
    for wide in (False, True):
        (tmp_path / f"{wide}.parquet").write_bytes(table("parquet", wide=wide))
    tidy = read_table(tmp_path / "False.parquet").to_pydict()
    assert tidy["run"] == ["one"] * 5 + ["two"]
    assert tidy["step"] == [1, 2, 3, 1, 3, 2]
    np.testing.assert_equal(tidy["value"], [0.5, math.nan, 0.25, 0.75, math.inf, 1.0])
    wide_table = read_table(tmp_path / "True.parquet").to_pydict()
    np.testing.assert_equal(wide_table["loss"], [0.5, math.nan, 0.25, 1.0])
    assert wide_table["val, loss"] == [0.75, None, math.inf, None]
