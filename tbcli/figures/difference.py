"""What two models confuse, subtracted: the cells in the colour of the run that is better there, the classes beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from tbcli.errors import ConfigError
from tbcli.figures.colours import Theme, blended
from tbcli.figures.confusions import count_confusions, shares_of_rows
from tbcli.figures.curves import Heading
from tbcli.figures.grid import HEADING_LEFT, POINTS, ROW, Plan, draw_grid, planned, short_names, widest_of
from tbcli.figures.lettering import lettering_for
from tbcli.figures.matrix import mean_f1
from tbcli.figures.numbers import percent
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, heading_of, short_number
from tbcli.naming.shortening import shortened_names
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions, read_predictions

KIND = "confusion matrix, B minus A"
_LONGEST_NAME = 24  # characters of a run's name in the title
_MOST_LISTED, _NOTES = 16, 4  # lines of classes, and of what the colours mean
_COLUMNS = 0.75, 0.75, 0.85  # inches of recall of A, of B, and their difference
_NAMES = 0.5  # inches of the names, at least
_STRONGEST = 0.2  # change of share from which a cell has its full colour


@dataclass(frozen=True, slots=True)
class Pair:
    """What two runs said of the same classes.

    Args:
        one: The first run, A.
        two: The second run, B.
        told: What A predicted.
        retold: What B predicted.
    """

    one: Run
    two: Run
    told: Predictions
    retold: Predictions

    @property
    def class_names(self) -> tuple[str, ...]:
        """A name for each class number."""
        return self.told.class_names

    @property
    def is_same_data(self) -> bool:
        """Whether both were evaluated on the same samples, so that counts may be subtracted."""
        told, retold = self.told, self.retold
        if self.one.data_name != self.two.data_name or told.split != retold.split:
            return False
        ours, theirs = np.argsort(told.indices), np.argsort(retold.indices)
        return np.array_equal(told.indices[ours], retold.indices[theirs]) and np.array_equal(
            told.labels[ours], retold.labels[theirs]
        )

    @property
    def damage(self) -> tuple[str, ...]:
        """Sentences about what does not compare."""
        if self.is_same_data:
            return ()
        sides = [
            f"{run.label} on {counted(len(told.labels), f'{told.split} sample')} of {run.data_name}"
            for run, told in ((self.one, self.told), (self.two, self.retold))
        ]
        return (f"evaluated on different samples ({', '.join(sides)}): shares of each class are compared, not counts",)

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """The confusions of A and of B ``[true class, guessed class]``."""
        classes = len(self.class_names)
        ours, theirs = (count_confusions(told.labels, told.guesses, classes) for told in (self.told, self.retold))
        return ours, theirs


def read_pair(one: Run, two: Run) -> Pair:
    """Return what two runs predicted.

    Raises:
        NotFound: One of them keeps no predictions.
        ConfigError: They have different classes.
    """
    told, retold = read_predictions(one), read_predictions(two)
    if told.class_names != retold.class_names:
        raise ConfigError(
            f"{one.label} and {two.label} have different classes: {_different(told.class_names, retold.class_names)}",
            hint=f"`tbcli plot {one.id} --kind confusion`, and the other one alone too",
        )
    return Pair(one, two, told, retold)


def _different(ours: Sequence[str], theirs: Sequence[str]) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} and {len(theirs)}"
    number = next(number for number, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    return f"class {number} is {ours[number]!r} and {theirs[number]!r}"


def draw_difference(pair: Pair, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of B minus A: blue where B is better, orange where A is.

    Args:
        pair: The two runs.
        title: In place of the runs' names.
        look: Its colours and size.
    """
    ours, theirs = pair.counts
    heading = Heading(title or _names(pair), KIND, results=_facts(pair, ours, theirs))
    letters = lettering_for([*heading.texts, *pair.class_names])
    short, theme = short_names(pair.class_names, letters, look), look.theme
    recalls = np.array([np.diagonal(shares_of_rows(counts)) for counts in (ours, theirs)])
    rows = np.argsort(-np.abs(recalls[1] - recalls[0]), kind="stable")[:_MOST_LISTED].tolist()
    width = max(widest_of(short, letters), _NAMES) + sum(_COLUMNS)
    plan = planned(short, letters, heading, len(rows) + _NOTES, width, look)
    if plan.lines <= _NOTES:
        heading = replace(heading, results=(*heading.results, "blue: B better, orange: A better"))
    gains = gains_of(ours, theirs)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(plan.page.width, plan.page.height))
        write_heading(figure, plan.page, letters, heading, left=HEADING_LEFT, theme=theme)
        texts = _texts(ours, theirs, in_counts=pair.is_same_data)
        draw_grid(figure, plan.page, (plan.left, plan.top), plan.grid, _colours(gains, theme), texts, short, theme)
        if plan.lines > _NOTES:
            _list_classes(figure, plan, recalls, rows[: plan.lines - _NOTES], short, theme)
    return figure


