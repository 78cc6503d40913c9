"""Which form was asked for; and runs in, a table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tbcli.config import did_you_mean
from tbcli.errors import ConfigError, NotFound
from tbcli.exporting.parquet import require_pyarrow, write_parquet
from tbcli.exporting.text import csv_parts, json_parts
from tbcli.readers.damage import Damage
from tbcli.readers.metrics import Metric, read_metrics
from tbcli.runs import LogDirectory, Run

CSV, JSON, PARQUET, TENSORBOARD = "csv", "json", "parquet", "tensorboard"
FORMS = (CSV, JSON, PARQUET, TENSORBOARD)


@dataclass(frozen=True, slots=True)
class Table:
    """What is exported.

    Args:
        series: At least one.
        damage: What could not be read.
        superseded: Points left out because a later file of their run wrote them again.
        left_out: Sentences about places that hold nothing of what was asked for.
    """

    series: tuple[Metric, ...]
    damage: tuple[Damage, ...] = ()
    superseded: int = 0
    left_out: tuple[str, ...] = ()


def chosen_form(said: str | None, out: Path | None) -> str:
    """Return the form: the one named, or that of the file's suffix, or CSV.

    Raises:
        ConfigError: There is no such form, it needs an extra that is missing, or a directory to write to.
    """
    suffix = out.suffix.lower().removeprefix(".") if out else ""
    form = said or (suffix if suffix in FORMS else CSV)
    if form not in FORMS:
        raise ConfigError(f"--format knows no {form!r}", hint=did_you_mean(form, FORMS))
    if form == PARQUET:
        require_pyarrow()
    if form == TENSORBOARD and out is None:
        raise ConfigError("event files need a directory to lie in", hint="`--out DIR`")
    return form


def read_places(
    places: Sequence[Run | LogDirectory], patterns: Sequence[str] = (), *, verify: bool = False, cache: bool = True
) -> Table:
    """Return all that is asked for of runs and log directories.

    Args:
        places: At least one.
        patterns: See `tbcli.readers.metrics.read_metrics`; each of several places need not hold them.
        verify: Prove the checksums of everything.
        cache: Use the cache, and renew it.

    Raises:
        NotFound: There is nothing in any of them.
    """
    series: list[Metric] = []
    damage: list[Damage] = []
    missing: list[NotFound] = []
    superseded = 0
    for place in places:
        try:
            found = read_metrics(place, patterns, verify=verify, cache=cache)
        except NotFound as error:
            missing.append(error)
            continue
        inside = place.name if isinstance(place, LogDirectory) and len(places) > 1 else ""
        series += [replace(one, run=_below(inside, one.run)) for one in found.series] if inside else found.series
        damage += found.damage
        superseded += found.superseded
    if not series:
        raise missing[0]
    return Table(tuple(series), tuple(damage), superseded, tuple(f"{error.message}: left out" for error in missing))


def _below(name: str, run: str) -> str:
    return name if run == "." else f"{name}/{run}"


def write_table(series: Sequence[Metric], form: str, file: IO[bytes], *, wide: bool) -> None:
    """Write a table as CSV, JSON or Parquet.

    Raises:
        OSError: The file could not be written.
    """
    if form == PARQUET:
        write_parquet(series, file, wide=wide)
        return
    for part in (json_parts if form == JSON else csv_parts)(series, wide=wide):
        file.write(part.encode(errors="backslashreplace"))
