"""The difference of two confusion matrices: who is better where, and what does not compare is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tbcli.errors import ConfigError, NotFound
from tbcli.figures.confusions import count_confusions
from tbcli.figures.difference import Pair, draw_difference, gains_of, read_pair
from tbcli.figures.style import Look, save_figure
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions


def runs(place: Path, told: Predictions, retold: Predictions) -> tuple[Run, Run]:
    one, two = make_run(place, name="first", files=False), make_run(place, name="second", files=False)
    keep_evidence(one, told)
    keep_evidence(two, retold)
    return one, two


def pair_of(place: Path, classes: int = 3, *, names: tuple[str, ...] = ()) -> Pair:
    labels = np.arange(60 * classes // 2) % classes
    worse, better = (predictions(labels, classes, names=names, skill=skill) for skill in (1.0, 4.0))
    return read_pair(*runs(place, worse, better))


def drawn(place: Path, pair: Pair) -> Figure:
    figure = draw_difference(pair)
    save_figure(figure, place / "x.png", 40)
    return figure


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_cells_are_the_counts_of_the_second_less_those_of_the_first(tmp_path: Path) -> None:
    pair = pair_of(tmp_path)
    figure = drawn(tmp_path, pair)
    ours, theirs = (count_confusions(told.labels, told.guesses, 3) for told in (pair.told, pair.retold))
    cells = [text.get_text() for text in figure.axes[0].texts if text.get_text()[0] in "+-"]
    assert cells == [f"{change:+,}" for change in (theirs - ours)[theirs != ours]]
    assert pair.damage == ()


def test_totals_and_disagreements_stand_below_the_title(tmp_path: Path) -> None:
    pair = pair_of(tmp_path)
    title, facts, *_ = texts_of(drawn(tmp_path, pair))
    right, right_again = (told.guesses == told.labels for told in (pair.told, pair.retold))
    assert title == "A first, B second  ·  confusion matrix, B minus A"
    assert f"accuracy A {right.mean():.4f}, B {right_again.mean():.4f}" in facts
    only_one, only_two = int((right & ~right_again).sum()), int((right_again & ~right).sum())
    assert f"right only in A {only_one}, only in B {only_two}" in facts


def test_more_is_better_on_the_diagonal_and_less_elsewhere() -> None:
    ours, theirs = np.array([[8, 2], [0, 10]]), np.array([[9, 1], [1, 9]])
    assert gains_of(ours, theirs) == pytest.approx(np.array([[0.1, 0.1], [-0.1, -0.1]]))


def test_classes_are_listed_with_both_recalls_the_largest_difference_first(tmp_path: Path) -> None:
    pair = pair_of(tmp_path)
    listed = texts_of(drawn(tmp_path, pair))
    ours, theirs = (
        np.array([np.mean(told.guesses[told.labels == number] == number) for number in range(3)])
        for told in (pair.told, pair.retold)
    )
    first = int(np.abs(theirs - ours).argmax())
    start = listed.index(f"class {first}")
    assert listed[start + 3] == f"{100 * (theirs - ours)[first]:+.1f}"
    assert any("blue: B better" in text for text in listed)
    assert any("orange: A better" in text for text in listed)


def test_different_classes_are_refused_with_what_differs(tmp_path: Path) -> None:
    labels = np.arange(30) % 3
    one, two = runs(tmp_path, predictions(labels, 3), predictions(labels, 3, names=["class 0", "dog", "class 2"]))
    with pytest.raises(ConfigError, match="class 1 is 'class 1' and 'dog'"):
        read_pair(one, two)
    four = make_run(tmp_path, files=False)
    keep_evidence(four, predictions(labels, 4))
    with pytest.raises(ConfigError, match="different classes: 3 and 4"):
        read_pair(one, four)


def test_different_samples_are_said_and_their_shares_compared(tmp_path: Path) -> None:
    told = predictions(np.arange(60) % 3, 3)
    fewer = replace(told, indices=told.indices[:30], labels=told.labels[:30], outputs=told.probabilities[:30])
    pair = read_pair(*runs(tmp_path, told, fewer))
    figure = drawn(tmp_path, pair)
    assert "60 test samples" in pair.damage[0]
    assert "30 test samples" in pair.damage[0]
    assert "different samples" in texts_of(figure)[1]
    assert "only in" not in texts_of(figure)[1]
    assert all("." in text.get_text() for text in figure.axes[0].texts if text.get_text()[0] in "+-")


def test_the_same_samples_in_another_order_are_the_same(tmp_path: Path) -> None:
    told = predictions(np.arange(60) % 3, 3)
    back = replace(told, indices=told.indices[::-1], labels=told.labels[::-1], outputs=told.probabilities[::-1])
    pair = read_pair(*runs(tmp_path, told, back))
    assert pair.damage == ()
    assert "right only in A 0, only in B 0" in texts_of(drawn(tmp_path, pair))[1]


def test_a_run_without_evidence_is_not_found(tmp_path: Path) -> None:
    one = make_run(tmp_path, files=False)
    keep_evidence(one, predictions(np.arange(6) % 3, 3))
    with pytest.raises(NotFound, match="has no evidence"):
        read_pair(one, make_run(tmp_path, files=False))


def test_two_hundred_long_names_stay_on_the_page(tmp_path: Path) -> None:
    names = tuple(f"a rather long name of a class that has the number {number}" for number in range(200))
    figure = drawn(tmp_path, pair_of(tmp_path, 200, names=names))
    for text in (*figure.texts, *figure.axes[0].texts):
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1


def test_what_the_colours_mean_is_said_where_the_list_has_no_room(tmp_path: Path) -> None:
    facts = texts_of(draw_difference(pair_of(tmp_path), look=Look(size=(5, 3.8))))[1]
    assert facts.endswith("blue: B better, orange: A better")
