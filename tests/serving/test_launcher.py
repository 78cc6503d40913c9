"""What stands between us and TensorBoard's own code; in processes of their own, for it cannot be unloaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.process import SERVE


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_stand_in_keeps_tensorflow_out_of_tensorboard() -> None:
    code = """
import sys
from tbcli.serving.launcher import leave_tensorflow_out, load_plugins
leave_tensorflow_out()
plugins = load_plugins()
from tensorboard.compat import tf
print(tf.__version__, "tensorflow" in sys.modules, len(plugins) > 10)
"""
    assert run_python(code).split() == ["stub", "False", "True"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ImportError('no module named left_pad')", "left_pad"),
        ("import sys; sys.exit('wrong python')", "wrong python"),
        ("Plugin = 3", "Not a TBLoader"),
    ],
)
def test_a_broken_plugin_is_named_with_its_package(source: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "broken_plugin.py").write_text(source)
    described = tmp_path / "nice_dashboards-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: nice-dashboards\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[tensorboard_plugins]\nnice = broken_plugin:Plugin\n")
    (tmp_path / "logs").mkdir()
    done = subprocess.run(
        [*SERVE, "--port", "0", "--workspace", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 6
    assert done.stdout == ""
    error, advice = done.stderr.splitlines()[-2:]
    assert error.startswith("error: the TensorBoard plugin 'nice' of the package 'nice-dashboards' failed to load")
    assert said in error
    assert "pip uninstall nice-dashboards" in advice
    assert "Traceback" not in done.stderr
