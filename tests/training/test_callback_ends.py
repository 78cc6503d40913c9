"""How a recorded `fit` ends when its process does: by an exception, by Ctrl-C, by a signal; and on another backend."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tbcli

pytestmark = pytest.mark.slow

FIT = """
import os, signal, sys
import keras, numpy, tbcli

class Ends(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        {end}

x = numpy.random.default_rng(1).normal(size=(96, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int64")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
callbacks = [tbcli.Callback(workspace=sys.argv[1]), Ends()]
model.fit(x, y, epochs=2, validation_split=0.25, verbose=0, callbacks=callbacks)
"""
ENDS = {
    "pass": (0, "finished", ""),
    "raise ValueError('theirs')": (1, "failed", "ValueError: theirs"),
    "raise KeyboardInterrupt": (-signal.SIGINT, "interrupted", "KeyboardInterrupt"),
    "sys.exit(5)": (5, "interrupted", "fit did not come to its end"),
    "os.kill(os.getpid(), signal.SIGKILL)": (-signal.SIGKILL, "interrupted", None),
}


def run_fit(program: str, workspace: Path, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-W", "ignore", "-c", program, str(workspace)]
    return subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("end", ENDS)
def test_the_run_has_the_status_and_the_process_the_exit_code_it_would_have(end: str, tmp_path: Path) -> None:
    code, status, reason = ENDS[end]
    done = run_fit(FIT.format(end=end), tmp_path)
    (run,) = tbcli.list_runs(tmp_path)
    assert (done.returncode, run.status(), run.record.get("reason")) == (code, status, reason), done.stderr
    assert not done.stdout


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="the extra jax is not installed")
def test_keras_on_jax_is_recorded_without_tensorflow(tmp_path: Path) -> None:
    # With None among the modules an import of it fails, ours and everybody's.
    program = "import sys; sys.modules['tensorflow'] = None\n" + FIT.format(end="pass")
    done = run_fit(program, tmp_path, KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    assert done.returncode == 0, done.stderr
    (run,) = tbcli.list_runs(tmp_path)
    recording = run.record["recording"]
    assert (run.status(), run.record["task"], recording["failed"]) == ("finished", "classification", [])
    assert recording["switched_off"]["attention"] == "it needs TensorFlow, and Keras runs on jax"
    assert "Keras runs on jax" in recording["left_out"]["gradients"]["gradients/global_norm"]
    assert recording["bytes"]["confusion"] > 0
    assert run.evidence_file.exists()
