"""A training that is killed at any moment, and resumed, leaves to the bit what one leaves that was left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_ten_kills_leave_no_trace_in_any_value(tmp_path: Path, precision: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.continuing.kills", precision, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    found = dict(map(json.loads, done.stdout.splitlines()))
    assert {name: differs for name, differs in found.items() if differs} == {}
    assert (done.returncode, len(found)) == (0, 10)
