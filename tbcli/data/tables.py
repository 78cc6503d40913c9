"""A table as data: a row per sample, one column or several to predict, the others to predict them from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tbcli.config import DataConfig
from tbcli.config.paths import expanded
from tbcli.data.column_choice import choose_columns, encode_columns, forms_of, unknown_categories
from tbcli.data.dataset import Column, Dataset, Split, cut_splits
from tbcli.data.parquet_tables import MAGIC, read_parquet_table
from tbcli.data.raw_columns import NUMBER, RawColumn, RawTable
from tbcli.data.targets import FEW_CLASSES, Targets, read_targets
from tbcli.data.text_tables import read_text_table
from tbcli.errors import ConfigError, DoesNotFit, NotFound
from tbcli.naming.matching import listed, nearest
from tbcli.naming.slugs import slug_of
from tbcli.tasks import CLASSIFICATION, REGRESSION

_LIKELY_TARGETS = ("target", "label", "class", "y", "targets", "labels", "outcome", "response", "category", "output")
_MANY_MISSING = 0.05  # of the rows
_FEW_STRAY = 0.1  # the same: words among numbers
_MOST_NAMED = 5
_NUMERAL = re.compile(r"[-+%$€£¥ ]*[.,]?\d[\d.,]*([eE][-+]?\d+)?[ %$€£¥]*")
_TRUTH = {"true": 1, "false": 0, "yes": 1, "no": 0, "t": 1, "f": 0, "y": 1, "n": 0}


def load_table(config: DataConfig, columns: Sequence[Column] = ()) -> Dataset:
    """Return the rows of a table as samples ``[columns]``, float32.

    What is learnt of a column, as its mean or its categories, is learnt from the training rows alone.

    Args:
        config: The file, its target, and how to split it.
        columns: Those of a model that was trained already, which are then looked for; else they are chosen.

    Raises:
        ConfigError: No target is named, or an extra is missing.
        NotFound: The target is no column.
        DoesNotFit: The file is no table, or its target does not suit the task.
    """
    path = expanded(config.source)
    forms = dict.fromkeys(_listed_names(config.target), NUMBER) if config.task == REGRESSION.name else {}
    table = read_table(path, forms={**forms, **forms_of(columns)}, strict=config.strict)
    names = _target_names(path, table, config.target)
    kept, notes = _rows_with_targets(path, table, names)
    doubts = tuple(_doubts_on_missing(table, names))
    for name in names:
        _require_no_stray_words(table.column(name), config.task)
    targets = _targets_of([table.column(name).chosen(kept) for name in names], table, config.task)
    others = RawTable(tuple(each.chosen(kept) for each in table.columns if each.name not in names))
    dataset = cut_splits(
        slug_of(path.name.partition(".")[0]) or "table",
        (np.empty((len(kept), 0), np.float32), targets.labels),
        None,
        targets.names,
        config,
        needs_test=True,
        stratify=targets.task.has_classes,
        task=targets.task,
    )
    if columns:
        left_out = tuple(unknown_categories(others, columns))
    else:
        columns, left_out = choose_columns(others, dataset.train.positions)
    inputs = encode_columns(others, columns)
    said = (*doubts, *table.notes, *notes, *targets.notes, *left_out)
    return replace(_with_inputs(dataset, inputs), columns=tuple(columns), notes=(*said, *dataset.notes), doubts=doubts)


def read_table(path: Path, *, forms: Mapping[str, str] | None = None, strict: bool = False) -> RawTable:
    """Return what a file holds, whether text or Parquet.

    Args:
        path: The file.
        forms: What is known of columns already, by name: that they hold words, numbers, or in which form.
        strict: Whether a row that cannot be read is an error.

    Raises:
        ConfigError: An extra is missing.
        DoesNotFit: It is no table.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(MAGIC)) == MAGIC
        if is_parquet or path.suffix.lower() == ".parquet":
            return read_parquet_table(path, forms=forms)
        return read_text_table(path, forms=forms, strict=strict)
    except OSError as error:
        raise DoesNotFit(
            f"cannot read {str(path.absolute())!r}: {error.strerror}", hint="check the file and its permissions"
        ) from error


def _with_inputs(dataset: Dataset, inputs: np.ndarray) -> Dataset:
    def filled(split: Split | None) -> Split | None:
        return None if split is None else replace(split, inputs=inputs)

    train = replace(dataset.train, inputs=inputs)
    return replace(dataset, train=train, validation=filled(dataset.validation), test=filled(dataset.test))


