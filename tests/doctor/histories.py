"""Histories of trainings that never were: healthy and sick families, each different with every seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tbcli.doctor.course import Known

Columns = dict[str, list[float]]
Random = np.random.Generator


@dataclass(frozen=True)
class History:
    columns: Columns
    known: Known

    @property
    def epochs(self) -> list[int]:
        return list(range(1, 1 + max(map(len, self.columns.values()), default=0)))


def noisy(rng: Random, course: np.ndarray, share: float, floor: float = 0.0) -> np.ndarray:
    return course * np.exp(share * rng.standard_normal(len(course))) + floor * rng.standard_normal(len(course))


def falling(epochs: int, start: float, end: float, pace: float) -> np.ndarray:
    return end + (start - end) * np.exp(-np.arange(epochs) / pace)


def history(known: Known, **curves: np.ndarray) -> History:
    return History({name: [float(value) for value in values] for name, values in curves.items()}, known)


def classes(rng: Random) -> Known:
    count = int(rng.choice([2, 3, 5, 10, 100]))
    is_told = rng.random() < 0.6
    return Known(task="classification", classes=count if is_told else 0, has_entropy_loss=is_told)


def accuracy_of(rng: Random, loss: np.ndarray, top: float, known: Known) -> np.ndarray:
    """Return an accuracy that follows a loss, with the noise of a validation set of some size."""
    low = 1 / (known.classes or 10)
    mean = low + (top - low) * np.clip(1 - loss / math.log(known.classes or 10), 0, 1)
    size = rng.integers(300, 10_000)
    return np.clip(mean + rng.standard_normal(len(mean)) * np.sqrt(mean * (1 - mean) / size) / 2, 0, 1)


# Healthy ones.


def ordinary(rng: Random) -> History:
    known, n, noise = classes(rng), int(rng.integers(3, 60)), rng.uniform(0.005, 0.12)
    start, end = rng.uniform(0.3, 0.9) * math.log(known.classes or 10), rng.uniform(0.01, 0.1)
    loss = falling(n, start, end, rng.uniform(1, n / 2))
    val = falling(n, 0.9 * start, end * rng.uniform(1.0, 3.0), rng.uniform(1, n / 2))
    curves = {"loss": noisy(rng, loss, noise / 4), "val_loss": noisy(rng, val, noise)}
    return history(known, **curves, val_accuracy=accuracy_of(rng, val, 0.99, known))


def one_epoch(rng: Random) -> History:
    start = rng.uniform(0.05, 3)
    return history(classes(rng), loss=np.array([start]), val_loss=np.array([start * rng.uniform(0.3, 2)]),
                   accuracy=rng.random(1), val_accuracy=rng.random(1))  # fmt: skip


def short(rng: Random) -> History:
    full = ordinary(rng)
    n = int(rng.integers(2, 6))
    return History({name: values[:n] for name, values in full.columns.items()}, full.known)


def regression(rng: Random) -> History:
    n, scale, noise = int(rng.integers(4, 80)), 10 ** rng.uniform(-3, 5), rng.uniform(0.01, 0.15)
    loss = falling(n, scale, scale * rng.uniform(0.01, 0.6), rng.uniform(1, n / 3))
    val = loss * rng.uniform(0.9, 1.3)
    curves = {"loss": noisy(rng, loss, noise / 3), "val_loss": noisy(rng, val, noise)}
    curves["val_mae"] = noisy(rng, np.sqrt(val), noise / 2)
    if rng.random() < 0.5:
        curves["val_r2"] = 1 - curves["val_loss"] / (1.1 * scale)
    return history(Known(task="regression"), **curves)


def fine_tuning(rng: Random) -> History:
    known, n = classes(rng), int(rng.integers(2, 12))
    loss = falling(n, rng.uniform(0.1, 0.3), rng.uniform(0.02, 0.09), rng.uniform(1, 4))
    val = falling(n, rng.uniform(0.15, 0.25), rng.uniform(0.1, 0.15), 2)
    accuracy = np.full(n, rng.uniform(0.93, 0.98)) + 0.004 * rng.standard_normal(n)
    return history(known, loss=noisy(rng, loss, 0.03), val_loss=noisy(rng, val, 0.04), val_accuracy=accuracy)


def warm_up(rng: Random) -> History:
    known, n, slow = classes(rng), int(rng.integers(12, 60)), int(rng.integers(1, 5))
    begin = math.log(known.classes or 10)
    loss = np.concatenate([np.linspace(begin, 0.97 * begin, slow), falling(n - slow, 0.9 * begin, 0.1, n / 6)])
    val = loss * rng.uniform(0.95, 1.4)
    return history(known, loss=noisy(rng, loss, 0.01), val_loss=noisy(rng, val, 0.05),
                   val_accuracy=accuracy_of(rng, loss, 0.95, known))  # fmt: skip


def cosine(rng: Random) -> History:
    n = int(rng.integers(5, 100))
    fallen = (1 - np.cos(np.pi * (np.arange(n) + 1) / n)) / 2
    loss = 2.0 * (1 - fallen) ** 2 + rng.uniform(0.005, 0.3)
    return history(Known(), loss=noisy(rng, loss, 0.02), val_loss=noisy(rng, loss * 1.2 + 0.05, 0.06))


def batch_norm_spikes(rng: Random) -> History:
    full = ordinary(rng)
    loss, val = np.array(full.columns["loss"]), np.array(full.columns["val_loss"])
    spikes = rng.random(len(val)) < 0.1
    val[spikes] *= rng.uniform(1.5, 30, spikes.sum())
    loss[rng.random(len(loss)) < 0.03] *= rng.uniform(1.2, 2.5)
    return history(full.known, loss=loss, val_loss=val)


def top_accuracy(rng: Random) -> History:
    n, known = int(rng.integers(5, 60)), classes(rng)
    loss = falling(n, 0.3, rng.uniform(0.001, 0.02), rng.uniform(1, n / 2))
    val = falling(n, 0.1, rng.uniform(0.02, 0.06), 1)
    accuracy, val_accuracy = np.minimum(1, 1 - loss / 4), 0.99 + 0.0008 * rng.standard_normal(n)
    curves = {"loss": noisy(rng, loss, 0.05), "val_loss": noisy(rng, val, 0.05)}
    return history(known, **curves, accuracy=accuracy, val_accuracy=val_accuracy)


def few_samples(rng: Random) -> History:
    n, noise = int(rng.integers(5, 60)), rng.uniform(0.15, 0.35)
    loss, val = falling(n, 1.5, 0.3, n / 3), falling(n, 1.5, 0.4, n / 3)
    accuracy = np.round(np.clip(1 - val / 2 + 0.06 * rng.standard_normal(n), 0, 1) * 40) / 40
    return history(Known(), loss=noisy(rng, loss, 0.03), val_loss=noisy(rng, val, noise), val_accuracy=accuracy)


def overconfident(rng: Random) -> History:
    n = int(rng.integers(12, 60))
    turn = int(rng.integers(3, n // 2))
    val = np.concatenate([falling(turn, 0.9, 0.45, turn / 3), np.linspace(0.45, rng.uniform(0.55, 1.1), n - turn)])
    accuracy = np.linspace(0.75, 0.92, n) + 0.006 * rng.standard_normal(n)
    return history(Known(), loss=noisy(rng, falling(n, 0.9, 0.01, n / 4), 0.03), val_loss=noisy(rng, val, 0.03),
                   val_accuracy=accuracy)  # fmt: skip


def imbalanced_but_learnt(rng: Random) -> History:
    share, n = rng.uniform(0.8, 0.97), int(rng.integers(4, 40))
    known = Known(classes=2, shares=(share, 1 - share), has_entropy_loss=True)
    guessing = known.guessing_loss
    loss = falling(n, guessing, rng.uniform(0.3, 0.7) * guessing, rng.uniform(1, n / 3))
    accuracy = np.linspace(share, share + rng.uniform(0.3, 0.7) * (1 - share), n) + 0.004 * rng.standard_normal(n)
    return history(known, loss=noisy(rng, loss, 0.02), val_loss=noisy(rng, loss * 1.1, 0.05), val_accuracy=accuracy)


def plateau(rng: Random) -> History:
    n, noise, end = int(rng.integers(10, 80)), rng.uniform(0.01, 0.1), rng.uniform(0.3, 1)
    drift = np.cumsum(rng.standard_normal(n)) * 0.004
    loss, val = falling(n, 2, end, 2), falling(n, 2, 1.2 * end, 2) * (1 + drift)
    return history(Known(), loss=noisy(rng, loss, 0.01), val_loss=noisy(rng, val, noise))


def restarts(rng: Random) -> History:
    n, period = int(rng.integers(20, 60)), int(rng.integers(5, 12))
    loss = falling(n, 2.2, 0.2, n / 4) * (1 + 0.25 * (1 - (np.arange(n) % period) / period))
    return history(Known(), loss=noisy(rng, loss, 0.02), val_loss=noisy(rng, 1.1 * loss, 0.04))


def negative_likelihood(rng: Random) -> History:
    n = int(rng.integers(5, 50))
    loss = falling(n, rng.uniform(0, 5), -rng.uniform(1, 10), n / 3)
    noise = 0.05 * rng.standard_normal(n)
    return history(Known(task="regression"), loss=loss, val_loss=loss + 0.1 + noise)


# Sick ones.


def overfitting(rng: Random) -> History:
    known, n = classes(rng), int(rng.integers(8, 80))
    turn = int(rng.integers(1, n - 5))
    low = rng.uniform(0.2, 0.6)
    high = low * rng.uniform(1.3, 4)
    val = np.concatenate([falling(turn, 1.5 * low + 0.3, low, turn / 3), np.linspace(low, high, n - turn)])
    loss = falling(n, 1.5 * low, 0.01, n / 4)
    top = rng.uniform(0.6, 0.9)
    drop = np.concatenate([np.zeros(turn), np.linspace(0, rng.choice([0, 0.03, 0.1]), n - turn)])
    accuracy = top - np.concatenate([falling(turn, 0.2, 0, turn / 4), np.zeros(n - turn)]) - drop
    curves = {"loss": noisy(rng, loss, 0.02), "val_loss": noisy(rng, val, rng.uniform(0.005, 0.04))}
    if rng.random() < 0.7:
        curves["val_accuracy"] = accuracy + 0.004 * rng.standard_normal(n)
    return history(known, **curves)


def overfitting_regression(rng: Random) -> History:
    n, scale = int(rng.integers(10, 80)), 10 ** rng.uniform(-2, 4)
    turn = n // 4
    val = np.concatenate([falling(turn, 1, 0.4, turn / 3), 0.4 + 0.3 * np.sqrt(np.linspace(0, 1, n - turn))])
    val = noisy(rng, val * scale, 0.03)
    loss = noisy(rng, falling(n, scale, scale / 50, n / 5), 0.02)
    return history(Known(task="regression"), loss=loss, val_loss=val, val_mae=np.sqrt(val))


def stagnation(rng: Random) -> History:
    known, n = classes(rng), int(rng.integers(5, 60))
    count = known.classes or 10
    loss = math.log(count) * (1 + rng.uniform(0, 0.01) + 0.01 * rng.standard_normal(n))
    accuracy = np.clip(1 / count + 0.01 * rng.standard_normal(n) / math.sqrt(count), 0, 1)
    return history(known, loss=loss, val_loss=loss + 0.002 * rng.standard_normal(n), val_accuracy=accuracy)


def majority_alone(rng: Random) -> History:
    share, n = rng.uniform(0.6, 0.97), int(rng.integers(5, 40))
    known = Known(classes=2, shares=(share, 1 - share), has_entropy_loss=True)
    loss = known.guessing_loss * (1 + 0.004 * np.abs(rng.standard_normal(n)))
    return history(known, loss=loss, val_loss=loss * 1.001, val_accuracy=np.full(n, share))


def flat_regression(rng: Random) -> History:
    n, scale = int(rng.integers(6, 60)), 10 ** rng.uniform(-2, 4)
    loss = noisy(rng, np.full(n, scale), 0.01)
    return history(Known(task="regression"), loss=loss, val_loss=noisy(rng, loss, 0.01))


def no_better_than_the_mean(rng: Random) -> History:
    n = int(rng.integers(5, 40))
    loss = noisy(rng, falling(n, 2, 1.0, 1), 0.01)
    return history(Known(task="regression"), loss=loss, val_loss=loss, val_r2=-0.05 - 0.02 * rng.random(n))


def blown_up(rng: Random) -> History:
    n = int(rng.integers(5, 40))
    turn = int(rng.integers(2, n - 2))
    grows = np.exp(rng.uniform(0.6, 2) * np.arange(1, n - turn + 1))
    loss = np.concatenate([falling(turn, 2.3, 0.4, turn / 2), 0.4 * grows])
    return history(classes(rng), loss=noisy(rng, loss, 0.03), val_loss=noisy(rng, loss, 0.05))


def collapsed(rng: Random) -> History:
    known, n = classes(rng), int(rng.integers(8, 40))
    begin, turn = math.log(known.classes or 10), int(rng.integers(3, n - 2))
    loss = np.concatenate([falling(turn, 0.9 * begin, 0.2 * begin, turn / 3), np.full(n - turn, begin)])
    return history(known, loss=noisy(rng, loss, 0.01), val_loss=noisy(rng, loss, 0.02))


def not_a_number(rng: Random) -> History:
    full = ordinary(rng)
    at = int(rng.integers(0, len(full.columns["loss"])))
    value = rng.choice([math.nan, math.inf])
    return History({name: [*values[:at], *[value] * (len(values) - at)] for name, values in full.columns.items()},
                   full.known)  # fmt: skip


HEALTHY: tuple[Callable[[Random], History], ...] = (
    ordinary, one_epoch, short, regression, fine_tuning, warm_up, cosine, batch_norm_spikes, top_accuracy, few_samples,
    overconfident, imbalanced_but_learnt, plateau, restarts, negative_likelihood,
)  # fmt: skip
SICK: dict[Callable[[Random], History], str] = {
    overfitting: "overfitting",
    overfitting_regression: "overfitting",
    stagnation: "stagnation",
    majority_alone: "stagnation",
    flat_regression: "stagnation",
    no_better_than_the_mean: "stagnation",
    blown_up: "divergence",
    collapsed: "divergence",
    not_a_number: "nan-loss",
}
