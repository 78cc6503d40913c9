"""A function of the user's gives the model; one that does not fit says what was expected and what came."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbcli.cli.topics import topics
from tbcli.config import ModelConfig
from tbcli.data.dataset import Dataset
from tbcli.errors import ConfigError, DoesNotFit, TbcliError
from tbcli.models import build_model, is_compiled
from tbcli.tasks import MULTI_LABEL, REGRESSION
from tests.models.data_sets import noise

pytestmark = pytest.mark.tf


def built(function: str, dataset: Dataset | None = None, *args: str, said: list[str] | None = None, **more: Any) -> Any:
    said = [] if said is None else said
    config = ModelConfig(name=f"tests.models.own_models:{function}", args=args, **more)
    return build_model(config, dataset or noise(8, 8, 1, classes=3), "mixed_bfloat16", said.append)


def outputs_of(model: Any, dataset: Dataset) -> np.ndarray:
    return np.asarray(model(dataset.train.batch(slice(8))[0], training=False))


def test_it_gets_what_it_asks_for_and_keeps_its_own_defaults() -> None:
    model = built("dense")
    assert model.get_layer("hidden").units == 8
    assert model.get_layer("dropout").rate == 0.25  # whatever model.dropout says
    model = built("dense", None, "units=5", "dropout=0.5")
    assert (model.get_layer("hidden").units, model.get_layer("dropout").rate) == (5, 0.5)
    assert model.get_layer("hidden").compute_dtype == "bfloat16"
    assert not is_compiled(model)


@pytest.mark.parametrize(
    ("function", "dataset"),
    [
        ("softmax", noise(8, 8, 1, classes=3)),
        ("logits", noise(8, 8, 1, classes=3)),
        ("logits", noise(8, 8, 1, classes=2)),
        ("subclassed", noise(8, 8, 1, classes=3)),
        ("subclassed_logits", noise(8, 8, 1, classes=3)),
        ("one_sigmoid", noise(8, 8, 1, classes=2)),
        ("sigmoids", noise(8, 8, 1, classes=3, task=MULTI_LABEL)),
        ("logits", noise(8, 8, 1, classes=3, task=MULTI_LABEL)),
    ],
)
def test_outputs_are_exact_probabilities_and_logits_are_noticed(function: str, dataset: Dataset) -> None:
    said: list[str] = []
    found = outputs_of(built(function, dataset, said=said), dataset)
    assert found.dtype == "float32"
    assert found.min() >= 0
    assert found.max() <= 1
    assert len(found[0]) == 1 or dataset.task is MULTI_LABEL or np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert bool(said) == ("logits" in function)


def test_a_compiled_model_is_left_as_it_is() -> None:
    said: list[str] = []
    model = built("compiled", said=said)
    assert is_compiled(model)
    assert model.loss.from_logits
    assert said == []


def test_values_need_no_activation() -> None:
    dataset = noise(8, 8, 1, classes=2, task=REGRESSION)
    said: list[str] = []
    assert outputs_of(built("logits", dataset, said=said), dataset).shape == (8, 2)
    assert said == []


@pytest.mark.parametrize(
    ("function", "dataset", "message"),
    [
        ("too_many_outputs", None, "has 4 outputs, but 'noise' has 3 classes"),
        ("one_sigmoid", None, "has 1 output, but 'noise' has 3 classes"),
        ("too_many_outputs", noise(8, 8, 1, classes=2, task=REGRESSION), "has 3 outputs.*2 target values"),
        ("other_images", None, "takes samples of shape 9x9x3, but those of 'noise' have 8x8x1"),
        ("broken", None, "fails on samples of shape 8x8x1: ValueError: the inside of the model is wrong"),
        ("nothing", None, "gives no keras.Model, but NoneType"),
        ("a_layer", None, "gives no keras.Model, but Dense"),
        ("two_inputs", None, r"has 2 inputs \(first, second\)"),
        ("two_outputs", None, "has 2 outputs, but one is wanted"),
        ("own_step", None, "has a train_step of its own and gives logits"),
        ("pictures", None, r"has the shape \(18, 6, 6, 3\), expected \(samples, 3\)"),
        ("raises", None, "RuntimeError: no such backbone"),
        ("asks_for_more", None, "asks for 'backbone'"),
        ("absent", None, "no model function 'absent'; it has .*'dense'"),
        ("sigmoids", None, "ends with 'sigmoid', but classification needs 'softmax'"),
        ("softmax", noise(8, 8, 1, classes=3, task=MULTI_LABEL), "'softmax', but multi-label needs 'sigmoid'"),
        ("softmax", noise(8, 8, 1, classes=3, task=REGRESSION), "'softmax', but regression needs 'linear'"),
        ("sigmoids", noise(8, 8, 1, classes=3, task=REGRESSION), "'sigmoid', but regression needs 'linear'"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(function: str, dataset: Dataset | None, message: str) -> None:
    with pytest.raises(DoesNotFit, match=message) as caught:
        built(function, dataset)
    assert caught.value.exit_code == 4
    assert caught.value.message.isprintable()


def test_the_traceback_of_a_failing_function_is_its_own() -> None:
    for function in ("raises", "broken"):
        with pytest.raises(DoesNotFit) as caught:
            built(function)
        assert "own_models.py" in caught.value.trace
        assert "keras/src" not in caught.value.trace


@pytest.mark.parametrize(
    ("args", "freeze", "message", "hint"),
    [
        (("unit=3",), (), "takes no argument 'unit'", "units, dropout"),
        ((), ("hiden",), "--freeze 'hiden' fits no layer", "hidden, dropout, head"),
        ((), ("*",), "leaves nothing to train", "hidden"),
    ],
)
def test_an_argument_or_a_glob_that_fits_nothing_is_an_error(
    args: tuple[str, ...], freeze: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        built("dense", None, *args, freeze=freeze)
    assert hint in caught.value.hint


def test_layers_are_frozen_by_globs() -> None:
    model = built("dense", freeze=("hid*",))
    assert [layer.name for layer in model.layers if layer.trainable_weights] == ["head"]


def test_every_error_is_one_that_the_command_line_explains() -> None:
    with pytest.raises(TbcliError):
        built("dense", noise(8, 8, 1, classes=3), "units=many")


def test_the_example_of_the_help_topic_works(tmp_path: Path) -> None:
    example = re.findall(r"```python\n(.*?)```", topics()["models"].read_text("utf-8"), re.DOTALL)[0]
    (tmp_path / "net.py").write_text(example)
    for dataset in (noise(8, 8, 1, classes=3), noise(8, 8, 1, classes=2, task=REGRESSION)):
        config = ModelConfig(name=f"{tmp_path / 'net.py'}:build", args=("units=4",))
        assert build_model(config, dataset, "float32").layers[1].name.startswith("flatten")
