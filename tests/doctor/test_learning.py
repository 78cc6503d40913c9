"""What the curves of a training show: nothing where it is healthy, and the right name where it is sick."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest

from tbcli.doctor.course import Known
from tbcli.doctor.diagnosis import diagnose_curves
from tbcli.doctor.findings import Finding, needs_action
from tests.doctor.histories import HEALTHY, SICK, History, accuracy_of, falling


def findings_on(history: History) -> list[Finding]:
    return diagnose_curves(history.epochs, history.columns, history.known)


def findings_of(known: Known | None = None, **columns: list[float]) -> list[Finding]:
    return findings_on(History(columns, known or Known()))


def names(findings: list[Finding], *, notes: bool = False) -> list[str]:
    return [finding.name for finding in findings if notes or needs_action([finding])]


def test_healthy_histories_get_no_warning() -> None:
    warned = Counter()
    for seed, family in zip(range(450), cycle(HEALTHY), strict=False):
        warned += Counter((family.__name__, name) for name in names(findings_on(family(np.random.default_rng(seed)))))
    assert not warned


def test_sick_histories_are_found_and_named() -> None:
    missed = Counter()
    for seed, (family, name) in zip(range(450), cycle(SICK.items()), strict=False):
        missed[family.__name__] += name not in names(findings_on(family(np.random.default_rng(seed))))
    assert missed.total() <= 0.025 * 450, missed


RISES = [0.9, 0.6, 0.4, 0.3, 0.34, 0.38, 0.45, 0.5, 0.6]
FALLS = [1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01]


def test_overfitting_is_found_since_the_epoch_of_the_lowest_validation_loss() -> None:
    known = Known(run="r1", repeats="tbcli train --config r1")
    found = findings_of(known, loss=FALLS, val_loss=RISES)
    assert names(found) == ["overfitting"]
    assert "since epoch 4: val_loss rises from 0.3 to" in found[0].what
    assert found[0].fix == "tbcli train --config r1 --patience 3"
    assert found[0].where == "epoch 4"


def test_overfitting_costs_only_time_where_the_best_weights_were_kept() -> None:
    found = findings_of(Known(saved_epoch=4), loss=FALLS, val_loss=RISES)
    assert names(found) == []
    assert names(found, notes=True) == ["overfitting"]


def test_a_rising_loss_with_better_answers_is_overconfidence() -> None:
    better = [0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.86, 0.87, 0.88]
    assert names(findings_of(loss=FALLS, val_loss=RISES, val_accuracy=better), notes=True) == ["overconfidence"]
    level = [0.6, 0.7, 0.75, 0.8, 0.8, 0.801, 0.8, 0.799, 0.8]
    assert names(findings_of(loss=FALLS, val_loss=RISES, val_accuracy=level)) == ["overfitting"]


def test_wrong_answers_alone_show_overfitting_too() -> None:
    found = findings_of(loss=FALLS, val_accuracy=[1 - value / 2 for value in RISES])
    assert names(found) == ["overfitting"]


def test_epochs_without_validation_are_passed_over() -> None:
    loss = [value for value in FALLS for _ in (0, 1)]
    val_loss = [value for rise in RISES for value in (math.nan, rise)]
    assert names(findings_of(loss=loss, val_loss=val_loss)) == ["overfitting"]
    assert findings_of(loss=loss, val_loss=[*val_loss[1:], math.nan])[0].name == "overfitting"


@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_becomes_nan_is_an_error_at_its_epoch(name: str) -> None:
    columns = {"loss": [1.0, 0.5, 0.4, 0.3], "val_loss": [1.1, 0.6, 0.5, 0.4]}
    columns[name] = [*columns[name][:2], math.nan, math.nan]
    (found,) = findings_of(**columns)
    assert (found.level, found.name, found.where) == ("error", "nan-loss", "epoch 3")
    assert f"{name} is NaN" in found.what


def test_one_or_two_epochs_show_no_trend() -> None:
    assert findings_of(loss=[9.0], val_loss=[99.0], accuracy=[0.1]) == []
    assert findings_of(loss=[0.1, 5.0], val_loss=[0.1, 0.9]) == []
    assert findings_of() == []


def test_a_single_spike_at_the_end_is_no_warning() -> None:
    assert names(findings_of(loss=[1.0, 0.5, 0.3, 0.2, 0.15, 0.6], val_loss=[1.0, 0.6, 0.4, 0.3, 0.25, 9.0])) == []


@pytest.mark.parametrize(
    ("optimizer", "rate", "advised"),
    [("adam", 1e-7, "0.001"), ("adam", 1.0, "0.001"), ("sgd", 1e-6, "0.01"), ("adam", 0.001, "0.003")],
)
def test_what_learns_nothing_is_told_another_learning_rate(optimizer: str, rate: float, advised: str) -> None:
    known = Known(classes=10, has_entropy_loss=True, optimizer=optimizer, learning_rate=rate, repeats="again")
    (found,) = findings_of(known, loss=[2.31, 2.30, 2.304, 2.302], accuracy=[0.1, 0.11, 0.1, 0.1])
    assert (found.name, found.fix) == ("stagnation", f"again --learning-rate {advised}")
    assert "guessing gives 2.303" in found.what


def test_many_noisy_points_are_judged_at_once() -> None:
    rng = np.random.default_rng(1)
    loss = falling(200, 2.0, 0.1, 40) * np.exp(0.2 * rng.standard_normal(200))
    accuracy = accuracy_of(rng, loss, 0.95, Known(classes=10))
    assert names(findings_of(loss=loss.tolist(), val_loss=loss.tolist(), val_accuracy=accuracy.tolist())) == []


def test_a_loss_that_still_falls_fast_is_a_note() -> None:
    falling_on = [2.0, 1.6, 1.3, 1.0, 0.8, 0.6]
    assert names(findings_of(loss=falling_on, val_loss=falling_on), notes=True) == ["still-improving"]


ODD = [0.0, -1.0, 1.0, 1e308, -1e308, 1e-308, math.nan, math.inf, -math.inf, 0.5]


@pytest.mark.parametrize("seed", range(60))
def test_any_numbers_are_judged(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for n in range(12):
        columns = {
            name: rng.choice(ODD, n).tolist() if rng.random() < 0.5 else (10.0 ** rng.uniform(-300, 300, n)).tolist()
            for name in ("loss", "val_loss", "val_accuracy", "accuracy", "val_r2", "val_mae")
            if rng.random() < 0.6
        }
        known = Known(classes=int(rng.integers(0, 4)), shares=(1.0, 0.0) if n % 2 else (), has_entropy_loss=n % 3 > 0)
        assert all(finding.what and finding.why for finding in findings_of(known, **columns))


def wandering(rng: np.random.Generator, n: int, memory: float) -> np.ndarray:
    values = np.zeros(n)
    for i, step in enumerate(rng.standard_normal(n)):
        values[i] = memory * values[i - 1] + step
    return values


LEVEL = {
    "half normal": lambda rng, n: 5 * np.abs(rng.standard_normal(n)),
    "lognormal": lambda rng, n: np.exp(1.5 * rng.standard_normal(n)),
    "exponential": lambda rng, n: rng.exponential(2, n),
    "student": lambda rng, n: np.abs(rng.standard_t(2, n)),
    "cauchy": lambda rng, n: np.abs(rng.standard_cauchy(n)),
    "signed": lambda rng, n: rng.standard_t(3, n),
    "autoregressive": lambda rng, n: 3 + 0.5 * wandering(rng, n, 0.8),
    "spikes": lambda rng, n: 1 + 0.05 * rng.standard_normal(n) + (rng.random(n) < 0.05) * rng.uniform(2, 100, n),
    "oscillation": lambda rng, n: 1 + 0.8 * np.sin(np.arange(n) * 2 * np.pi / rng.uniform(9, 60)),
    "falling": lambda rng, n: (0.3 + 2 * np.exp(-np.arange(n) / n * 6)) * rng.exponential(1, n),
}


@pytest.mark.parametrize("family", LEVEL)
def test_noise_however_heavy_is_no_divergence(family: str) -> None:
    for seed in range(8):
        for n in (80, 200):
            rng = np.random.default_rng(seed)
            assert "divergence" not in names(findings_of(loss=LEVEL[family](rng, n).tolist())), (seed, n)


@pytest.mark.parametrize("family", ["half normal", "exponential", "lognormal"])
def test_a_real_rise_is_found_among_noise(family: str) -> None:
    rng = np.random.default_rng(5)
    level = np.concatenate([np.linspace(8, 1, 80), np.full(60, 1), np.full(60, 60)])
    assert "divergence" in names(findings_of(loss=(level * LEVEL[family](rng, 200)).tolist()))


FLAT = [0.70, 0.69, 0.695, 0.693, 0.694]


def test_few_steps_that_learnt_little_are_a_note_and_get_more_epochs() -> None:
    known = Known(classes=2, has_entropy_loss=True, optimizer="adam", learning_rate=0.001, steps=30, repeats="again")
    (found,) = findings_of(known, loss=FLAT, accuracy=[0.5] * 5)
    assert (found.level, found.name, found.fix) == ("note", "stagnation", "again --epochs 50")
    assert "few steps (30)" in found.what
    slow = findings_of(replace(known, learning_rate=1e-6), loss=FLAT, accuracy=[0.5] * 5)
    assert (slow[0].level, slow[0].fix) == ("note", "again --learning-rate 0.001")


@pytest.mark.parametrize(("steps", "level"), [(30, "warning"), (3000, "warning")])
def test_only_what_is_unstable_gets_a_smaller_learning_rate(steps: int, level: str) -> None:
    known = Known(classes=2, has_entropy_loss=True, optimizer="adam", learning_rate=0.001, steps=steps, repeats="again")
    calm = findings_of(known, loss=FLAT, accuracy=[0.5] * 5)
    assert calm[0].fix in ("again --epochs 50", "again --learning-rate 0.003")
    (found,) = findings_of(replace(known, is_unstable=True), loss=FLAT, accuracy=[0.5] * 5)
    assert (found.level, found.fix) == (level, "again --learning-rate 0.0001")


def test_what_the_model_answers_is_said_as_far_as_it_is_known() -> None:
    known = Known(classes=2, has_entropy_loss=True)
    assert findings_of(known, loss=FLAT)[0].why.startswith("perhaps the model predicts much the same")
    known = replace(known, answers="135 of 150")
    assert "differ (135 of 150)" in findings_of(known, loss=FLAT)[0].why
    assert (
        "much the same whatever it sees (135 of 150)"
        in findings_of(replace(known, has_one_answer=True), loss=FLAT)[0].why
    )
