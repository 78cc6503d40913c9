"""What TensorFlow itself says of the machine, asked in a process of its own that has only so long to answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tbcli.doctor.findings import Finding
from tbcli.doctor.packages import PLUGINS
from tbcli.doctor.system import pip

SECONDS = 120.0
_MARK = "tbcli-doctor:"
_QUESTIONS = f"""
import json, os, sys, time
answers = {{}}
import tensorflow as tf
answers["tensorflow"] = tf.__version__
answers["devices"] = [[each.device_type, each.name] for each in tf.config.list_physical_devices()]
build = tf.sysconfig.get_build_info()
answers["cuda"] = str(build.get("cuda_version") or "") or None
answers["onednn"] = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") not in ("0", "false")
def seconds(kind):
    one = tf.ones((768, 768), kind)
    product = tf.function(lambda: tf.linalg.matmul(one, one))
    product()
    began = time.perf_counter()
    for _ in range(10):
        product().numpy()
    return (time.perf_counter() - began) / 10
try:
    answers["float32_seconds"] = seconds(tf.float32)
    answers["bfloat16_seconds"] = seconds(tf.bfloat16)
except Exception as error:
    answers["operation_failed"] = str(error).strip().splitlines()[0]
import keras
answers["keras"] = keras.__version__
answers["backend"] = keras.backend.backend()
broken, packages = {{}}, {{}}
from importlib.metadata import entry_points
for point in entry_points(group={PLUGINS!r}):
    try:
        point.load()
    except BaseException as error:
        broken[point.name] = f"{{type(error).__name__}}: {{error}}"
        packages[point.name] = point.dist.name if point.dist else ""
answers["broken_plugins"], answers["plugin_packages"] = broken, packages
print({_MARK!r} + json.dumps(answers))
"""


def ask_tensorflow(program: str = _QUESTIONS, seconds: float = SECONDS) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return what TensorFlow answers, None where it does not; and what is wrong there.

    Args:
        program: What to run.
        seconds: How long to wait.
    """
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environ,
        )
    except subprocess.TimeoutExpired:
        return None, [_silent(f"TensorFlow did not answer within {seconds:.0f} s")]
    told = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not told:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].strip() if lines else "without a message"
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        return None, [_silent(f"TensorFlow cannot be imported ({ended}): {reason[:300]}")]
    answers: dict[str, Any] = json.loads(told[-1].removeprefix(_MARK))
    return answers, []


def _silent(what: str) -> Finding:
    return Finding(
        level="error",
        name="tensorflow-fails",
        what=what,
        why="`train`, `evaluate` and `predict` need it",
        fix=pip("install", "--force-reinstall", "tensorflow"),
    )


def judge_answers(answers: dict[str, Any], *, has_card: bool, wants_bfloat16: bool = False) -> Iterator[Finding]:
    """Yield what is wrong with what TensorFlow answered.

    Args:
        answers: From `ask_tensorflow`.
        has_card: Whether the kernel knows a graphics card.
        wants_bfloat16: Whether the settings ask for training in bfloat16.
    """
    if has_card and not any(kind == "GPU" for kind, _ in answers["devices"]):
        yield Finding(
            level="warning",
            name="gpu-not-seen",
            what="there is a graphics card, but TensorFlow does not see it"
            + (f" (it was built for CUDA {answers['cuda']})." if answers.get("cuda") else ""),
            why="training runs on the processor",
            fix=pip("install", f"tensorflow[and-cuda]=={answers['tensorflow']}"),
        )
    if "operation_failed" in answers:
        yield Finding(
            level="error",
            name="tensorflow-fails",
            what=f"TensorFlow cannot multiply matrices: {answers['operation_failed']}",
            why="no model trains",
            fix=pip("install", "--force-reinstall", "tensorflow"),
        )
    float32, bfloat16 = answers.get("float32_seconds"), answers.get("bfloat16_seconds")
    if wants_bfloat16 and float32 and bfloat16 and bfloat16 > 1.2 * float32:
        yield Finding(
            level="warning",
            name="bfloat16-slow",
            what=f"a matrix product takes {1e3 * bfloat16:.1f} ms in bfloat16, {1e3 * float32:.1f} ms in float32",
            why="the settings ask for bfloat16, which slows training down here",
            fix="tbcli train --precision float32",
        )
    packages = answers.get("plugin_packages") or {}
    for name, reason in answers["broken_plugins"].items():
        yield Finding(
            level="warning",
            name="plugin-broken",
            where=name,
            what=f"the TensorBoard plugin {name!r} cannot be loaded: {reason}",
            why="`tensorboard` fails to start; `tbcli serve` leaves the plugin out",
            fix=pip("install", "--upgrade", packages[name])
            if packages.get(name)
            else f"upgrade or uninstall the package that brings it: `{pip('list')}` lists them",
        )
