"""Which columns of a table a model is given, and as which numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np

from tbcli.data.dataset import Column
from tbcli.data.raw_columns import NUMBER, WORD, RawColumn, RawTable
from tbcli.data.written_dates import DAY_FIRST, MONTH_FIRST, dates_in
from tbcli.errors import DoesNotFit
from tbcli.naming.matching import listed

MOST_WORDS, LARGEST_SHARE = 100, 0.5  # different words, and their share of the rows, beyond which they are text
MOST_CATEGORIES = 1000  # the rarer ones are unknown
_ID = re.compile(r"(?i)(.*[\W_])?(id|ids|idx|index|rowid|row|nr|no|uuid|guid|unnamed: 0)")
_INDEX = re.compile(r"__index_level_\d+__")
_CONSTANT = "constant in the training rows"
_CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
_LEAST_PRECISE = 1e-3  # of the spread of a column, what float32 may round away


def _seconds(dates: np.ndarray) -> np.ndarray:
    return np.asarray((dates - dates.astype("datetime64[D]")).astype("timedelta64[s]"), np.float64)


_PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "year": lambda dates: dates.astype("datetime64[Y]").astype(np.int64) + 1970.0,
    "month": lambda dates: dates.astype("datetime64[M]").astype(np.int64) % 12 + 1.0,
    "weekday": lambda dates: (dates.astype("datetime64[D]").astype(np.int64) + 3) % 7 + 1.0,  # Monday is 1
    "seconds": _seconds,  # since midnight
}


def choose_columns(table: RawTable, training: np.ndarray) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the input columns, described by the training rows alone, and what is left out and why.

    Args:
        table: Without its targets.
        training: Which rows are those of training.

    Raises:
        DoesNotFit: No column is left, or one has infinite values.
    """
    columns: list[Column] = []
    left_out: dict[str, list[str]] = {}
    notes: list[str] = []
    names = {raw.name for raw in table.columns}
    for raw in table.columns:
        reason = _reason_against(raw)
        if reason:
            left_out.setdefault(reason, []).append(raw.name)
            continue
        for part in _parts_of(raw, names):
            _require_finite(part)
            column = _describe(part, training)
            if isinstance(column, str):
                left_out.setdefault(column, []).append(part.name)
            else:
                columns.append(column)
                notes += _notes_on(part, column)
    if not columns:
        raise DoesNotFit(
            "no input columns are left: " + "; ".join(_said(reason, left_out[reason]) for reason in left_out),
            hint="name another `--target`, or a table with more columns",
        )
    return tuple(columns), (*(_said(reason, names) for reason, names in left_out.items()), *notes)


def encode_columns(table: RawTable, columns: Sequence[Column]) -> np.ndarray:
    """Return the inputs of a model ``[m, columns]``, float32.

    Args:
        table: Has at least these columns, in any order.
        columns: As they were described for training.

    Raises:
        DoesNotFit: A column is not there, or holds words where it held numbers.
    """
    inputs = np.empty((table.rows, len(columns)), np.float32)
    known = {raw.name: raw for raw in table.columns}
    for place, column in enumerate(columns):
        inputs[:, place] = _encoded(_find(known, column), column)
    return inputs


def forms_of(columns: Sequence[Column]) -> dict[str, str]:
    """Return how the cells of columns must be read, by the name that a table has for them."""
    forms: dict[str, str] = {}
    for column in columns:
        name, _, part = column.name.rpartition(".")
        if column.form in (DAY_FIRST, MONTH_FIRST) and part in _PARTS:
            forms[name] = column.form
        else:
            forms[column.name] = WORD if column.kind == "category" else column.form or NUMBER
    return forms


def unknown_categories(table: RawTable, columns: Sequence[Column]) -> Iterator[str]:
    """Yield a sentence for each column with categories that a model has not met."""
    for column in columns:
        raw = next((each for each in table.columns if each.name == column.name), None)
        if column.kind != "category" or raw is None or not raw.words:
            continue
        counts = np.bincount(raw.values[raw.values >= 0], minlength=len(raw.words))
        strange = [i for i in np.argsort(-counts, kind="stable") if counts[i] and raw.words[i] not in column.vocabulary]
        if strange:
            yield _said_of_unknown(column, int(counts[strange].sum()), [raw.words[i] for i in strange])


def _said_of_unknown(column: Column, cells: int, words: Sequence[str]) -> str:
    known = {word.lower(): word for word in column.vocabulary}
    twin = next((word for word in words if word.lower() in known), "")
    hold = "1 cell of {} holds a category" if cells == 1 else f"{cells:,} cells of {{}} hold categories"
    said = (
        f"{hold.format(repr(column.name))} that the model does not know, such as {twin or words[0]!r}; read as missing"
    )
    return f"{said} ({twin!r} differs from {known[twin.lower()]!r} only in case)" if twin else said


def _said(reason: str, names: Sequence[str]) -> str:
    return f"left out ({reason}): {listed(names)}"


def _reason_against(raw: RawColumn) -> str:
    """Return why a column is of no use to a model; ``""`` where it may be."""
    is_missing = raw.is_missing
    filled = int((~is_missing).sum())
    if not filled:
        return "no values"
    if raw.kind == "date":
        return ""
    different = len(raw.words) if raw.words is not None else len(np.unique(raw.values[~is_missing]))
    if raw.kind == "word" and different > MOST_WORDS and different > filled * LARGEST_SHARE:
        return f"text: over {MOST_WORDS} distinct values, over half of all values"
    is_named_id = bool(_ID.fullmatch(raw.name) or _CAMEL_ID.fullmatch(raw.name))
    counts_up = raw.kind == "number" and filled > 2 and bool((np.diff(raw.values) == 1).all())
    is_unnamed = bool(re.fullmatch(r"c0", raw.name)) and counts_up and raw.values[0] in (0, 1)
    if _INDEX.fullmatch(raw.name) and counts_up:
        return "the index of a data frame"
    if different == filled > 2 and (is_unnamed or (is_named_id and (counts_up or _is_whole(raw)))):
        return "identifier: a distinct value in each row"
    return ""


