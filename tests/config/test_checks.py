"""Values that are written as a text: times, and how often to keep the state."""

from __future__ import annotations

import pytest

from tbcli.config import Config, TrainConfig
from tbcli.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172_800), ("1w1s", 604_801), (" 5M ", 300)],
)
def test_a_time_is_a_number_with_its_unit_or_several(text: str, seconds: float) -> None:
    assert TrainConfig(max_time=text).max_seconds == seconds
    assert TrainConfig(checkpoint_every=text).checkpoint_seconds == seconds


@pytest.mark.parametrize(
    "text", ["30", "m", "0.5s", "-1m", "1m1h", "1h 30", "nan", "9999999999h", "20y", "99999999w", "٣m"]
)
def test_what_is_no_time_is_refused_with_what_was_typed(text: str) -> None:
    with pytest.raises(ConfigError, match=r"train\.max_time must be"):
        Config().updated({"train.max_time": text})


def test_the_state_is_kept_every_so_many_steps_or_after_so_much_time() -> None:
    assert TrainConfig(checkpoint_every="500").checkpoint_steps == 500
    assert (TrainConfig().checkpoint_steps, TrainConfig().checkpoint_seconds, TrainConfig().max_seconds) == (0, 0, None)
    for off in ("", "0", "0s", "0h0m"):
        train = TrainConfig(checkpoint_every=off, max_time=off)
        assert (train.checkpoint_steps, train.checkpoint_seconds, train.max_seconds) == (0, 0, None)
    for text in ("-1", "often", "5x", "1" * 11, "٣"):
        with pytest.raises(ConfigError, match="number of steps or a time"):
            TrainConfig(checkpoint_every=text)


def test_the_best_weights_are_saved_where_patience_watches_or_where_that_is_asked() -> None:
    asked = {("", 0): False, ("", 3): True, ("best", 0): True, ("best", 3): True, ("last", 3): False}
    for (save, patience), saves_best in asked.items():
        assert TrainConfig(save=save, patience=patience).saves_best is saves_best
