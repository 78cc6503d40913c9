"""Importances of Optuna are its own, number for number."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from tbcli.effects.evaluators import FANOVA, PED_ANOVA, optuna_importances
from tbcli.errors import ConfigError
from tests.effects.planted import drawn, hill

KEYS = ("train.learning_rate", "train.batch_size", "train.optimizer", "model.dropout", "model.depth")


def own(rows: list[dict[str, Any]], values: list[float], method: str) -> dict[str, float]:
    """Return what Optuna says of a study of the same trials, told to it by hand."""
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    spread = {key: [row[key] for row in rows] for key in KEYS}
    distributions = {
        "train.learning_rate": FloatDistribution(min(spread[KEYS[0]]), max(spread[KEYS[0]]), log=True),
        "train.batch_size": IntDistribution(min(spread[KEYS[1]]), max(spread[KEYS[1]]), log=True),
        "train.optimizer": CategoricalDistribution(sorted(set(spread[KEYS[2]]))),
        "model.dropout": FloatDistribution(min(spread[KEYS[3]]), max(spread[KEYS[3]])),
        "model.depth": IntDistribution(min(spread[KEYS[4]]), max(spread[KEYS[4]])),
    }
    study = optuna.create_study(direction="maximize")
    for row, value in zip(rows, values, strict=True):
        params = {key: row[key] for key in KEYS}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))
    evaluators = {
        FANOVA: optuna.importance.FanovaImportanceEvaluator(seed=0),
        PED_ANOVA: optuna.importance.PedAnovaImportanceEvaluator(),
    }
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluators[method]))


@pytest.mark.parametrize("method", [FANOVA, PED_ANOVA])
def test_our_numbers_are_those_of_optuna(method: str) -> None:
    pytest.importorskip("optuna")
    rows, values = drawn(1, 30, hill)
    rows = [{key: row[key] for key in (*KEYS, "train.seed", "train.epochs")} for row in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = own(rows, values, method)
    ours = optuna_importances(method, rows, values, is_lower_better=False)
    assert ours == expected
    assert next(iter(ours)) == "train.learning_rate"


def test_the_spaces_of_a_sweep_take_the_place_of_what_the_values_tell() -> None:
    distributions = pytest.importorskip("optuna").distributions
    rows, values = drawn(1, 20, hill)
    rows = [{key: row[key] for key in ("train.learning_rate", "model.dropout")} for row in rows]
    spaces = {
        "train.learning_rate": distributions.FloatDistribution(1e-6, 1.0, log=True),
        "model.dropout": distributions.FloatDistribution(0.0, 1.0),
    }
    plain, wide = (
        optuna_importances(FANOVA, rows, values, is_lower_better=False, spaces=each) for each in (None, spaces)
    )
    assert plain != wide


@pytest.mark.parametrize("method", [FANOVA, PED_ANOVA])
def test_a_single_run_has_no_importances(method: str) -> None:
    pytest.importorskip("optuna")
    assert optuna_importances(method, *drawn(1, 1, hill), is_lower_better=False) == {}


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="--importance fanova needs optuna") as caught:
        optuna_importances(FANOVA, *drawn(1, 10, hill), is_lower_better=False)
    assert "tbcli[sweep]" in caught.value.hint
