"""What stands between us and TensorBoard's own code; in processes of their own, for it cannot be unloaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


BROKEN = {
    "import": ("raise ImportError('no module named left_pad')", "left_pad"),
    "exit": ("import sys; sys.exit('wrong python')", "wrong python"),
    "none": ("Plugin = 3", "Not a TBLoader"),
    "init": (RAISING.format(name="init", body="raise ValueError('no context')", apps="return {}"), "no context"),
    "apps": (RAISING.format(name="apps", body="pass", apps="raise KeyError('no apps')"), "no apps"),
    "bundled": (RAISING.format(name="projector", body="pass", apps="return {}"), "there is another plugin 'projector'"),
    "listed": (RAISING.format(name="scalars", body="pass", apps="return {}"), "there is another plugin 'scalars'"),
}


def install_plugin(place: Path, name: str, source: str) -> None:
    (place / f"{name}_plugin.py").write_text(source)
    described = place / f"{name}_dashboards-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dashboards\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[tensorboard_plugins]\n{name} = {name}_plugin:Plugin\n")


def test_each_broken_plugin_is_named_with_its_package_and_left_out(tmp_path: Path) -> None:
    for name, (source, _) in BROKEN.items():
        install_plugin(tmp_path, name, source)
    (tmp_path / "logs").mkdir()
    with serving(
        "--workspace", str(tmp_path), environ={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ) as server:
        listing = server.get("data/plugins_listing")
        warnings = [line for line in server.stderr.splitlines() if "TensorBoard plugin" in line]
    assert {"scalars", "projector"} <= set(listing)
    assert len(warnings) == len(BROKEN)
    for name, (_, said) in BROKEN.items():
        assert name not in listing
        begun = f"warning: the TensorBoard plugin '{name}' of the package '{name}-dashboards' failed"
        (warning,) = [line for line in warnings if line.startswith(begun)]
        assert said in warning
