"""Keras starts without what training has no use for; afterwards everything is there as if nothing had been."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.tf

PACKAGES = [name for name in ("sklearn", "pandas", "matplotlib", "scipy") if find_spec(name)]
PROGRAM = """
import importlib, sys
from pathlib import Path
from tests.tiny import small_config
from tbcli.training import train
few = {"train.epochs": 1, "train.steps_per_epoch": 1, "record.recorders": "off", "plot.automatic": False}
train(small_config(Path(sys.argv[1]), few), own_process=True)
print(*[name for name in sys.argv[2:] if name in sys.modules], sep=",")
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


@pytest.mark.slow
def test_what_was_hidden_from_keras_can_be_imported_after_training(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path), *PACKAGES]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
