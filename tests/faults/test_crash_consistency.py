"""Whatever fails while the files of a run are written or removed, the run can be listed, resumed or cleaned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.points import points_of
from tests.faults.scenarios import SCENARIOS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler for the library that breaks the disk"),
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_survives_a_kill_and_a_broken_disk_at_every_operation(scenario: str, tmp_path: Path) -> None:
    points = points_of(scenario, tmp_path)
    assert not [str(point) for point in points if point.problems]
