"""Settings that vary over runs, as columns of numbers: ranks of what is a number, levels of what is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tbcli.effects.permutations import ways_to_deal
from tbcli.effects.spaces import Floats, orthonormal
from tbcli.naming.group_labels import text_of

ABSENT = -1
"""The code of runs that do not have a setting."""
_LONGEST_NUMBER, _DIGITS = 10, (4, 6, 9, 12)
_LEAST_LOG_RATIO = 5.0  # of the largest to the smallest value on a logarithmic scale
_MOST_CONDITION_LEVELS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A setting with more than one value.

    Args:
        name: ``section.key``, or what a foreign log calls it.
        levels: Its distinct values in order: numbers, or texts.
        codes: Position of the value of each run among the levels ``[n]``; `ABSENT` where a run lacks the setting.
        is_number: Whether its levels are numbers.
        is_log: Whether these are spread over a logarithmic scale.
        condition: The other setting and its values that decide whether runs have this one, ``""`` where nothing does.
    """

    name: str
    levels: tuple[float | str, ...]
    codes: np.ndarray
    is_number: bool
    is_log: bool = False
    condition: str = ""

    @property
    def present(self) -> np.ndarray:
        """Which runs have it ``[n]``."""
        found: np.ndarray = self.codes != ABSENT
        return found

    @property
    def is_partial(self) -> bool:
        """Whether some runs lack it."""
        return not bool(self.present.all())

    @property
    def values(self) -> Floats:
        """The values of a number ``[n]``, NaN where it is absent."""
        found: Floats = np.array([*map(float, self.levels), math.nan])[self.codes]
        return found

    def text(self, level: int) -> str:
        """Return a value as a person reads it."""
        if level == ABSENT:
            return "-"
        text = text_of(self.levels[level])
        return self._rounded(level) if self.is_number and len(text) > _LONGEST_NUMBER and "." in text else text

    def _rounded(self, level: int) -> str:
        """Return a number without the noise of its last digits, unless it is they that tell it from its neighbours."""
        near = [float(one) for one in self.levels[max(0, level - 1) : level + 2]]
        value = float(self.levels[level])
        digits = next((d for d in _DIGITS if len({f"{one:.{d}g}" for one in near}) == len(near)), 17)
        return f"{value:.{digits}g}"

    def block(self, most_powers: int = 4) -> Floats:
        """Return orthonormal columns ``[n, degrees of freedom]`` that hold all by which a metric may follow it.

        Polynomials of the ranks of a number, so that no scale has to be known; the levels of anything else. To lack the
        setting is a level, unless another setting decides that.

        Args:
            most_powers: Of a number.
        """
        columns = _powers(self, most_powers) if self.is_number else _indicators(self.codes, len(self.levels))
        given = [np.ones(len(self.codes))]
        if self.is_partial:
            presence = self.present.astype(float)
            if self.condition:
                given.append(presence)
                columns = columns * presence[:, np.newaxis]
            else:
                columns = np.column_stack([columns, presence])
        return orthonormal(columns, orthonormal(np.column_stack(given)))

    def least_p(self) -> float:
        """Return the smallest p that exchanging the runs can reach, by the number of ways to deal out the values."""
        sizes = np.unique(self.codes, return_counts=True)[1].tolist()
        if self.is_number and len(sizes) > 2:
            alike = math.log(2) if sizes == sizes[::-1] else 0.0  # the other way round it fits as well
        else:
            alike = sum(math.lgamma(count + 1) for count in np.unique(sizes, return_counts=True)[1].tolist())
        return math.exp(min(0.0, alike - ways_to_deal(sizes)))


def _degree(runs: int) -> int:
    return 2 if runs < 24 else 3 if runs < 60 else 4


def _powers(factor: Factor, most: int) -> Floats:
    """Return powers of the mean ranks, from -1 to 1, of the runs that have a number; 0 for the others."""
    present = factor.present
    codes = factor.codes[present]
    counts = np.bincount(codes, minlength=len(factor.levels))
    ranks = (np.cumsum(counts) - counts / 2)[codes]
    span = ranks.max() - ranks.min()
    scaled = np.zeros(len(factor.codes))
    scaled[present] = 2 * (ranks - ranks.min()) / span - 1 if span else 0.0
    degree = min(len(factor.levels) - 1, _degree(len(factor.codes)), most)
    powers = np.column_stack([scaled**power for power in range(1, max(1, degree) + 1)])
    powers[~present] = 0
    return powers