def _target_names(path: Path, table: RawTable, target: str) -> list[str]:
    """Return the columns to predict.

    Raises:
        ConfigError: None is named.
        NotFound: One is not there.
    """
    columns = listed(table.names)
    if not target.strip(", "):
        likely = next((name for word in _LIKELY_TARGETS for name in table.names if name.lower() == word), "")
        raise ConfigError(
            f"no --target given for {path.name}; its columns are {columns}",
            hint=f"`--target {likely or table.names[-1]}`, or several as a comma list",
        )
    names = [target] if target in table.names else _listed_names(target)  # one may have a comma in its name
    for name in names:
        if name not in table.names:
            if table.names == [f"c{i}" for i in range(len(table.names))]:
                raise NotFound(
                    f"{path.name} has no column {name!r}: no header row was recognised, so the first row is data",
                    hint=f"add a row of names to the file, or use those given: {columns}",
                )
            guess = nearest(name, table.names)
            raise NotFound(
                f"{path.name} has no column {name!r}",
                hint=f"did you mean {guess!r}? It has {columns}" if guess else f"it has {columns}",
            )
    if len(names) == len(table.names):
        raise DoesNotFit(f"all columns of {path.name} are targets", hint="leave some columns as inputs")
    return names


def _listed_names(target: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in target.split(",") if name.strip()))


def _rows_with_targets(path: Path, table: RawTable, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return the rows that have all targets, and how many have not."""
    missing = np.any([table.column(name).is_missing for name in names], axis=0)
    kept, count = np.flatnonzero(~missing), int(missing.sum())
    if not len(kept):
        raise DoesNotFit(f"column {names[0]!r} of {path.name} has no values", hint="name another `--target`")
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    return kept, [f"{rows} no value of {listed(names)} and are left out"] if count else []


def _doubts_on_missing(table: RawTable, names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each target of words in which many are read as missing: they may be a class."""
    for column in map(table.column, names):
        count = sum(number for _, number in column.stand_ins)
        if column.words and count > _MANY_MISSING * table.rows:
            said = listed([repr(word) for word, _ in column.stand_ins])
            yield (
                f"{count:,} of {table.rows:,} values of {column.name!r} are {said}, read as missing, and their rows "
                "are left out: if that is a class, give it another name"
            )


def _require_no_stray_words(column: RawColumn, task: str) -> None:
    """Raise a `DoesNotFit` for a target that holds numbers but for a few words."""
    if column.words is None or task == CLASSIFICATION.name:
        return
    is_odd = np.array([not _NUMERAL.fullmatch(word) for word in column.words])
    rows = np.flatnonzero((column.values >= 0) & is_odd[column.values])
    numbers = len(is_odd) - int(is_odd.sum())
    is_numeric = len(rows) <= _FEW_STRAY * len(column.values) and (numbers > FEW_CLASSES or task == REGRESSION.name)
    if len(rows) and is_numeric:
        places = [f"{row + 1:,}" for row in rows[:_MOST_NAMED]]
        more = f" and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else ""
        where = f"row {places[0]}" if len(rows) == 1 else f"rows {', '.join(places)}{more}"
        if len(rows) == len(places) > 1:
            where = f"rows {', '.join(places[:-1])} and {places[-1]}"
        words = (
            f"a word, {column.words[column.values[rows[0]]]!r},"
            if len(rows) == 1
            else (f"words such as {column.words[column.values[rows[0]]]!r},")
        )
        raise DoesNotFit(
            f"{where} of {column.name!r} {'holds' if len(rows) == 1 else 'hold'} {words} among numbers",
            hint="correct those cells, or empty them to leave the rows out",
        )


def _targets_of(columns: Sequence[RawColumn], table: RawTable, task: str) -> Targets:
    """Return what the columns to predict mean."""
    names = [column.name for column in columns]
    dates = [column.name for column in columns if column.kind == "date"]
    if dates:
        raise DoesNotFit(f"column {dates[0]!r} holds dates, which cannot be predicted", hint="name another `--target`")
    what = f"values of {listed(names)}"
    if len(columns) > 1:
        values = np.stack([_numbers(column) for column in columns], axis=1)
        return read_targets(values, task, names=names, few=FEW_CLASSES, what=what)
    (column,) = columns
    has_names = column.name == table.names[-1] and task != "regression"
    classes = table.class_names if has_names else ()
    targets = read_targets(_values(column), task, names=classes, few=FEW_CLASSES, what=what)
    return targets if targets.task.has_classes else replace(targets, names=(column.name,))


def _values(column: RawColumn) -> np.ndarray:
    """Return words, whole numbers or fractions ``[m]``."""
    if column.words is not None:
        return np.asarray(np.array(column.words)[column.values])
    is_whole = bool((column.values == np.rint(column.values)).all() and (np.abs(column.values) < 2**53).all())
    return column.values.astype(np.int64) if is_whole else column.values


def _numbers(column: RawColumn) -> np.ndarray:
    """Return the numbers of one of several targets; of words only truth values are numbers."""
    if column.words is None:
        return _values(column)
    truth = [_TRUTH.get(word.lower()) for word in column.words]
    if None in truth:
        raise DoesNotFit(
            f"column {column.name!r} holds strings such as {column.words[0]!r}; several targets must be numbers",
            hint="use 0 and 1 for labels; only a single target may hold strings",
        )
    return np.asarray(np.array(truth, np.int64)[column.values])
