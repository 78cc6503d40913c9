"""A recipe is a set of defaults: stronger than those that are built in, weaker than whatever sets the same key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tbcli.config import RECIPES, Config, load_config
from tbcli.errors import ConfigError


def test_fast_changes_four_settings_and_records_its_name() -> None:
    config = Config().updated({"train.recipe": "fast"})
    assert (config.train.epochs, config.train.batch_size, config.train.learning_rate) == (2, 64, 0.003)
    assert config.model.dropout == 0
    back = {key: Config().value(key) for key in RECIPES["fast"]}
    assert config.updated({**back, "train.recipe": "", "train.replaces": ()}) == Config()


@pytest.mark.parametrize("chosen_by", ["workspace", "file", "environment", "set", "flag"])
@pytest.mark.parametrize("set_by", ["workspace", "file", "environment", "set", "flag"])
@pytest.mark.parametrize("epochs", [9, Config().train.epochs])
def test_whatever_sets_a_key_overrules_the_recipe_wherever_that_is_chosen(
    workspace: Path, chosen_by: str, set_by: str, epochs: int
) -> None:
    said: dict[str, list[tuple[str, object]]] = {chosen_by: [("recipe", "fast")]}
    said.setdefault(set_by, []).append(("epochs", epochs))
    for layer, name in (("workspace", "tbcli.toml"), ("file", "my.toml")):
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.get(layer, [])]
        (workspace / name).write_text("\n".join(["[train]", *lines]))
    config = load_config(
        file="my.toml",
        environ={f"TBCLI_TRAIN_{key.upper()}": str(value) for key, value in said.get("environment", [])},
        assignments=[f"train.{key}={value}" for key, value in said.get("set", [])],
        flags={f"train.{key}": value for key, value in said.get("flag", [])},
    )
    assert (config.train.recipe, config.train.epochs, config.train.batch_size) == ("fast", epochs, 64)


def test_an_empty_recipe_overrules_that_of_a_file(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text('[train]\nrecipe = "fast"\n')
    assert load_config(assignments=["train.recipe="]) == Config()
    assert load_config().train.epochs == 2


def test_a_recipe_that_is_overruled_must_exist_too(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text('[train]\nrecipe = "fats"\n')
    with pytest.raises(ConfigError, match=r"tbcli\.toml: train\.recipe cannot be 'fats'") as caught:
        load_config(flags={"train.recipe": "fast"})
    assert caught.value.hint == "did you mean 'fast'?"


def test_the_configuration_of_a_run_repeats_it_whatever_the_recipe_is_by_then(workspace: Path) -> None:
    config = Config().updated({"train.recipe": "fast", "train.epochs": 5})
    assert config.train.epochs == 5
    (workspace / "config.json").write_text(json.dumps(config.as_dict()))
    assert load_config(file="config.json") == config
    assert load_config(file="config.json", flags={"train.recipe": "fast"}) == config


def test_the_printed_configuration_says_what_is_from_the_recipe() -> None:
    printed = Config().updated({"train.recipe": "fast", "train.batch_size": 32}).as_toml(commented=True)
    lines = printed.splitlines()
    assert lines[lines.index("epochs = 2") - 1].endswith("From recipe fast.")
    assert lines[lines.index("batch_size = 32") - 1].endswith("Instead of 64 from recipe fast.")
    assert "recipe fast" not in lines[lines.index("seed = 0") - 1]
