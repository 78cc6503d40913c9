"""Scalars of any number of runs as columns, with what is known about their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tbcli.errors import ConfigError
from tbcli.events.columns import Columns, Floats, Ints
from tbcli.events.damage import Damage


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one tag of one run, in the order of writing.

    Args:
        run: The directory of the files, relative to the log directory, ``.`` for itself.
        tag: The name.
        step: ``[n]``, int64.
        wall_time: Seconds since 1970 ``[n]``, float64.
        value: ``[n]``, float64: exact for everything but integers beyond 2**53.
    """

    run: str
    tag: str
    step: Ints
    wall_time: Floats
    value: Floats


@dataclass(frozen=True)
class Scalars:
    """Points of many series, one series behind the other, ordered by run and tag.

    Args:
        names: ``(run, tag)`` of each series.
        counts: Points of each series.
        columns: Steps, wall times and values of all points ``[n]``.
        damage: What could not be read.
        superseded: Points left out because a later file of the run wrote from their step on again.
        is_reduced: Whether long series are given by their extremes.
        described: Directories that hold hyperparameters, whether they hold scalars or not.
        by_epoch: ``(run, tag)`` of the series whose steps are known to count epochs, as in tables with such a column.
    """

    names: tuple[tuple[str, str], ...]
    counts: Ints
    columns: Columns = field(repr=False)
    damage: tuple[Damage, ...] = ()
    superseded: int = 0
    is_reduced: bool = False
    described: frozenset[str] = frozenset()
    by_epoch: frozenset[tuple[str, str]] = frozenset()

    def __len__(self) -> int:
        return len(self.columns.steps)

    def __iter__(self) -> Iterator[Series]:
        starts = np.cumsum(self.counts) - self.counts
        for (run, tag), start, count in zip(self.names, starts.tolist(), self.counts.tolist(), strict=True):
            yield Series(run, tag, *self.columns.part(start, count))

    @property
    def run(self) -> NDArray[np.object_]:
        """The run of each point ``[n]``, made anew at each call."""
        return self._spread(0)

    @property
    def tag(self) -> NDArray[np.object_]:
        """The tag of each point ``[n]``, made anew at each call."""
        return self._spread(1)

    @property
    def step(self) -> Ints:
        """What stands on the x axis, of each point ``[n]``."""
        return self.columns.steps

    @property
    def wall_time(self) -> Floats:
        """When each point was written ``[n]``, seconds since 1970."""
        return self.columns.wall_times

    @property
    def value(self) -> Floats:
        """The value of each point ``[n]``."""
        return self.columns.values

    def series(self, run: str, tag: str) -> Series | None:
        """Return one series, or None where there is none."""
        try:
            place = self.names.index((run, tag))
        except ValueError:
            return None
        return Series(run, tag, *self.columns.part(int(self.counts[:place].sum()), int(self.counts[place])))

    def last(self) -> Scalars:
        """Return the last point of each series, in the order of writing."""
        ends = np.cumsum(self.counts) - 1
        return replace(self, counts=np.ones_like(self.counts), columns=self.columns.chosen(ends))

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame`` with the columns run, tag (categories), step, wall_time and value.

        Raises:
            ConfigError: Pandas is not installed.
        """
        pandas = _library("pandas")
        return pandas.DataFrame({**self._texts(pandas.Categorical), **self._numbers()})

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame`` with the columns run, tag (categories), step, wall_time and value.

        Raises:
            ConfigError: Polars is not installed.
        """
        polars = _library("polars")
        texts = self._texts(lambda column: polars.Series(column.tolist(), dtype=polars.Categorical))
        return polars.DataFrame({**texts, **self._numbers()})

    def _texts(self, convert: Callable[[NDArray[np.object_]], Any]) -> dict[str, Any]:
        return {"run": convert(self.run), "tag": convert(self.tag)}

    def _spread(self, place: int) -> NDArray[np.object_]:
        texts = np.array([name[place] for name in self.names], dtype=object)
        return np.repeat(texts, self.counts)

    def _numbers(self) -> dict[str, Any]:
        return {"step": self.step, "wall_time": self.wall_time, "value": self.value}


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        hint = f"`pip install {name}`, or use the NumPy columns"
        raise ConfigError(f"{name} is not installed", hint=hint) from None
