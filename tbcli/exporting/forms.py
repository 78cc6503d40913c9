"""Which form was asked for; and runs in, a table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tbcli.errors import ConfigError, NotFound
from tbcli.events.damage import Damage, located
from tbcli.exporting.csv_json import csv_parts, json_parts
from tbcli.exporting.parquet import require_pyarrow, write_parquet
from tbcli.naming.matching import did_you_mean
from tbcli.readers.metrics import NamedSeries, read_metrics
from tbcli.runs import LogDirectory, Run
from tbcli.runs.names import distinct_names

CSV, JSON, PARQUET, TENSORBOARD = "csv", "json", "parquet", "tensorboard"
FORMS = (CSV, JSON, PARQUET, TENSORBOARD)


@dataclass(frozen=True, slots=True)
class Table:
    """What is exported.

    Args:
        series: At least one.
        damage: What could not be read.
        superseded: Points left out because a later file of their run wrote them again.
        left_out: Sentences about places that hold nothing of what was asked for, and about names that clash.
    """

    series: tuple[NamedSeries, ...]
    damage: tuple[Damage, ...] = ()
    superseded: int = 0
    left_out: tuple[str, ...] = ()


def chosen_form(said: str | None, out: Path | None) -> str:
    """Return the form: the one named, or that of the file's ending, or CSV where it has none.

    Raises:
        ConfigError: There is no such form, the file's ending says another, it needs an extra that is missing, or a
            directory to write to.
    """
    ending = out.suffix.lower().removeprefix(".") if out else ""
    form = said or ending or CSV
    if said and said not in FORMS:
        raise ConfigError(f"unknown --format {said!r}", hint=did_you_mean(said, FORMS))
    if out and ending:
        _require_agreement(form, ending, out)
    if form == PARQUET:
        require_pyarrow()
    if form == TENSORBOARD and out is None:
        raise ConfigError("event files need a directory to lie in", hint="`--out DIR`")
    return form


def _require_agreement(form: str, ending: str, out: Path) -> None:
    if ending == form and form in FORMS:
        return
    if ending in FORMS:
        raise ConfigError(
            f"--format {form} conflicts with the extension of {str(out)!r}",
            hint="leave the form out, or give the file another name",
        )
    if form != TENSORBOARD:  # a directory may be called anything else
        raise ConfigError(
            f"unknown extension {out.suffix!r} of {str(out)!r}",
            hint="a name that ends in .csv, .json or .parquet, or `--format` and a name without an ending",
        )


def read_places(
    places: Sequence[Run | LogDirectory], patterns: Sequence[str] = (), *, verify: bool = False, cache: bool = True
) -> Table:
    """Return all that is asked for of runs and log directories.

    Args:
        places: At least one.
        patterns: See `tbcli.readers.metrics.read_metrics`; each of several places need not hold them.
        verify: Verify all checksums.
        cache: Use the cache, and renew it.

    Raises:
        NotFound: There is nothing in any of them.
    """
    series: list[NamedSeries] = []
    damage: list[Damage] = []
    missing: list[NotFound] = []
    notes: list[str] = []
    lacking: dict[str, list[str]] = {}
    superseded = 0
    for place, name in zip(places, distinct_names(places), strict=True):
        try:
            found = read_metrics(place, patterns, verify=verify, cache=cache)
        except NotFound as error:
            missing.append(error)
            continue
        series += [replace(one, run=_called(name, place, one.run, len(places))) for one in found.series]
        lacking |= {pattern: [*lacking.get(pattern, []), name] for pattern in found.lacking}
        damage += located(found.damage, place.logs)
        superseded += found.superseded
        notes += found.notes
    if not series:
        raise missing[0]
    for pattern, names in lacking.items():
        if len(names) == len(places) - len(missing):
            known = dict.fromkeys(one.name for one in series)
            raise NotFound(f"there is no metric {pattern!r}", hint=did_you_mean(pattern, known))
    notes += [f"no metric {pattern!r} in {', '.join(names)}" for pattern, names in lacking.items()]
    said = (*(f"{error.message}: left out" for error in missing), *notes)
    return Table(tuple(series), tuple(damage), superseded, said)


def _called(name: str, place: Run | LogDirectory, run: str, places: int) -> str:
    """Return what a run is called: its id or its path in the one place, below the place's name where there are more."""
    if isinstance(place, Run):
        return place.id if places == 1 else name
    if run == ".":
        return place.logs.resolve().name if places == 1 else name
    return run if places == 1 else f"{name}/{run}"


def write_table(series: Sequence[NamedSeries], form: str, file: IO[bytes], *, wide: bool) -> None:
    """Write a table as CSV, JSON or Parquet.

    Raises:
        OSError: The file could not be written.
    """
    if form == PARQUET:
        write_parquet(series, file, wide=wide)
        return
    for part in (json_parts if form == JSON else csv_parts)(series, wide=wide):
        file.write(part.encode(errors="backslashreplace"))
