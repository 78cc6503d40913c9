"""The importances that Optuna computes, of a study made of the same trials; needs the extra ``sweep``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from tbcli.effects.factors import Factor, factors_of
from tbcli.errors import ConfigError
from tbcli.grouping import is_beside, is_seed

BUILT_IN = "variance"
FANOVA, PED_ANOVA = "fanova", "ped-anova"
METHODS = (BUILT_IN, FANOVA, PED_ANOVA)
_SEED = 0  # of fANOVA's forest


def optuna_importances(
    method: str,
    rows: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    *,
    is_lower_better: bool,
    spaces: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Return ``{setting: importance}``, as ``optuna.importance.get_param_importances`` has it; they add up to 1.

    Optuna looks only at settings that all runs have.

    Args:
        method: `FANOVA` or `PED_ANOVA`.
        rows: The settings of each run.
        values: The metric of each run.
        is_lower_better: Which values of it are the best.
        spaces: Optuna's distributions of a sweep, which ``rows`` then have the params of; otherwise they are made of
            the values.

    Raises:
        ConfigError: The extra is not installed, or Optuna cannot tell.
    """
    try:
        import optuna

        if method == FANOVA:
            import sklearn  # type: ignore[import-untyped] # noqa: F401 - Optuna would miss it only later
    except ImportError as error:
        packages = "'tbcli[sweep]' scikit-learn" if method == FANOVA else "'tbcli[sweep]'"
        raise ConfigError(
            f"--importance {method} needs {error.name or 'optuna'}, which is not installed",
            hint=f"`pip install {packages}`, or --importance {BUILT_IN}",
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions, trials = _of_sweep(rows, spaces) if spaces else _of_values(rows)
    if not distributions:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fANOVA and PED-ANOVA are "experimental"
        study = optuna.create_study(direction="minimize" if is_lower_better else "maximize")
        for params, value in zip(trials, values, strict=True):
            study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))
        evaluator = (
            optuna.importance.FanovaImportanceEvaluator(seed=_SEED)
            if method == FANOVA
            else optuna.importance.PedAnovaImportanceEvaluator()
        )
        try:
            return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
        except (ValueError, RuntimeError) as error:
            raise ConfigError(
                f"Optuna cannot tell importances of {len(values)} runs: {error}", hint=f"--importance {BUILT_IN}"
            ) from None


def _of_sweep(
    rows: Sequence[Mapping[str, Any]], spaces: Mapping[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return dict(spaces), [{key: row[key] for key in spaces} for row in rows]


def _of_values(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return distributions made of the values that there are, and the params of each run."""
    factors = [factor for factor in factors_of(rows, _keys(rows)) if not factor.is_partial]
    trials = [{factor.name: _param(factor, place) for factor in factors} for place in range(len(rows))]
    return {factor.name: _distribution(factor) for factor in factors}, trials


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [key for key in dict.fromkeys(key for row in rows for key in row) if not is_beside(key) and not is_seed(key)]


def _distribution(factor: Factor) -> Any:
    """Return the range of a number from its smallest to its largest value, or the choices that there are."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not factor.is_number:
        return CategoricalDistribution(factor.levels)
    low, high = float(factor.levels[0]), float(factor.levels[-1])
    if all(float(level).is_integer() for level in factor.levels) and abs(high) < 2**53:
        return IntDistribution(int(low), int(high), log=factor.is_log)
    return FloatDistribution(low, high, log=factor.is_log)


def _param(factor: Factor, place: int) -> float | str:
    value = factor.levels[factor.codes[place]]
    return int(value) if isinstance(value, float) and value.is_integer() else value
