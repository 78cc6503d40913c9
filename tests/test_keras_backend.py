"""`tbcli train` uses TensorFlow, whatever the environment says; in somebody's process it says when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tbcli.config import Config
from tbcli.errors import ConfigError

pytestmark = pytest.mark.tf


@pytest.mark.slow
def test_keras_is_loaded_on_tensorflow_whatever_was_configured(tmp_path: Path) -> None:
    settings = tmp_path / ".keras" / "keras.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"backend": "jax", "image_data_format": "channels_first", "floatx": "float16"}))
    program = (
        "import os; from tbcli.keras_backend import load_keras; load_keras()\n"
        "import keras; print(keras.config.backend(), keras.config.image_data_format(), keras.config.floatx())\n"
        "print(os.environ['KERAS_BACKEND'])"
    )
    env = {**os.environ, "KERAS_HOME": str(settings.parent), "KERAS_BACKEND": "nope"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tensorflow", "channels_last", "float32", "nope"]


def test_keras_on_another_backend_is_refused_before_a_run_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    import tbcli

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match="has loaded Keras with 'jax'"):
        tbcli.train(Config().updated({"paths.workspace": str(tmp_path)}))
    assert not list(tmp_path.iterdir())
