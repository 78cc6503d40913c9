"""Reducing a series while it passes by."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.events.columns import Columns
from tbcli.readers.reducing import Extremes
from tests.benchmarks.corpus import FILE, scalar_records, write_file

numbers = st.one_of(st.floats(width=16), st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))


def reduced(values: list[float], buckets: int, part: int) -> Columns:
    series = np.array(values, float)
    columns = Columns(np.arange(len(series)), 100.0 + np.arange(len(series)), series)
    extremes = Extremes(buckets)
    for start in range(0, len(series), part):
        extremes.add(columns.part(start, part))
    return extremes.points()


@given(st.lists(numbers, max_size=300), st.integers(2, 20), st.integers(1, 100))
def test_every_extreme_stays_whatever_the_portions(values: list[float], buckets: int, part: int) -> None:
    kept = reduced(values, buckets, part)
    assert len(kept.steps) <= 3 * (buckets + buckets % 2 + 1) + 2
    assert (np.diff(kept.steps) > 0).all()
    np.testing.assert_array_equal(kept.values, np.array(values, float)[kept.steps])
    assert (kept.wall_times == 100.0 + kept.steps).all()
    if values:
        assert kept.steps[0] == 0
        assert kept.steps[-1] == len(values) - 1
        assert np.isnan(kept.values).any() == any(map(math.isnan, values))
    known = [value for value in values if not math.isnan(value)]
    if known:
        assert np.nanmin(kept.values) == min(known)
        assert np.nanmax(kept.values) == max(known)
    if len(values) <= buckets:
        assert len(kept.steps) == len(values)


def test_a_single_peak_among_a_million_stays() -> None:
    values = np.zeros(1_000_000)
    values[765_432] = 1.0
    kept = reduced(values.tolist(), 100, 25_000)
    assert kept.values.max() == 1.0
    assert 765_432 in kept.steps
    assert len(kept.steps) < 310


READ = """
import resource, sys
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from tbcli.readers import read_scalars
scalars = read_scalars(sys.argv[1], buckets=1000, cache=sys.argv[2] == "cache")
assert len(scalars) < 3100 * len(scalars.names)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["no cache", "cache"])
def test_ten_million_points_take_no_more_than_sixty_megabytes(tmp_path: Path, way: str) -> None:
    records = scalar_records(["loss", "accuracy"], 500_000)
    write_file(tmp_path, records)
    with (tmp_path / FILE).open("ab") as file:
        for _ in range(9):
            file.write(records)
    for _ in range(2 if way == "cache" else 1):  # the second time from the cache
        argv = [sys.executable, "-c", READ, str(tmp_path), way]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        assert int(done.stdout) < 60 * 1024
