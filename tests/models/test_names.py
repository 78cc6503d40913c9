"""What ``--model`` names is checked and chosen without loading Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tbcli.config import ModelConfig
from tbcli.errors import ConfigError, NotFound
from tbcli.models import ARCHITECTURES, AUTO, choose_model, require_model, short_name
from tbcli.models.architectures import application_names, describe_samples
from tests.models.data_sets import noise, table


@pytest.mark.parametrize("name", [AUTO, *ARCHITECTURES, "ResNet50", "EfficientNetV2B0", "net.py:build", "pack.mod:f"])
def test_names_that_can_be_built_pass(name: str) -> None:
    require_model(ModelConfig(name=name))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("rsnet", "'resnet'"),
        ("resnet50", "'ResNet50'"),
        ("xyz", "FILE.py:FUNCTION"),
        ("nets/mine.py", "mine.py:FUNCTION"),
        ("", "known"),
    ],
)
def test_an_unknown_name_is_an_error_that_says_what_is_known(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown model {name!r}") as caught:
        require_model(ModelConfig(name=name))
    assert hint in caught.value.hint


def test_a_file_that_is_not_there_is_named_with_what_lies_beside(tmp_path: Path) -> None:
    (tmp_path / "other.keras").touch()
    missing = str(tmp_path / "mine.keras")
    for config in (ModelConfig(name=missing), ModelConfig(weights=missing)):
        with pytest.raises(NotFound) as caught:
            require_model(config)
        assert missing in caught.value.message
        assert "other.keras" in caught.value.hint


def test_auto_chooses_by_the_data() -> None:
    chosen = {
        "images": noise(28, 28, 1),
        "images without channels": noise(8, 8),
        "rows": noise(12),
        "series": noise(100, 6, dtype=np.float32),
        "a table": table(),
    }
    assert {name: choose_model(AUTO, data) for name, data in chosen.items()} == {
        "images": "cnn",
        "images without channels": "cnn",
        "rows": "mlp",
        "series": "mlp",
        "a table": "mlp",
    }
    assert choose_model("vit", noise(12)) == "vit"  # whether that fits is another question
    assert [describe_samples(data) for data in chosen.values()] == [
        "images of 28x28x1",
        "images of 8x8",
        "samples of 12 numbers",
        "samples of 100x6 numbers",
        "a table of 3 columns",
    ]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("cnn", "cnn"),
        ("/a/b/net.py:build_net", "net-build-net"),
        ("my.package:build", "my-package-build"),
        ("models/x/mnist_cnn_model.keras", "mnist-cnn-model"),
        ("ResNet50", "resnet50"),
        ("模型.keras", "model"),
    ],
)
def test_the_short_name_can_be_a_part_of_a_file_name(name: str, short: str) -> None:
    assert short_name(name) == short


@pytest.mark.tf
def test_the_applications_are_those_of_keras() -> None:
    import keras

    assert set(application_names()) == {name for name in dir(keras.applications) if name[0].isupper()}


def test_names_are_looked_up_without_keras() -> None:
    program = (
        "import sys\nfrom tbcli.config import ModelConfig\nfrom tbcli.models import require_model\n"
        "require_model(ModelConfig(name='ResNet50'))\nassert 'keras' not in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
