"""Whether groups differ by more than noise: the numbers of a t-test, and words where there are none."""

from __future__ import annotations

import pytest

from tbcli.welch import Difference, compare_groups, corrected, two_sided_p


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [  # as statistical tables have it
        (0.0, 5.0, 1.0),
        (12.706, 1.0, 0.05),
        (2.571, 5.0, 0.05),
        (4.032, 5.0, 0.01),
        (1.960, 1e6, 0.05),
        (3.2905, 1e6, 0.001),
        (1.0, 1.0, 0.5),
    ],
)
def test_p_is_that_of_the_tables(t: float, freedom: float, p: float) -> None:
    assert two_sided_p(t, freedom) == pytest.approx(p, rel=1e-3)


def test_it_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    import numpy as np

    random = np.random.default_rng(0)
    for _ in range(50):
        ones, others = (random.normal(size=random.integers(2, 20)) * 10 ** random.uniform(-2, 2) for _ in range(2))
        expected = stats.ttest_ind(ones, others, equal_var=False).pvalue
        assert compare_groups(ones.tolist(), others.tolist()).p == pytest.approx(expected, rel=1e-9)


def test_the_words_say_p_and_n() -> None:
    differs = compare_groups([0.90, 0.91, 0.92, 0.91, 0.90], [0.95, 0.96, 0.95, 0.94, 0.96])
    assert differs.told.startswith("differs more than noise would: p ")
    assert differs.told.endswith(", n 5 and 5")
    assert compare_groups([0.9, 0.95, 0.92], [0.91, 0.94, 0.93]).told.startswith("no more than noise: p 0.")
    assert compare_groups([0.9, 0.95], [0.91, 0.96]).told.endswith(
        "n 2 and 2, and two per group can hardly show anything"
    )
    assert compare_groups([0.9, 0.95], [0.91, 0.96, 0.97]).told.endswith("n 2 and 3, and two can hardly show anything")


@pytest.mark.parametrize(
    ("ones", "others", "told"),
    [
        ([1.0], [2.0], "cannot tell: 1 run each"),
        ([1.0], [2.0, 3.0], "cannot tell: 1 run against 2 runs"),
        ([], [2.0, 3.0], "cannot tell: 0 runs against 2 runs"),
        ([], [], "cannot tell: no run with a value"),
        ([1.0, 1.0], [2.0, 2.0], "cannot tell: the runs of a group do not differ"),
        ([1.0, 1.0], [1.0, 1.0], "cannot tell: all runs have the same value"),
        ([0.1, 0.1], [0.1, 0.1 + 1e-17], "cannot tell: all runs have the same value"),
        ([0.0, 0.0], [0.0, 0.0], "cannot tell: all runs have the same value"),
    ],
)
def test_too_little_is_not_guessed_from(ones: list[float], others: list[float], told: str) -> None:
    assert compare_groups(ones, others).told == told


@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e200, 1e307])
def test_it_is_the_same_in_any_unit(unit: float) -> None:
    ones, others = [1.0 * unit, 1.1 * unit, 1.2 * unit], [2.0 * unit, 2.1 * unit, 2.3 * unit]
    assert compare_groups(ones, others).p == pytest.approx(0.0012271513537, rel=1e-9)


def test_noise_alone_differs_in_one_of_twenty() -> None:
    import numpy as np

    random = np.random.default_rng(1)
    for size in (2, 5):
        tests = [compare_groups(*random.normal(size=(2, size)).tolist()) for _ in range(400)]
        assert sum(test.verdict == "differs" for test in tests) <= 30


@pytest.mark.parametrize("loose", [(1.0, 1.0), (5.0, 1.0)])
def test_two_runs_that_are_alike_by_chance_do_not_differ_from_many(loose: tuple[float, float]) -> None:
    import numpy as np

    random = np.random.default_rng(2)
    groups = [(random.normal(size=2) * loose[0], random.normal(size=10) * loose[1]) for _ in range(400)]
    tests = [compare_groups(few.tolist(), many.tolist()) for few, many in groups]
    assert sum(test.verdict == "differs" for test in tests) <= 24  # 40 by Welch's test alone
    assert any(test.told.endswith("tell too little of the spread") for test in tests)


def test_p_grows_with_the_number_of_groups() -> None:
    given = [Difference("differs", p, (5, 5)) for p in (0.01, 0.04, 0.03)] + [Difference("cannot tell", None, (1, 5))]
    found = corrected(given)
    assert [one.p for one in found[:3]] == pytest.approx([0.03, 0.06, 0.06])
    assert [one.verdict for one in found] == ["differs", "noise", "noise", "cannot tell"]