def _indicators(codes: np.ndarray, levels: int) -> Floats:
    found: Floats = (codes[:, np.newaxis] == np.arange(levels)).astype(float)
    return found


def factors_of(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[Factor]:
    """Return the settings that have more than one value, or that only some runs have.

    Args:
        rows: The settings of each run.
        keys: Which of them.
    """
    found = [factor for key in keys if (factor := _factor(key, [row.get(key) for row in rows])) is not None]
    return [_conditioned(factor, found) if factor.is_partial else factor for factor in found]


def _factor(name: str, values: Sequence[Any]) -> Factor | None:
    present = [value for value in values if value is not None]
    numbers = list(map(_number, present))
    is_number = bool(numbers) and all(number is not None for number in numbers)
    plain = [None if value is None else _number(value) if is_number else text_of(value) for value in values]
    known = {value for value in plain if value is not None}
    levels: tuple[float | str, ...] = tuple(sorted(known))  # all numbers, or all texts
    if len(levels) + (len(present) < len(values)) < 2 or not levels:
        return None
    places = {level: place for place, level in enumerate(levels)}
    codes = np.array([ABSENT if value is None else places[value] for value in plain])
    is_number = is_number and len(levels) > 1
    return Factor(name, levels, codes, is_number, is_number and _is_log([float(level) for level in levels]))


def _number(value: Any) -> float | None:
    """Return a number, or a text that is one; a script is given its arguments as texts."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_log(levels: Sequence[float]) -> bool:
    """Say whether positive values lie more evenly by their logarithms than by themselves."""
    low, high = min(levels), max(levels)
    if low <= 0 or high / low < _LEAST_LOG_RATIO:
        return False
    if len(levels) == 2:
        return high / low >= 2 * _LEAST_LOG_RATIO
    plain = np.array(levels)
    return abs(_skewness(np.log(plain))) < abs(_skewness(plain))


def _skewness(values: Floats) -> float:
    centred = (values - values.mean()) / values.std()
    return float((centred**3).mean())


def _conditioned(factor: Factor, others: Sequence[Factor]) -> Factor:
    """Return a setting that only some runs have with the other setting that decides which, if there is one."""
    for other in others:
        most = min(_MOST_CONDITION_LEVELS, len(factor.codes) / 2)
        if other is factor or other.is_partial or len(other.levels) > most:
            continue
        having = [bool(factor.present[other.codes == level].all()) for level in range(len(other.levels))]
        if np.array_equal(np.array(having)[other.codes], factor.present):
            values = ",".join(other.text(level) for level, has in enumerate(having) if has)
            return Factor(
                factor.name, factor.levels, factor.codes, factor.is_number, factor.is_log, f"{other.name}={values}"
            )
    return factor


def combinations_in(factors: Sequence[Factor], runs: int) -> np.ndarray:
    """Return a number for each run: the same where all settings are ``[runs]``."""
    codes = np.column_stack([np.zeros(runs, dtype=int), *(factor.codes for factor in factors)])
    found: np.ndarray = np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1)
    return found


def confounded(factors: Sequence[Factor]) -> list[list[Factor]]:
    """Return the settings in groups of those that always vary together: each tells the values of the others."""
    groups: dict[tuple[int | str, ...], list[Factor]] = {}
    for factor in factors:
        groups.setdefault(_shape(factor), []).append(factor)
    return list(groups.values())


def _shape(factor: Factor) -> tuple[int | str, ...]:
    """Return what settings that vary together have in common.

    That is how they divide the runs. Where hardly two runs share a value this says nothing, but the order of numbers
    does.
    """
    codes, first = factor.codes.tolist(), dict[int, int]()
    if len(factor.levels) <= len(codes) / 2:
        return tuple(first.setdefault(code, len(first)) for code in codes)
    if not factor.is_number:
        return (factor.name,)
    mirrored = [code if code == ABSENT else len(factor.levels) - 1 - code for code in codes]
    return ("in order", *min(codes, mirrored))
