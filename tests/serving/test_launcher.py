"""What stands between us and TensorBoard's own code; in processes of their own, for it cannot be unloaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.process import serving


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_stand_in_keeps_tensorflow_out_of_tensorboard() -> None:
    code = """
import sys
from tbcli.serving.launcher import leave_tensorflow_out, load_plugins
leave_tensorflow_out()
plugins = load_plugins({'histograms': 1})
from tensorboard.compat import tf
print(tf.__version__, "tensorflow" in sys.modules, len(plugins) > 10)
"""
    assert run_python(code).split() == ["stub", "False", "True"]


RAISING = """
from tensorboard.plugins.base_plugin import TBPlugin
class Plugin(TBPlugin):
    plugin_name = {name!r}
    def __init__(self, context):
        {body}
    def get_plugin_apps(self):
        {apps}
    def is_active(self):
        return True
"""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ImportError('no module named left_pad')", "left_pad"),
        ("import sys; sys.exit('wrong python')", "wrong python"),
        ("Plugin = 3", "Not a TBLoader"),
        (RAISING.format(name="nice", body="raise ValueError('no context')", apps="return {}"), "no context"),
        (RAISING.format(name="nice", body="pass", apps="raise KeyError('no apps')"), "no apps"),
        (RAISING.format(name="projector", body="pass", apps="return {}"), "there is another plugin 'projector'"),
        (RAISING.format(name="scalars", body="pass", apps="return {}"), "there is another plugin 'scalars'"),
    ],
)
def test_a_broken_plugin_is_named_with_its_package_and_left_out(source: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "broken_plugin.py").write_text(source)
    described = tmp_path / "nice_dashboards-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: nice-dashboards\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[tensorboard_plugins]\nnice = broken_plugin:Plugin\n")
    (tmp_path / "logs").mkdir()
    with serving(
        "--workspace", str(tmp_path), environ={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ) as server:
        listing = server.get("data/plugins_listing")
        (warning,) = [line for line in server.stderr.splitlines() if "TensorBoard plugin" in line]
    assert "nice" not in listing
    assert {"scalars", "projector"} <= set(listing)
    assert warning.startswith("warning: the TensorBoard plugin 'nice' of the package 'nice-dashboards' failed")
    assert said in warning
