"""``tbcli models``: what ``--model`` can be, with the numbers of parameters for the data."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from tbcli.models import ARCHITECTURES
from tbcli.models.architectures import application_names

pytestmark = pytest.mark.tf
Cli = Callable[..., Result]


def test_each_model_is_listed_with_its_arguments_and_its_size(cli: Cli) -> None:
    result = cli("models")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1 : len(ARCHITECTURES) + 1]] == list(ARCHITECTURES)
    assert lines[1].split()[2:] == ["225,034", "filters=32", "depth=0", "units=128", "dropout=0.3"]
    assert "auto chooses cnn" in result.stdout
    assert max(map(len, lines)) <= 80
    for name in application_names():
        assert name in result.stdout


def test_a_script_gets_one_document(cli: Cli) -> None:
    document = json.loads(cli("models", "--json").stdout)
    assert [entry["name"] for entry in document["models"]] == list(ARCHITECTURES)
    assert document["data"] == {"name": "mnist", "task": "classification", "input_shape": [28, 28, 1]}
    assert document["models"][0]["arguments"]["units"] == 128
    assert [entry["name"] for entry in document["models"] if entry["is_default"]] == ["cnn"]
    assert document["applications"] == list(application_names())
