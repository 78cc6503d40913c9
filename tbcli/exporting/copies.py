"""A slimmed copy of a log directory: scalars and texts, one event file a run, without TensorFlow."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tbcli.errors import NotFound, Refused
from tbcli.events.columns import Columns
from tbcli.events.damage import Damage, located
from tbcli.events.encode import scalar_records, text_record, version_record
from tbcli.naming.matching import matches
from tbcli.readers.documents import Text
from tbcli.readers.events import open_logdir
from tbcli.readers.metrics import NamedSeries, named_metrics
from tbcli.runs import LogDirectory, Run
from tbcli.runs.names import distinct_names


@dataclass(frozen=True, slots=True)
class Copy:
    """What was written.

    Args:
        directory: It holds event files, and a directory for each source where there are several.
        series: How many there are.
        texts: How many there are.
        bytes: Of all files.
        damage: What could not be read.
        superseded: Points left out because a later file of their run wrote them again.
    """

    directory: Path
    series: int
    texts: int
    bytes: int
    damage: tuple[Damage, ...]
    superseded: int


def copy_places(
    places: Sequence[Run | LogDirectory],
    patterns: Sequence[str],
    directory: Path,
    *,
    verify: bool = False,
    cache: bool = True,
) -> Copy:
    """Write the scalars and texts of runs and log directories as event files: all of them, or nothing.

    Args:
        places: At least one; of several each gets a directory of its own.
        patterns: See `tbcli.readers.metrics.read_metrics`; they choose texts too.
        directory: Does not exist yet, or is empty.
        verify: Verify all checksums.
        cache: Use the cache, and renew it.

    Raises:
        NotFound: There is nothing to copy.
        Refused: The directory is not empty, or lies in what it would be a copy of.
        OSError: Something could not be written.
    """
    size = count = said = superseded = 0
    damage: list[Damage] = []
    names = distinct_names(places) if len(places) > 1 else ["."]
    with whole_directory(directory, [place.logs for place in places]) as temporary:
        for place, name in zip(places, names, strict=True):
            content = open_logdir(place.logs, verify=verify, cache=cache)
            documents, scalars = content.documents(), content.scalars()
            texts = [text for text in documents.texts if matches(patterns, [text.tag], text.run, text.tag)]
            try:
                series: Sequence[NamedSeries] = named_metrics(place, scalars, patterns).series
            except NotFound:
                if not texts:
                    raise
                series = ()
            size += _write_runs(series, texts, temporary / name)
            count, said = count + len(series), said + len(texts)
            damage += located((*scalars.damage, *documents.damage), place.logs)
            superseded += scalars.superseded
    return Copy(directory, count, said, size, tuple(damage), superseded)


def _write_runs(series: Sequence[NamedSeries], texts: Sequence[Text], directory: Path) -> int:
    """Write the event files below a directory, in the runs they came from, and return their bytes.

    Wall times, steps and values are the same; points stand series by series. What comes from a text log has no times,
    so they are 0, and its values are written as float32, which TensorBoard's fast loader shows as well.
    """
    runs: dict[str, tuple[list[NamedSeries], list[Text]]] = {}
    for metric in series:
        runs.setdefault(metric.series.run, ([], []))[0].append(metric)
    for text in texts:
        runs.setdefault(text.run, ([], []))[1].append(text)
    return sum(_write_run(directory / run, *content) for run, content in runs.items())


def _write_run(directory: Path, series: Sequence[NamedSeries], texts: Sequence[Text]) -> int:
    written = [(metric.series.tag, _writable(metric)) for metric in series]
    first = min([float(points.wall_times[0]) for _, points in written] + [text.wall_time for text in texts])
    directory.mkdir(parents=True, exist_ok=True)
    seconds = int(first) if 0 <= first < 1e10 else 0
    path = directory / f"events.out.tfevents.{seconds:010}.tbcli"
    with path.open("wb") as file:
        file.write(version_record(first))
        for tag, points in written:
            file.writelines(scalar_records(tag, points))
        file.writelines(text_record(text.tag, text.step, text.wall_time, text.texts) for text in texts)
        return file.tell()


def _writable(metric: NamedSeries) -> Columns:
    """Return the points of a series, of one without times as an event file can hold them."""
    points = Columns(metric.series.step, metric.series.wall_time, metric.series.value)
    if not np.isnan(points.wall_times).all():
        return points
    with np.errstate(over="ignore"):
        narrow = points.values.astype(np.float32).astype(np.float64)
    is_finite = np.isfinite(narrow) | ~np.isfinite(points.values)
    return Columns(points.steps, np.zeros(len(points.steps)), np.where(is_finite, narrow, points.values))


@contextmanager
def whole_directory(path: Path, sources: Sequence[Path]) -> Iterator[Path]:
    """Yield a directory beside ``path`` that becomes it on success, and is gone on failure.

    Args:
        path: Does not exist yet, or is an empty directory.
        sources: Directories it must not lie in.

    Raises:
        Refused: There is something already, or it would lie in a source.
        OSError: It cannot be made.
    """
    place = path.resolve()
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise Refused(f"{str(path)!r} is there and not empty", hint="`--out DIR` with a directory that does not exist")
    for source in sources:
        if place == source.resolve() or source.resolve() in place.parents:
            raise Refused(
                f"{str(path)!r} lies in {str(source)!r}, which it would be a copy of", hint="`--out DIR` elsewhere"
            )
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        temporary.mkdir()
        yield temporary
        temporary.replace(place)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