def _is_whole(raw: RawColumn) -> bool:
    filled = raw.values[~raw.is_missing]
    return raw.words is not None or bool((filled == np.rint(filled)).all())


def _parts_of(raw: RawColumn, names: Collection[str]) -> Iterator[RawColumn]:
    """Yield the column, or the parts of its dates; a time of day only where there is one."""
    if raw.kind != "date":
        yield raw
        return
    for part in _PARTS:
        name = f"{raw.name}.{part}"
        if name not in names:
            yield _part(raw, part)


def _part(raw: RawColumn, part: str) -> RawColumn:
    numbers = _PARTS[part](np.where(raw.is_missing, np.datetime64(0, "s"), raw.values))
    return RawColumn(f"{raw.name}.{part}", np.where(raw.is_missing, np.nan, numbers), form=raw.form)


def _require_finite(raw: RawColumn) -> None:
    if raw.kind == "number" and np.isinf(raw.values).any():
        rows = np.flatnonzero(np.isinf(raw.values))
        raise DoesNotFit(
            f"column {raw.name!r} has infinite values in {len(rows):,} rows, first in row {rows[0] + 1:,}",
            hint="leave those cells empty, or enter a number",
        )


def _describe(raw: RawColumn, training: np.ndarray) -> Column | str:
    """Return what the training rows tell of a column, or why they make it useless."""
    values, missing = raw.values[training], int(raw.is_missing.sum())
    if raw.words is not None:
        counts = np.bincount(values[values >= 0], minlength=len(raw.words))
        known = np.flatnonzero(counts)
        if len(known) + bool((values < 0).any()) < 2:
            return _CONSTANT
        frequent = known[np.argsort(-counts[known], kind="stable")][:MOST_CATEGORIES]
        return Column(raw.name, "category", tuple(raw.words[i] for i in sorted(frequent)), missing=missing)
    filled = values[~np.isnan(values)]
    if not len(filled) or filled.min() == filled.max():
        return _CONSTANT
    if np.float32(filled.min()) == np.float32(filled.max()):
        return "differences too small for float32: subtract a constant"
    fill = float(np.median(filled))
    values = np.where(np.isnan(values), fill, values)
    mean, std = float(values.mean()), float(values.std())
    return Column(raw.name, "number", mean=mean, std=std, fill=fill, missing=missing, form=raw.form)


def _notes_on(raw: RawColumn, column: Column) -> Iterator[str]:
    if raw.words is not None:
        numbers = sum(_looks_like_number(word) for word in raw.words)
        odd = [word for word in raw.words if not _looks_like_number(word)]
        if numbers > len(odd) > 0 and numbers >= 0.8 * len(raw.words):
            yield f"column {raw.name!r} is treated as categories because of {listed([repr(word) for word in odd])}"
        if len(column.vocabulary) == MOST_CATEGORIES:
            yield f"column {raw.name!r}: only the {MOST_CATEGORIES:,} most frequent values are kept apart"
    elif np.spacing(np.float32(np.nanmax(np.abs(raw.values)))) > _LEAST_PRECISE * column.std:
        yield f"column {raw.name!r} loses precision: its values are large and differ little: subtract a constant"


def _looks_like_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _least_plain(words: Sequence[str]) -> str:
    """Return the word that is least like a plain number."""
    return next(
        (word for word in words if not _looks_like_number(word)), next((w for w in words if "." in w), words[0])
    )


def _find(known: Mapping[str, RawColumn], column: Column) -> RawColumn:
    """Return the column of a table, or the part of the date."""
    if column.name in known:
        return known[column.name]
    name, _, part = column.name.rpartition(".")
    if part in _PARTS and name in known:
        raw = known[name]
        if raw.kind == "date" or raw.is_missing.all():
            return _part(raw, part) if raw.kind == "date" else RawColumn(column.name, np.full(len(raw.values), np.nan))
        odd = next((word for word in raw.words or () if not dates_in([word], column.form)[0]), "")
        example = f": {odd!r}" if odd else ""
        raise DoesNotFit(
            f"column {name!r} holds no dates{f' {column.form}' if column.form else ''}{example}",
            hint="as it did when the model was trained",
        )
    raise DoesNotFit(f"the table has no column {column.name!r}", hint=f"it has {listed(list(known))}")


def _encoded(raw: RawColumn, column: Column) -> np.ndarray:
    """Return the numbers of a column ``[m]``."""
    if column.kind == "number":
        if raw.words:
            raise DoesNotFit(
                f"column {column.name!r} must hold numbers{f' with a {column.form}' if column.form else ''}, "
                f"but has {_least_plain(raw.words)!r}",
                hint="as it did when the model was trained",
            )
        return np.where(raw.is_missing, column.fill, raw.values if raw.words is None else np.nan)
    if raw.words is None:
        return np.zeros(len(raw.values))  # nothing but missing values
    code = {word: i + 1 for i, word in enumerate(column.vocabulary)}
    codes = np.array([*(code.get(word, 0) for word in raw.words), 0])  # -1 is the last of them
    return np.asarray(codes[raw.values])