def gains_of(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return by how much B is better in each cell, as a share of the true class ``[true class, guessed class]``.

    On the diagonal more is better, elsewhere less.
    """
    change = shares_of_rows(theirs) - shares_of_rows(ours)
    gains: np.ndarray = np.where(np.eye(len(change), dtype=bool), change, -change)
    return gains


def _names(pair: Pair) -> str:
    names = [heading_of(run) for run in (pair.one, pair.two)]
    if names[0] == names[1] or not lettering_for(names).draws("".join(names)):
        names = [pair.one.id, pair.two.id]
    one, two = shortened_names(names, _LONGEST_NAME)
    return f"A {one}, B {two}"


def _facts(pair: Pair, ours: np.ndarray, theirs: np.ndarray) -> tuple[str, ...]:
    accuracies = [int(np.trace(counts)) / max(int(counts.sum()), 1) for counts in (ours, theirs)]
    facts = (
        [pair.one.data_name, counted(int(ours.sum()), f"{pair.told.split} sample")]
        if pair.is_same_data
        else ["different samples"]
    )
    facts += [
        f"accuracy A {short_number(accuracies[0])}, B {short_number(accuracies[1])}",
        f"mean F1 A {short_number(mean_f1(ours))}, B {short_number(mean_f1(theirs))}",
    ]
    return tuple(filter(None, [*facts, *_disagreement(pair)]))


def _disagreement(pair: Pair) -> list[str]:
    """Return how many samples only one of them has right."""
    if not pair.is_same_data:
        return []
    ours, theirs = np.argsort(pair.told.indices), np.argsort(pair.retold.indices)
    right = (pair.told.guesses == pair.told.labels)[ours]
    right_again = (pair.retold.guesses == pair.retold.labels)[theirs]
    return [f"right only in A {int((right & ~right_again).sum()):,}, only in B {int((right_again & ~right).sum()):,}"]


def _texts(ours: np.ndarray, theirs: np.ndarray, *, in_counts: bool) -> dict[tuple[int, int], str]:
    if in_counts:
        change = theirs - ours
        return {(true, guess): f"{change[true, guess]:+,}" for true, guess in np.argwhere(change).tolist()}
    shares = 100 * (shares_of_rows(theirs) - shares_of_rows(ours))
    return {
        (true, guess): f"{shares[true, guess]:+.1f}" for true, guess in np.argwhere(np.abs(shares) >= 0.05).tolist()
    }


def _colours(gains: np.ndarray, theme: Theme) -> np.ndarray:
    strength = np.sqrt(np.clip(np.abs(gains) / _STRONGEST, 0, 1))
    better, worse = (blended(theme.paper, end, strength) for end in (theme.train, theme.validation))
    colours: np.ndarray = np.where((gains > 0)[..., np.newaxis], better, worse)
    return colours


def _classes(count: int) -> str:
    return f"{count:,} class{'' if count == 1 else 'es'}"


def _list_classes(
    figure: Figure, plan: Plan, recalls: np.ndarray, rows: Sequence[int], names: Sequence[str], theme: Theme
) -> None:
    """Write recall per class, the largest difference first, and what the colours mean."""
    right = plan.list_width
    places = (0.0, right - _COLUMNS[1] - _COLUMNS[2], right - _COLUMNS[2], right)
    lines = [("class", "recall A", "recall B", "B minus A", theme.faint)]
    for number in rows:
        ours, theirs = recalls[:, number]
        change = f"{100 * (theirs - ours):+.1f}"
        lines.append((names[number], percent(float(ours)), percent(float(theirs)), change, theme.ink))
    better = [int((recalls[1] > recalls[0]).sum()), int((recalls[1] < recalls[0]).sum())]
    for number, (*texts, colour) in enumerate(lines):
        for place, text in zip(places, texts, strict=True):
            spot = plan.page.spot(plan.list_left + place, plan.top + 0.12 + number * ROW)
            figure.text(*spot, text, ha="right" if place else "left", fontsize=POINTS, color=colour)
    notes = (
        (f"blue: B better (recall of {_classes(better[0])})", theme.train),
        (f"orange: A better (recall of {_classes(better[1])})", theme.validation),
    )
    for number, (text, colour) in enumerate(notes):
        down = plan.top + 0.12 + (len(lines) + 0.8 + number) * ROW
        figure.text(*plan.page.spot(plan.list_left, down), "■", fontsize=POINTS, color=colour)
        figure.text(*plan.page.spot(plan.list_left + 0.2, down), text, fontsize=POINTS, color=theme.faint)
