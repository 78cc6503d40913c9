"""The tests of all settings of some runs, and what each says of its setting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tbcli.effects.factors import Factor, combinations_in
from tbcli.effects.grids import tests_of
from tbcli.effects.interactions import (
    LEAST_FOR_PAIRS,
    STRICT,
    Interaction,
    explained_share,
    interaction_by,
    interaction_of,
    p_of_pairs,
    space_with,
    untold,
)
from tbcli.effects.levels import Level, MainEffect, main_effect
from tbcli.effects.permutations import LEAST_REST, Permutations
from tbcli.effects.replicates import Observations
from tbcli.effects.screening import ALPHA, FAMILIES, Screening, least_p, screen, space_of
from tbcli.effects.spaces import Floats, likeness, orthonormal, without

Verdict = Literal["effect", "noise", "confounded", "cannot tell"]
EFFECT: Verdict = "effect"
NOISE: Verdict = "noise"
CONFOUNDED: Verdict = "confounded"
CANNOT_TELL: Verdict = "cannot tell"
ONLY_WITH = "only with"
"""Begins the verdict, as it is told, of what is noise by itself and matters in a pair."""
LEAST_POINTS = 6
_FEW = 24  # runs, which may be too few for any p below the limit


@dataclass(frozen=True, slots=True)
class SettingEffect:
    """What is known of one setting.

    Args:
        factor: Its values.
        verdict: ``effect``: the metric follows it by more than noise. ``noise``: by no more. ``confounded``: it follows
            this setting or one of `confounded_with`. ``cannot tell``: see `why`.
        share: Of the variance over runs that it explains beside the others, less what chance would; 0 to 1.
        p: Of its test, corrected for the number of settings and of pairs; None where there was none.
        main: Its main effect.
        confounded_with: Settings that it cannot be told apart from.
        why: What kept it from being tested, ``""`` if nothing did.
        interacts_with: A setting with which it matters though it has no effect of its own.
    """

    factor: Factor
    verdict: Verdict
    share: float
    p: float | None
    main: MainEffect
    confounded_with: tuple[str, ...] = ()
    why: str = ""
    interacts_with: str = ""

    @property
    def told(self) -> str:
        """The verdict in words: of a setting that matters only in a pair it names the other one."""
        return f"{ONLY_WITH} {self.interacts_with}" if self.interacts_with else self.verdict

    @property
    def name(self) -> str:
        """Its key."""
        return self.factor.name

    @property
    def levels(self) -> tuple[Level, ...]:
        """The metric at each value."""
        return self.main.levels


class Judged:
    """The tests of all settings, of each group of those that always vary together the first.

    Args:
        points: The runs.
        groups: The settings.
        scale: The share of the variance of runs that is one of points.
        is_lower_better: Which values of the metric are the best.
    """

    def __init__(
        self, points: Observations, groups: Sequence[Sequence[Factor]], scale: float, *, is_lower_better: bool
    ) -> None:
        self.points, self.groups, self.scale, self.is_lower_better = points, groups, scale, is_lower_better
        self.factors = [group[0] for group in groups]
        self.blocks = [factor.block() for factor in self.factors]
        self.grid = tests_of(points, self.factors)
        self.why = {place: why for place, factor in enumerate(self.factors) if (why := self._why_not(place, factor))}
        self.able = [place for place in range(len(self.factors)) if place not in self.why]
        y, start = points.y, np.full((len(points.y), 1), len(points.y) ** -0.5)
        self.permutations = Permutations(y, kinds=combinations_in(self.factors, len(y)))
        self.found = self._screened()
        self._tell_too_few()
        self.given = space_of(self.found.chosen, self.blocks) if self.blocks else start
        self.shares = [self._share(place) for place in range(len(self.factors))]
        rest = float((without(y, self.given) ** 2).sum())
        self.noise = self.grid.deviation if self.grid else math.sqrt(rest / max(1, len(y) - self.given.shape[1]))

    def _screened(self) -> Screening:
        if not self.able:
            return Screening([], np.empty(0))
        if self.grid is None:
            floors = np.array([factor.least_p() for factor in self.factors])
            return screen(self.points.y, self.blocks, self.able, self.permutations, self._families(), floors)
        p = np.array([self.grid.p.get((place,), np.nan) for place in range(len(self.factors))])
        chosen = [place for place in self.able if place in self.grid.axes and p[place] <= ALPHA]
        return Screening(sorted(chosen, key=lambda one: p[one]), p)

    def _families(self) -> int:
        return FAMILIES if len(self.able) > 1 and len(self.points.y) >= LEAST_FOR_PAIRS else 1

    def _tell_too_few(self) -> None:
        """Take note of settings of which so few runs could not have told an effect, whatever their values."""
        if self.grid is not None or min(self.points.y) == max(self.points.y):
            return
        for place in self.able:
            if self.found.p[place] > ALPHA and not self.found.alike.get(place):
                least = self._families() * self.factors[place].least_p()
                if len(self.points.y) <= _FEW:
                    ideal = least_p(place, self.blocks, self.able, self.permutations, self._families())
                    least = max(least, ideal)
                if least > ALPHA:
                    self.why[place] = f"too few runs: no p of {self._counted()} is below {least:.2g}"
                    self._doubt_weaker_than(place)

    def _doubt_weaker_than(self, untold: int) -> None:
        """Take back the effects that are smaller than that of a setting, as well dealt out, that cannot be told."""
        start = np.full((len(self.points.y), 1), len(self.points.y) ** -0.5)
        strengths = [explained_share(self.points.y, orthonormal(block, start), start) for block in self.blocks]
        for place in [*self.found.chosen]:
            is_as_clear = self.factors[place].least_p() >= self.factors[untold].least_p()
            if is_as_clear and strengths[place] < strengths[untold]:
                self.found.chosen.remove(place)
                self.why[place] = f"too few runs: {self.factors[untold].name} does more and cannot be told either"

    def _why_not(self, place: int, factor: Factor) -> str:
        """Return what keeps a setting from being tested, ``""`` if nothing does."""
        runs, size = len(self.points.y), self.blocks[place].shape[1]
        counted = self._counted()
        if runs < LEAST_POINTS:
            return f"{counted} {'is' if runs == 1 else 'are'} too few"
        if self.grid is not None:
            own = f"{len(factor.levels)} values in {len(self.points.configurations)} configurations"
            return "" if (place,) in self.grid.p else own
        if not factor.is_number and len(factor.levels) > runs / 2:
            return f"{len(factor.levels)} values in {counted}"
        if size > runs - 1 - LEAST_REST:
            return f"{counted} are too few for {len(factor.levels)} values"
        if factor.least_p() > ALPHA:
            sizes = sorted(np.unique(factor.codes, return_counts=True)[1].tolist(), reverse=True)
            return f"too few runs per value: {' + '.join(map(str, sizes))}"
        return ""

    def _counted(self) -> str:
        """Return ``1 run``, ``12 runs``, or ``3 configurations of 9 runs``."""
        points, runs = len(self.points.y), sum(map(len, self.points.members))
        told = "1 run" if runs == 1 else f"{runs:,} runs"
        return told if points == runs else f"{points:,} configuration{'s' if points > 1 else ''} of {told}"

    def _share(self, place: int) -> float:
        if self.grid is not None:
            return self.grid.shares.get((place,), 0.0)
        others = space_of([one for one in self.found.chosen if one != place], self.blocks)
        return self.scale * explained_share(self.points.y, orthonormal(self.blocks[place], others), others)

    def share_of_chosen(self) -> float:
        """Return the share of the variance that the settings with an effect explain together."""
        if self.grid is not None:
            return sum(map(self._share, self.found.chosen))
        start = np.full((len(self.points.y), 1), len(self.points.y) ** -0.5)
        return self.scale * explained_share(self.points.y, orthonormal(self.given, start), start)

    def _adjusted(self, place: int) -> Floats:
        """Return the metric less what the other settings that have an effect do to it."""
        others = [self.blocks[one] for one in self.found.chosen if one != place]
        if not others:
            return self.points.y
        columns = np.column_stack([*others, self.blocks[place], np.ones(len(self.points.y))])
        weights = np.linalg.lstsq(columns, self.points.y)[0]
        count = sum(block.shape[1] for block in others)
        adjusted: Floats = self.points.y - columns[:, :count] @ weights[:count]
        return adjusted

    def top_pair(self) -> tuple[str, str] | None:
        """Return the names of the two settings with the largest shares, those with an effect first."""
        ordered = sorted(self.able, key=lambda place: (place not in self.found.chosen, -self.shares[place]))
        return (self.factors[ordered[0]].name, self.factors[ordered[1]].name) if len(ordered) > 1 else None

    def pairs(self) -> list[Interaction]:
        """Return the interaction of the top two, and those of other pairs that do more than noise."""
        top, names = self.top_pair(), [factor.name for factor in self.factors]
        if top is None:
            return []
        asked = (names.index(top[0]), names.index(top[1]))
        if self.grid is not None:
            return self._pairs_of_grid(asked)
        if len(self.points.y) < LEAST_FOR_PAIRS:
            return [untold(self.factors[asked[0]], self.factors[asked[1]], self.points.y)]
        chosen = [self.able.index(place) for place in self.found.chosen]
        able = [self.factors[place] for place in self.able]
        tested = {
            (min(self.able[one], self.able[other]), max(self.able[one], self.able[other])): p
            for (one, other), p in p_of_pairs(able, chosen, self.given, self.permutations).items()
        }
        asked = (min(asked), max(asked))
        tested.setdefault(asked, 0.0)  # a pair with hardly any room was not among those tested together
        found, given = [], self.given
        for pair, together in tested.items():
            if pair != asked and together > STRICT:
                continue
            one, other = (self.factors[place] for place in (pair if pair != asked else map(names.index, top)))
            found.append(interaction_of(one, other, self.points.y, given, self.permutations, self.scale, together))
            if found[-1].verdict == EFFECT:  # weaker ones have to do more than what goes with it
                given = space_with(one, other, given)
        return [each for each in found if each.verdict == EFFECT or {each.one, each.other} == set(top)]

    def _pairs_of_grid(self, asked: tuple[int, int]) -> list[Interaction]:
        """Return the pair that was asked for, and those that do more than noise, the strongest first."""
        if self.grid is None:
            return []
        p, shares, found = self.grid.p, self.grid.shares, []
        for term in sorted((term for term in p if len(term) == 2), key=lambda term: p[term]):
            is_asked = set(term) == set(asked)
            if is_asked or p[term] <= ALPHA:
                one, other = (self.factors[place] for place in (asked if is_asked else term))
                found.append(interaction_by(one, other, self.points.y, shares[term], p[term]))
        return found

    def settings(self, place: int, pairs: Sequence[Interaction]) -> Iterator[SettingEffect]:
        """Yield what is known of each setting of a group."""
        verdict, others = self._verdict(place)
        p = math.nan if place in self.why or verdict == CANNOT_TELL else float(self.found.p[place])
        beside = [factor.name for other in others for factor in self.groups[other]]
        why = self.why.get(place, "") or ("no room beside the other settings" if verdict == CANNOT_TELL else "")
        adjusted = self._adjusted(place)
        for factor in self.groups[place]:
            together = [each.name for each in self.groups[place] if each is not factor]
            yield SettingEffect(
                factor,
                verdict,
                self.shares[place],
                None if math.isnan(p) else p,
                main_effect(factor, self.points.y, adjusted, is_lower_better=self.is_lower_better, noise=self.noise),
                (*(together if verdict == CONFOUNDED else ()), *beside),
                why,
                self._partner(place, pairs) if verdict == NOISE else "",
            )

    def _verdict(self, place: int) -> tuple[Verdict, Sequence[int]]:
        """Return what the tests say of a setting, and which others it cannot be told apart from."""
        if place in self.why or math.isnan(self.found.p[place]):
            return CANNOT_TELL, ()
        alike = self.found.alike.get(place, ())
        if alike or (place in self.found.chosen and len(self.groups[place]) > 1):
            return CONFOUNDED, alike
        if place in self.found.chosen:
            return EFFECT, ()
        if self.found.p[place] > ALPHA:
            return NOISE, ()
        # It has an effect by itself, but could not be tested beside those chosen.
        if orthonormal(self.blocks[place], self.given).shape[1]:
            return CANNOT_TELL, ()
        nearest = max(self.found.chosen, key=lambda one: likeness(self.blocks[one], self.blocks[place]))
        return CONFOUNDED, (nearest,)

    def _partner(self, place: int, pairs: Sequence[Interaction]) -> str:
        """Return the setting together with which one matters that has no effect of its own, ``""`` for none."""
        name = self.factors[place].name
        strong = (pair for pair in pairs if name in (pair.one, pair.other) and pair.verdict == EFFECT)
        return next((pair.other if pair.one == name else pair.one for pair in strong), "")
