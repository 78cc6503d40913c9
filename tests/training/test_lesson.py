"""Workers train by the settings, the data and the versions of the first one, or say what is different."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tbcli.config import Config
from tbcli.data.dataset import Split
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.training.lesson import Lesson

INPUTS = np.arange(60, dtype=np.float32).reshape(20, 3)
LABELS = np.arange(20) % 4
SPLIT = Split(INPUTS, LABELS, np.arange(20))


def written(saved: dict[str, object] | None = None) -> dict[str, object]:
    """Return what a first worker leaves for the others."""
    config = Config().updated({"train.epochs": 7, "data.augment": "flip"})
    said: dict[str, object] = json.loads(json.dumps(Lesson.of(config, SPLIT, saved)._asdict(), default=list))
    return said


def test_settings_and_the_plan_of_a_resumed_run_are_told() -> None:
    lesson = Lesson.read(written({"epochs": {"plan": (40, (20,))}}))
    assert (lesson.settings.train.epochs, lesson.settings.data.augment) == (7, ("flip",))
    assert lesson.plan == [40, [20]]
    assert Lesson.read(written()).plan is None
    lesson.require_same(SPLIT)


@pytest.mark.parametrize(
    ("split", "what"),
    [
        (replace(SPLIT, positions=np.arange(19)), "20 samples there, 19 here"),
        (replace(SPLIT, labels=LABELS[::-1]), "other labels"),
        (replace(SPLIT, inputs=INPUTS + 1), "other inputs"),
    ],
)
def test_other_data_are_told(split: Split, what: str) -> None:
    with pytest.raises(DoesNotFit, match=what):
        Lesson.read(written()).require_same(split)


@pytest.mark.parametrize("versions", [{}, {"tbcli": "0.0.1"}])
def test_another_version_is_told(versions: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="worker 0 has"):
        Lesson.read({**written(), "versions": versions})
