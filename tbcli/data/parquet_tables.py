"""Tables in Parquet files, read by pyarrow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tbcli.data.raw_columns import MISSING, WORD, RawColumn, RawTable
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.naming.matching import listed

MAGIC = b"PAR1"


def read_parquet_table(path: Path, *, forms: Mapping[str, str] | None = None) -> RawTable:
    """Return what a Parquet file holds; lists, structures and bytes are left out by name.

    Args:
        path: The file.
        forms: What is known of columns already, by name; here only that one holds words matters.

    Raises:
        ConfigError: The extra is missing.
        DoesNotFit: It is damaged, or has no rows.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ConfigError(
            f"reading {path.name} needs pyarrow, which is not installed", hint="pip install 'tbcli[parquet]'"
        ) from error
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        said = str(error).splitlines()[0]
        raise DoesNotFit(f"{path.name} cannot be read as Parquet: {said}", hint="the file may be incomplete") from error
    if not table.num_rows:
        raise DoesNotFit(f"{path.name} has no rows", hint="add rows")
    _require_one_name_each(path, table.column_names)
    columns, left_out = [], []
    for name, values in zip(table.column_names, table.columns, strict=True):
        column = _column(name, values.combine_chunks(), stays_words=(forms or {}).get(name) == WORD)
        if column is None:
            left_out.append(f"{name} ({values.type})")
        else:
            columns.append(column)
    notes = (f"left out (unsupported type): {listed(left_out)}",) if left_out else ()
    return RawTable(tuple(columns), notes)


def _require_one_name_each(path: Path, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DoesNotFit(
                f"{path.name} has {names.count(name)} columns named {name!r}", hint="rename all but one of them"
            )


def _column(name: str, values: Any, *, stays_words: bool) -> RawColumn | None:
    """Return a column, None where its values are of a kind that no model takes."""
    import pyarrow as arrow
    from pyarrow import types

    kind = values.type
    if types.is_dictionary(kind):
        values = values.dictionary_decode()
        kind = values.type
    if types.is_null(kind):
        return RawColumn(name, np.full(len(values), np.nan))
    if types.is_timestamp(kind) or types.is_date(kind):
        local = values.cast(arrow.timestamp("s"), safe=False) if types.is_date(kind) else _without_zone(values)
        return RawColumn(name, local.to_numpy(zero_copy_only=False).astype("datetime64[s]"))
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if is_text or types.is_boolean(kind) or (is_number and stays_words):
        return _words(name, values if is_text else values.cast(arrow.string()))
    if is_number:
        return RawColumn(name, values.cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False))
    return None


def _without_zone(values: Any) -> Any:
    """Return instants by the clock of their own time zone."""
    import pyarrow as arrow
    from pyarrow import compute

    if values.type.tz is not None:
        values = compute.local_timestamp(values)
    return values.cast(arrow.timestamp("s"), safe=False)


def _words(name: str, values: Any) -> RawColumn:
    encoded = values.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    words = [str(word).strip() for word in encoded.dictionary.to_pylist()]
    known = sorted({word for word in words if word.lower() not in MISSING})
    place = {word: i for i, word in enumerate(known)}
    places = np.array([place.get(word, -1) for word in words] + [-1], np.int64)  # -1 is the last of them
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    stand_ins = tuple((word, int(n)) for word, n in zip(words, counts, strict=True) if word and word.lower() in MISSING)
    return RawColumn(name, places[codes], tuple(known), stand_ins=stand_ins)
