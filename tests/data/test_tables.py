"""Tables as data: what is learnt of a column comes from the training rows, and what is left out is named."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.config import DataConfig
from tbcli.data import require_source
from tbcli.data.column_choice import encode_columns, forms_of
from tbcli.data.dataset import Dataset
from tbcli.data.inspection import inspect_dataset
from tbcli.data.tables import load_table, read_table
from tbcli.errors import ConfigError, DoesNotFit, NotFound

Rows = list[dict[str, object]]


def passengers(count: int = 300) -> Rows:
    """Return rows with everything in them that tables have."""
    draw = random.Random(0)
    return [
        {
            "PassengerId": i + 1,
            "name": f"Person {i}",
            "class": draw.choice([1, 2, 3]),
            "sex": draw.choice(["male", "female"]),
            "age": draw.choice(["", draw.randint(1, 80)]),
            "fare": round(draw.random() * 100, 2),
            "member": draw.choice(["True", "False"]),
            "when": f"2024-{i % 12 + 1:02}-{i % 28 + 1:02} {i % 24:02}:30:00",
            "constant": "x",
            "survived": draw.choice([0, 1]),
        }
        for i in range(count)
    ]


def as_csv(path: Path, rows: Rows) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def as_parquet(path: Path, rows: Rows) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows)
    frame["age"] = pandas.to_numeric(frame["age"])
    frame["member"] = frame["member"] == "True"
    frame["when"] = pandas.to_datetime(frame["when"])
    frame["sex"] = frame["sex"].astype("category")
    frame.to_parquet(path)


def load(path: Path, **settings: object) -> Dataset:
    return load_table(DataConfig(source=str(path), **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(("write", "name"), [(as_csv, "people.csv"), (as_parquet, "people.parquet")])
def test_a_table_becomes_numbers_and_categories(tmp_path: Path, write: Callable[[Path, Rows], None], name: str) -> None:
    rows = passengers()
    write(tmp_path / name, rows)
    dataset = load(tmp_path / name, target="survived")
    kinds = {column.name: column.kind for column in dataset.columns}
    assert kinds == {
        "class": "number", "sex": "category", "age": "number", "fare": "number", "member": "category",
        "when.month": "number", "when.weekday": "number", "when.seconds": "number",
    }  # fmt: skip
    assert dataset.name == "people"
    assert dataset.class_names == ("0", "1")
    assert dataset.input_shape == (8,)
    assert dataset.train.inputs.dtype == np.float32
    notes = "\n".join(dataset.notes)
    assert "identifier: a distinct value in each row): PassengerId" in notes
    assert "over half of all values): name" in notes
    assert "constant in the training rows): when.year, constant" in notes
    by_name = {column.name: i for i, column in enumerate(dataset.columns)}
    inputs, labels = dataset.train.inputs, dataset.train.labels
    assert labels.tolist() == [row["survived"] for row in rows]
    for i, row in enumerate(rows):
        assert inputs[i, by_name["sex"]] == ("female", "male").index(str(row["sex"])) + 1
        assert inputs[i, by_name["fare"]] == np.float32(row["fare"])
        assert inputs[i, by_name["when.seconds"]] == (i % 24) * 3600 + 1800


@given(data=st.data())
def test_one_table_is_the_same_as_text_and_as_parquet(tmp_path: Path, data: st.DataObject) -> None:
    pandas = pytest.importorskip("pandas")
    rows = data.draw(st.integers(30, 60))
    word = st.sampled_from(["red", "blue", "dark green", "a,b", 'say "x"', "ä;ö"])
    kinds = {
        "whole": st.integers(-1000, 1000),
        "fraction": st.floats(-1e6, 1e6),
        "word": word,
        "truth": st.booleans(),
        "day": st.integers(-(10**9), 2 * 10**9).map(lambda seconds: np.datetime64(seconds, "s")),
        "gaps": st.one_of(st.none(), st.floats(0, 1)),
        "some": st.one_of(st.none(), word),
    }
    chosen = data.draw(st.lists(st.sampled_from(list(kinds)), min_size=2, max_size=7, unique=True))
    frame = pandas.DataFrame({name: data.draw(st.lists(kinds[name], min_size=rows, max_size=rows)) for name in chosen})
    frame["y"] = np.arange(rows) % 2
    separator = data.draw(st.sampled_from(",;\t|"))
    frame.to_csv(tmp_path / "t.csv", index=False, sep=separator)
    frame.to_parquet(tmp_path / "t.parquet")
    results = []
    for name in ("t.csv", "t.parquet"):
        try:
            results.append(load(tmp_path / name, target="y"))
        except DoesNotFit as error:  # no column is left
            results.append(str(error))
    text, parquet = results
    if isinstance(text, str):
        assert text == parquet
        return
    assert tuple(replace(column, form="") for column in text.columns) == parquet.columns
    assert np.array_equal(text.train.inputs, parquet.train.inputs)
    assert text.class_names == parquet.class_names


def test_means_fills_and_vocabularies_are_those_of_training_rows(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"a": i * i if i % 3 else "", "b": f"v{i % 90}", "y": i % 2} for i in range(100)])
    dataset = load(tmp_path / "t.csv", target="y")
    train = dataset.train.positions
    a, b = dataset.columns
    values = np.array([i * i for i in sorted(train) if i % 3], float)
    assert a.fill == np.median(values)
    filled = np.array([i * i if i % 3 else a.fill for i in train], float)
    assert np.isclose(a.mean, filled.mean())
    assert np.isclose(a.std, filled.std())
    assert b.vocabulary == tuple(sorted({f"v{i % 90}" for i in train}))
    unseen = [i for i in range(100) if f"v{i % 90}" not in b.vocabulary]
    assert unseen
    assert not dataset.train.inputs[unseen, 1].any()


def test_missing_targets_are_dropped_with_a_count(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"a": i, "y": "" if i % 10 == 0 else i % 2} for i in range(50)])
    dataset = load(tmp_path / "t.csv", target="y")
    assert len(dataset.train.labels) == 45
    assert "5 rows have no value of y and are left out" in dataset.notes


@pytest.mark.parametrize(
    ("target", "task", "names"),
    [
        ("word", "classification", ("no", "yes")),
        ("few", "classification", ("0", "1", "2")),
        ("many", "regression", ("many",)),
        ("fraction", "regression", ("fraction",)),
        ("many,fraction", "regression", ("many", "fraction")),
        ("bit,word", "multi-label", ("bit", "word")),
        ("bit, third", "multi-label", ("bit", "third")),
        ("fraction , many", "regression", ("fraction", "many")),
    ],
)
def test_the_target_tells_the_task(tmp_path: Path, target: str, task: str, names: Sequence[str]) -> None:
    rows: Rows = [
        {
            "x": i % 7,
            "word": ("yes", "no")[i % 5 > 1],
            "few": i % 3,
            "many": i,
            "fraction": i / 7,
            "bit": i % 2,
            "third": int(i % 3 == 0),
        }
        for i in range(60)
    ]
    as_csv(tmp_path / "t.csv", rows)
    dataset = load(tmp_path / "t.csv", target=target)
    assert dataset.task.name == task
    assert dataset.class_names == names
    assert not {column.name for column in dataset.columns} & {name.strip() for name in target.split(",")}


def test_a_table_without_target_proposes_one(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"Label": 1, "x": 2, "z": 3}])
    with pytest.raises(ConfigError, match=r"no --target given for t.csv; its columns are Label, x, z") as caught:
        load(tmp_path / "t.csv")
    assert "--target Label" in caught.value.hint


def test_a_target_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"species": 1, "x": 2, "z": 3}])
    with pytest.raises(NotFound, match=r"t.csv has no column 'specis'") as caught:
        load(tmp_path / "t.csv", target="specis")
    assert caught.value.hint == "did you mean 'species'? It has species, x, z"


@pytest.mark.parametrize(
    ("rows", "target", "message"),
    [
        ([{"x": i, "y": ""} for i in range(9)], "y", "column 'y' of t.csv has no values"),
        ([{"y": i % 2} for i in range(9)], "y", "all columns of t.csv are targets"),
        ([{"x": 1, "y": i % 2} for i in range(9)], "y", "no input columns are left"),
        ([{"x": "inf" if i == 4 else i, "y": i % 2} for i in range(9)], "y", "has infinite values in 1 rows, .* row 5"),
        ([{"x": i, "y": f"2024-01-0{i + 1}"} for i in range(9)], "y", "column 'y' holds dates"),
        ([{"x": i, "y": i % 2, "z": "ab"[i % 2]} for i in range(9)], "y,z", "column 'z' holds strings such as 'a'"),
        ([{"x": 1, "y": 1}], "y", "only one sample"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_says_why(tmp_path: Path, rows: Rows, target: str, message: str) -> None:
    as_csv(tmp_path / "t.csv", rows)
    with pytest.raises(DoesNotFit, match=message):
        load(tmp_path / "t.csv", target=target)


def test_the_limits_of_text_are_those_of_the_documentation(tmp_path: Path) -> None:
    def kinds(different: int, rows: int) -> list[str]:
        as_csv(tmp_path / "t.csv", [{"x": i % 5, "w": f"w{i % different}", "y": i % 2} for i in range(rows)])
        return [column.name for column in load(tmp_path / "t.csv", target="y").columns]

    assert kinds(100, 150) == ["x", "w"]
    assert kinds(101, 150) == ["x"]
    assert kinds(101, 202) == ["x", "w"]


def test_other_files_are_encoded_as_the_training_rows_were(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", passengers())
    columns = load(tmp_path / "t.csv", target="survived").columns
    new = passengers(5)
    for row in new:
        del row["survived"], row["constant"]
    new[0] |= {"age": "", "sex": "other", "fare": ""}
    as_csv(tmp_path / "new.csv", [dict(reversed(row.items())) for row in new])
    inputs = encode_columns(read_table(tmp_path / "new.csv", forms=forms_of(columns)), columns)
    by_name = {column.name: i for i, column in enumerate(columns)}
    assert inputs[0, by_name["age"]] == np.float32(columns[by_name["age"]].fill)
    assert inputs[0, by_name["fare"]] == np.float32(columns[by_name["fare"]].fill)
    assert inputs[0, by_name["sex"]] == 0
    assert inputs[1, by_name["when.month"]] == 2


def test_categories_that_look_like_numbers_in_a_new_file_are_found_again(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"code": ["1", "2", "B"][i % 3], "y": i % 2} for i in range(60)])
    columns = load(tmp_path / "t.csv", target="y").columns
    (tmp_path / "new.csv").write_text("code,other\n2,x\n1,x\n3,y\n")
    assert encode_columns(read_table(tmp_path / "new.csv", forms=forms_of(columns)), columns).tolist() == [
        [2],
        [1],
        [0],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("b\n1\n", "no column 'a'"), ("a,b\nx,1\n", "column 'a' must hold numbers, but has 'x'")],
)
def test_a_new_file_that_does_not_fit_says_so(tmp_path: Path, text: str, message: str) -> None:
    as_csv(tmp_path / "t.csv", [{"a": i, "y": i % 2} for i in range(60)])
    columns = load(tmp_path / "t.csv", target="y").columns
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(DoesNotFit, match=message):
        encode_columns(read_table(tmp_path / "new.csv"), columns)


def test_classes_are_held_out_in_proportion(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"a": i, "y": "rare" if i % 10 == 0 else "usual"} for i in range(200)])
    dataset = load(tmp_path / "t.csv", target="y")
    assert dataset.validation
    assert dataset.test
    for split in (dataset.train, dataset.validation, dataset.test):
        assert (split.labels[split.positions] == 0).mean() == 0.1


def test_scikit_learns_own_files_are_read() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    directory = Path(datasets.__file__).parent / "data"
    for name, rows, classes in (("iris", 150, 3), ("breast_cancer", 569, 2), ("wine_data", 178, 3)):
        dataset = load(directory / f"{name}.csv", target="target")
        assert len(dataset.train.labels) == rows
        assert len(dataset.class_names) == classes
    assert load(directory / "iris.csv", target="target").class_names == ("setosa", "versicolor", "virginica")
    assert load(directory / "diabetes_data_raw.csv.gz", target="c9").task.name == "regression"
    assert load(directory / "linnerud_exercise.csv", target="Chins,Jumps").class_names == ("Chins", "Jumps")


def test_a_damaged_parquet_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DoesNotFit, match=r"t.parquet cannot be read as Parquet"):
        load(tmp_path / "t.parquet", target="y")


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError, match="needs pyarrow") as caught:
        load(tmp_path / "t.parquet", target="y")
    assert "tbcli[parquet]" in caught.value.hint


def test_a_class_that_is_called_na_is_doubted(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"a": i, "b": i * i % 7, "y": ("NA", "EU", "n/a", "SA")[i % 4]} for i in range(80)])
    dataset = load(tmp_path / "t.csv", target="y")
    said = "40 of 80 values of 'y' are 'NA', 'n/a', read as missing, and their rows are left out"
    assert dataset.notes[0].startswith(said)
    assert ("missing", dataset.notes[0]) in inspect_dataset(dataset).findings
    as_csv(tmp_path / "t.csv", [{"a": i, "b": i * i % 7, "y": "NA" if i < 2 else "ab"[i % 2]} for i in range(80)])
    assert not load(tmp_path / "t.csv", target="y").doubts


def test_classes_that_differ_only_in_case_are_found(tmp_path: Path) -> None:
    as_csv(tmp_path / "t.csv", [{"a": i * 7 % 11, "b": i % 5, "y": ("Cat", "cat", "dog")[i % 3]} for i in range(90)])
    findings = dict(inspect_dataset(load(tmp_path / "t.csv", target="y")).findings)
    assert findings["names"].startswith("'Cat', 'cat' are classes of their own")


@pytest.mark.parametrize("task", ["auto", "regression"])
def test_words_among_the_numbers_of_a_target_are_named_by_row(tmp_path: Path, task: str) -> None:
    rows: Rows = [{"a": i * 7 % 11, "y": "unknown" if i in (5, 60) else i * 1.5} for i in range(80)]
    as_csv(tmp_path / "t.csv", rows)
    with pytest.raises(DoesNotFit, match="rows 6 and 61 of 'y' hold words such as 'unknown', among numbers"):
        load(tmp_path / "t.csv", target="y", task=task)
    rows[60]["y"] = 7
    as_csv(tmp_path / "t.csv", rows)
    with pytest.raises(DoesNotFit, match="row 6 of 'y' holds a word, 'unknown', among numbers"):
        load(tmp_path / "t.csv", target="y", task=task)


def test_a_target_in_a_header_of_numbers_is_told_what_the_first_row_is(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("5,7\n1,2\n3,4\n")
    with pytest.raises(NotFound, match="no column '7': no header row was recognised, so the first row is data"):
        load(tmp_path / "t.csv", target="7")


def test_a_file_that_is_not_there_reminds_of_one_with_such_a_name(tmp_path: Path) -> None:
    (tmp_path / "odd2.npz").touch()
    with pytest.raises(NotFound) as caught:
        require_source(str(tmp_path / "odd22.npz"))
    assert "did you mean" in caught.value.hint
    assert "odd2.npz" in caught.value.hint
