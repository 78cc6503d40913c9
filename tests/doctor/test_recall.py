"""Rare classes that a model hardly ever answers are found; rare ones that it learnt are not."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.doctor.course import Known
from tbcli.doctor.findings import Finding
from tbcli.doctor.recall import findings_on_classes, recall_of

KNOWN = Known(task="classification", repeats="tbcli train --config r1")


def found(occurs: list[int], hits: list[int], **more: bool) -> list[Finding]:
    labels = np.repeat(np.arange(len(occurs)), occurs)
    guesses = np.concatenate(
        [np.where(np.arange(n) < k, c, 0) for c, (n, k) in enumerate(zip(occurs, hits, strict=True))]
    )
    names = [f"class {number}" for number in range(len(occurs))]
    return list(findings_on_classes(recall_of(labels, guesses, names), KNOWN, "test", **more))


def test_a_rare_class_that_is_never_found_is_named_with_its_numbers() -> None:
    (finding,) = found([950, 50], [950, 0])
    assert (finding.level, finding.name) == ("warning", "class-imbalance")
    assert "'class 1' (0 of 50, 5.0% of the samples)" in finding.what
    assert finding.fix == "tbcli train --config r1 --balance"


@pytest.mark.parametrize(
    ("occurs", "hits"),
    [
        ([950, 50], [940, 30]),  # learnt well enough
        ([100, 100], [100, 0]),  # not rare: it is something else
        ([950, 5], [950, 0]),  # too few to say
        ([], []),
        ([0, 0], [0, 0]),
    ],
)
def test_no_imbalance_is_claimed_without_evidence(occurs: list[int], hits: list[int]) -> None:
    assert found(occurs or [0], hits or [0]) == []


def test_of_many_lost_classes_three_are_named() -> None:
    (finding,) = found([500, *[20] * 6], [500, *[0] * 6])
    assert finding.what.count("of 20") == 3
    assert finding.what.endswith("and 3 more")


def test_balancing_is_not_advised_twice() -> None:
    (finding,) = found([950, 50], [950, 0], is_balanced=True)
    assert "--balance" not in finding.fix


def test_a_label_among_several_counts_where_it_is_set() -> None:
    labels = np.zeros((200, 2))
    labels[:, 0], labels[:20, 1] = 1, 1
    recall = recall_of(labels, np.stack([np.ones(200), np.zeros(200)], axis=1), ["often", "rare"])
    assert recall.shares == (1.0, 0.1)
    assert recall.mean == 0.5
    (finding,) = findings_on_classes(recall, Known(task="multi-label"), "test")
    assert "'rare' (0 of 20" in finding.what
