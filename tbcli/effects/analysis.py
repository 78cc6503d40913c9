"""Runs in, what mattered for a metric out: tests, shares, main effects, interactions and the noise of the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tbcli.effects.factors import confounded, factors_of
from tbcli.effects.interactions import Interaction
from tbcli.effects.judging import CANNOT_TELL, NOISE, Judged, SettingEffect
from tbcli.effects.magnitudes import in_plain_numbers, power_for
from tbcli.effects.replicates import Observations, observations_of
from tbcli.grouping import is_beside, is_seed
from tbcli.naming.twins import twins_of


@dataclass(frozen=True, slots=True)
class Effects:
    """All that was found; made by `analyze`.

    Args:
        settings: The largest share first.
        runs: How many runs there are.
        points: The independent points that these are, and the noise between seeds.
        seed_share: Of the variance that the seed makes; None without replicates.
        explained: The share of the variance that the settings with an effect explain, together and in pairs; with
            `seed_share` and `unexplained` it makes up the whole.
        unexplained: The share that neither these nor the seeds explain; None where the metric does not vary.
        interaction: That of the two settings with the largest shares; None where there are no two.
        interactions: Further pairs that do more than noise.
        single_valued: How many settings have one value in all runs, and were left out.
        twins: Arguments that say the same as another setting, and which.
    """

    settings: tuple[SettingEffect, ...]
    runs: int
    points: Observations
    seed_share: float | None
    explained: float
    unexplained: float | None
    interaction: Interaction | None
    interactions: tuple[Interaction, ...]
    single_valued: int
    twins: Mapping[str, str]

    @property
    def is_testable(self) -> bool:
        """Whether any setting could be tested."""
        return any(one.verdict != CANNOT_TELL for one in self.settings)

    @property
    def is_repeated(self) -> bool:
        """Whether there are several runs of some configurations."""
        return len(self.points.configurations) < self.runs

    @property
    def is_varying(self) -> bool:
        """Whether the metric has more than one value."""
        return self.unexplained is not None


def analyze(rows: Sequence[Mapping[str, Any]], values: Sequence[float], *, is_lower_better: bool = False) -> Effects:
    """Return which settings a metric follows.

    Args:
        rows: ``{"section.key": value}`` of each run.
        values: The metric of each run, finite; at least one.
        is_lower_better: Which values of it are the best.
    """
    if (unit := power_for(values)) != 1.0:
        scaled = analyze(rows, [value / unit for value in values], is_lower_better=is_lower_better)
        return in_plain_numbers(scaled, unit)
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if not is_beside(key)]
    told = [key for key in keys if _varies([row.get(key) for row in rows])]
    twins = twins_of(rows, told)
    varying = [key for key in told if key not in twins]
    points = observations_of(rows, values, varying)
    factors = factors_of(points.rows, [key for key in varying if not is_seed(key)])
    groups, total = confounded(factors), float(((np.array(values) - np.mean(values)) ** 2).sum())
    is_varying = min(values) != max(values)
    judged = Judged(points, groups, 1 - points.within / total if total else 1.0, is_lower_better=is_lower_better)
    top, pairs = judged.top_pair(), judged.pairs() if is_varying else []
    settings = sorted((each for place in range(len(groups)) for each in judged.settings(place, pairs)), key=_rank)
    explained = min(1.0, judged.share_of_chosen() + sum(pair.share for pair in pairs if pair.verdict == "effect"))
    seed_share = None
    if points.noise and is_varying:
        seed_share = min(1 - explained, points.noise.deviation**2 * (len(values) - 1) / total)
    unexplained = max(0.0, 1 - explained - (seed_share or 0.0)) if is_varying else None
    if is_varying:
        settings = _with_noise_within(settings, unexplained or 0.0)
    return Effects(
        tuple(settings) if is_varying else tuple(replace(one, p=None) for one in settings),
        len(rows),
        points,
        seed_share,
        explained,
        unexplained,
        next((pair for pair in pairs if (pair.one, pair.other) == top), None),
        tuple(pair for pair in pairs if (pair.one, pair.other) != top),
        len([key for key in keys if not is_seed(key)]) - len(factors) - len(twins),
        {key: same for key, same in twins.items() if same},
    )


def _with_noise_within(settings: Sequence[SettingEffect], unexplained: float) -> list[SettingEffect]:
    """Return settings whose shares, where they are noise, add up to no more than what is unexplained.

    Each of these shares is of what those with an effect leave, so that several may have a part in common.
    """
    shares = sum(one.share for one in settings if one.verdict == NOISE)
    part = min(1.0, unexplained / shares) if shares else 1.0
    return [replace(one, share=one.share * part) if one.verdict == NOISE else one for one in settings]


def _rank(setting: SettingEffect) -> tuple[bool, bool, float, float]:
    is_alone = setting.verdict not in (NOISE, CANNOT_TELL)
    p = 2.0 if setting.p is None else setting.p
    return not is_alone, not is_alone and not setting.interacts_with, -setting.share, p


def _varies(values: Sequence[Any]) -> bool:
    first = values[0]
    return any(value != first or isinstance(value, bool) != isinstance(first, bool) for value in values)
