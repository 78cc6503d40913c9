"""What a whole training leaves is what it left when Keras' `fit` ran the steps, to the bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.both_ways import CASES

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.timeout(600)]


def differences(top: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Train each case both ways in one fresh process, for determinism is a setting of the whole process."""
    argv = [sys.executable, "-m", "tests.training.both_ways", str(top), *names]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_training_of_the_list_is_equal(tmp_path: Path) -> None:
    found = differences(tmp_path, *CASES)
    assert {name: case["differ"] for name, case in found.items()} == {name: [] for name in CASES}
