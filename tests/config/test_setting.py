"""What holds for every declared setting."""

from __future__ import annotations

import math

import pytest

from tbcli.config import SETTINGS, Config, hyperparameters
from tbcli.errors import ConfigError

NUMBERS = [each for each in SETTINGS.values() if each.kind in (int, float)]


@pytest.mark.parametrize("key", SETTINGS)
def test_a_setting_says_what_it_is_and_its_default_is_allowed(key: str) -> None:
    each = SETTINGS[key]
    assert each.settle(each.default) == each.default
    assert each.default is not None
    assert each.help[0].isupper()
    assert each.help.endswith(".")
    assert each.panel or not each.flag


def test_every_number_has_both_bounds() -> None:
    for each in NUMBERS:
        assert (each.least is None) != (each.above is None), each.key
        assert (each.most is None) != (each.below is None), each.key


def test_bounds_hold_at_both_ends() -> None:
    for each in NUMBERS:
        for bound, allowed in ((each.least, True), (each.most, True), (each.above, False), (each.below, False)):
            if bound is None:
                continue
            beyond = math.nextafter(bound, math.inf if bound in (each.most, each.below) else -math.inf)
            wrong = beyond if each.kind is float else bound + (1 if bound in (each.most, each.below) else -1)
            if allowed:
                assert each.settle(each.kind(bound)) == bound
            for value in (wrong,) if allowed else (bound, wrong):
                if value == each.default:  # stands for "unless given"
                    continue
                with pytest.raises(ConfigError, match=each.key):
                    each.settle(each.kind(value))


def test_flags_and_aliases_are_unique() -> None:
    flags = [word for each in SETTINGS.values() if each.flag for word in (each.flag.removeprefix("--"), *each.aliases)]
    twice = {word for word in flags if flags.count(word) > 1}
    assert twice == {"max-time", "metric"}  # of a training, and of a whole sweep


def test_an_error_names_what_was_typed_and_the_default() -> None:
    with pytest.raises(ConfigError) as caught:
        SETTINGS["train.epochs"].settle("0", "--epochs")
    assert caught.value.message == "--epochs must be from 1 to 1000000, got '0'"
    assert "default is 5" in caught.value.hint


def test_hyperparameters_are_called_by_their_flags() -> None:
    names = hyperparameters()
    assert {"model", "data", "name", "learning_rate", "dropout", "seed"} <= set(names)
    assert "note" not in names
    assert names["model"].key == "model.name"


def test_the_printed_configuration_is_commented_line_by_line() -> None:
    lines = Config().as_toml(commented=True).splitlines()
    for each in SETTINGS.values():
        assert lines[lines.index(f"# {each.comment}") + 1].startswith(f"{each.name} = ")
