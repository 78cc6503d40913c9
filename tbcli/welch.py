"""Whether two groups differ by more than noise: Welch's t-test, without NumPy."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal, NamedTuple

ALPHA = 0.05
Verdict = Literal["differs", "noise", "cannot tell"]
DIFFERS: Verdict = "differs"
NOISE: Verdict = "noise"
CANNOT_TELL: Verdict = "cannot tell"
_ROUNDING = 2**-40
_STEPS, _CLOSE, _TINY = 500, 1e-15, 1e-300


class Difference(NamedTuple):
    """What a test says of two groups.

    Args:
        verdict: ``differs`` by more than noise would, ``noise``, or ``cannot tell``.
        p: How often chance alone would part the groups so far, if their spread is what it seems; None without a test.
        n: Independent runs of either group, the one that is compared with first.
        why: What keeps it from being told, ``""`` where nothing does.
    """

    verdict: Verdict
    p: float | None
    n: tuple[int, int]
    why: str = ""

    @property
    def told(self) -> str:
        """A sentence."""
        if self.verdict == CANNOT_TELL:
            return f"cannot tell: {self.why}"
        said = "differs more than noise would" if self.verdict == DIFFERS else "no more than noise"
        return f"{said}: p {self.p:.2g}, n {self.n[0]} and {self.n[1]}{self.caveat}"

    @property
    def caveat(self) -> str:
        """What makes ``noise`` say little, behind a comma; ``""`` where nothing does."""
        if self.verdict != NOISE or min(self.n) > 2:
            return ""
        return (
            ", and two per group can hardly show anything" if max(self.n) == 2 else ", and two can hardly show anything"
        )


def compare_groups(ones: Sequence[float], others: Sequence[float]) -> Difference:
    """Return what a two-sided test of different means says; variances may differ.

    Args:
        ones: Finite values of independent runs.
        others: Those of the other group.
    """
    n = (len(ones), len(others))
    if min(n) < 2:
        return Difference(CANNOT_TELL, None, n, _too_few(*n))
    largest = max(map(abs, (*ones, *others))) or 1.0  # in units of which no square is beyond the largest number
    scaled = [[value / largest for value in values] for values in (ones, others)]
    parts = [statistics.variance(values) / len(values) for values in scaled]
    apart, error = abs(statistics.mean(scaled[0]) - statistics.mean(scaled[1])), sum(parts)
    if math.sqrt(error) <= _ROUNDING:
        why = "the runs of a group do not differ" if apart > _ROUNDING else "all runs have the same value"
        return Difference(CANNOT_TELL, None, n, why)
    freedom = error**2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, (ones, others), strict=True))
    found, t = _judged(two_sided_p(apart / math.sqrt(error), freedom), n), apart / math.sqrt(error)
    # Two runs are soon alike by chance, and then the spread of the others alone would count.
    is_shaky = (min(n) == 2 < max(n)) or min(parts) <= _ROUNDING * error
    if found.verdict == DIFFERS and is_shaky and two_sided_p(t, min(n) - 1) > ALPHA:
        return found._replace(
            verdict=CANNOT_TELL, why=f"{_runs(n[0])} against {_runs(n[1])} tell too little of the spread"
        )
    return found


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """Return tests of several groups with p values as large as their number demands (Holm)."""
    tested = sorted((one.p, place) for place, one in enumerate(differences) if one.p is not None)
    found, largest = list(differences), 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        found[place] = _judged(largest, differences[place].n)
        if found[place].verdict == DIFFERS and differences[place].verdict == CANNOT_TELL:
            found[place] = differences[place]._replace(p=largest)
    return found


def _judged(p: float, n: tuple[int, int]) -> Difference:
    return Difference(DIFFERS if p <= ALPHA else NOISE, p, n)


def _too_few(one: int, other: int) -> str:
    if one == other:
        return "1 run each" if one else "no run with a value"
    return f"{_runs(one)} against {_runs(other)}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def two_sided_p(t: float, freedom: float) -> float:
    """Return how often Student's t is at least so far from zero."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def p_of_f(f: float, above: float, below: float) -> float:
    """Return how often an F statistic is at least so large.

    Args:
        f: At least 0.
        above: Degrees of freedom of what is tested.
        below: Those of the noise.
    """
    return _incomplete_beta(below / 2, above / 2, below / (below + above * f))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction where that is quick."""
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    fraction, above, below = 1.0, 1.0, 0.0
    for step in range(_STEPS):
        half = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        below = 1 / _apart_from_zero(1 + term * below)
        above = _apart_from_zero(1 + term / above)
        fraction *= above * below
        if abs(above * below - 1) < _CLOSE:
            break
    return front * (fraction - 1)


def _apart_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
