"""One page about a run: its curves, what it confuses, the classes it is worst at, its results and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from tbcli.config import hyperparameters
from tbcli.errors import NotFound
from tbcli.figures.colours import Theme
from tbcli.figures.composing import compose
from tbcli.figures.confusions import count_confusions, shares_of_rows
from tbcli.figures.curves import Request, Scene
from tbcli.figures.grid import POINTS, ROW, Grid, cell_texts, draw_grid, widest_of
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import percent
from tbcli.figures.outcomes import draw_label_table
from tbcli.figures.pages import HEADER, RIGHT, Page, Sheet, require_room
from tbcli.figures.paint.axes import draw_panels, style_of
from tbcli.figures.png.confusion import cell_colours
from tbcli.figures.regressions import poorest_values
from tbcli.figures.scatter import (
    Frame,
    draw_errors_of,
    draw_pairs,
    draw_value,
    error_told,
    fit_told,
    write_panel_heading,
)
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, number_of, result_of, run_heading, short_number
from tbcli.naming.series import is_of_validation
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions, read_predictions
from tbcli.runs.summary import ARGUMENTS
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION
from tbcli.tasks.value_report import report_values

_WIDTH, _HEIGHT, _LEAST = 12.4, 8.6, (9.0, 6.4)  # inches
_FACTS = 2.9  # inches of the column on the right
_TOP = 0.5  # share of the height that the curves take
_MARGIN, _GAP, _NAME = 0.35, 0.4, 1.0  # inches: left, between two parts, of the name of a class
_WORST = 10
_BETWEEN, _LEAST_ERRORS = 0.95, 2.0  # inches between two panels, and of the errors at least
_PANELS = 2
_ALWAYS = ("data", "model", "epochs", "batch_size", "learning_rate", "optimizer", "schedule", "seed")
_NEVER = ("name",)
_NAMELESS = ("0",)  # what the only value is called where nobody named it


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """What there is to say of a run.

    Args:
        scene: Its curves.
        predictions: Of the split that it is judged by; None where it keeps none.
        lacking: Why it keeps none.
    """

    scene: Scene
    predictions: Predictions | None
    lacking: str = ""

    @property
    def class_names(self) -> tuple[str, ...]:
        """A name for each class number."""
        return self.predictions.class_names if self.predictions else ()

    @property
    def damage(self) -> tuple[str, ...]:
        """Sentences about what is not shown."""
        return (f"the summary has no predictions: {self.lacking}",) if self.lacking else ()


def read_summary(run: Run) -> SummaryPage:
    """Return curves and, if there are some, predictions.

    Raises:
        NotFound: The run has no epoch to plot.
    """
    scene = compose([run], Request())
    try:
        return SummaryPage(scene, read_predictions(run))
    except NotFound as error:
        return SummaryPage(scene, None, error.message)


def draw_summary(run: Run, summary: SummaryPage, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        summary: What there is to say of it.
        title: In place of the run's name.
        look: Its colours and size.
    """
    require_room(look.size, Page(*_LEAST))
    page, theme = Page(*(look.size or (_WIDTH, _HEIGHT))), look.theme
    heading = run_heading(run, "summary", *_told(run), title=title)
    settings, results = settings_of(run), results_of(run)
    letters = lettering_for([*heading.texts, *summary.class_names, *(value for _, value, _ in settings)])
    left, top = page.width - _FACTS - RIGHT, HEADER + 0.3
    with one_look(letters.families, theme):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, left=_MARGIN, theme=theme)
        _draw_curves(figure, page, summary.scene, letters, look, left - _GAP)
        down = _write_facts(figure, page, letters, "results", results, (left, top), theme)
        heading_of_settings = "settings (* not the default)" if any(each[2] for each in settings) else "settings"
        _write_facts(figure, page, letters, heading_of_settings, settings, (left, down + ROW), theme)
        if summary.predictions:
            draw = _RESULTS[summary.predictions.task.name]
            draw(figure, page, summary.predictions, letters, left - _GAP, theme)
        else:
            spot = page.spot(_MARGIN, page.height * _TOP + 0.6)
            figure.text(*spot, letters.fitted(summary.lacking, 10, left - _GAP), fontsize=10, color=theme.faint)
    return figure


def _told(run: Run) -> tuple[str, str]:
    status = run.status()
    return "" if status == "finished" else status, result_of(run)


def settings_of(run: Run) -> list[tuple[str, str, bool]]:
    """Return name, value and whether it is not the default, of the settings that matter; changed ones first.

    A run holds what is known of its training. Only `tbcli train` has defaults: of other runs all that is known is
    shown, and none of it is called changed.
    """
    config = run.read_config()
    is_ours = "data" in config
    found = []
    for word, setting in hyperparameters().items():
        section, _, name = setting.key.partition(".")
        if word in _NEVER or (value := config.get(section, {}).get(name)) in (None, ""):
            continue
        changed = is_ours and value not in (setting.default, list(setting.default) if setting.kind is tuple else None)
        if changed or not is_ours or word in _ALWAYS:
            found.append((word, _told_value(value), changed))
    arguments = run.record.get(ARGUMENTS)
    if isinstance(arguments, Mapping):
        found += [(f"arg.{name}", _told_value(value), False) for name, value in arguments.items()]
    return sorted(found, key=lambda one: not one[2])


def _told_value(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def results_of(run: Run) -> list[tuple[str, str, bool]]:
    """Return name and value of what came out: metrics at their best and on test samples, size and time."""
    facts = []
    for name, value in run.metrics.items():
        if isinstance(value, dict) and is_of_validation(name):
            best = number_of(value, "best")
            facts += (
                [] if best is None else [(f"best {name}", f"{short_number(best)}, epoch {value.get('best_epoch')}")]
            )
    tests = [name for name in run.metrics if name.startswith("test_")]
    facts += [(name, short_number(number)) for name in tests if (number := number_of(run.metrics, name)) is not None]
    record = run.record
    facts += [(name, f"{record[name]:,}") for name in ("epochs", "parameters") if isinstance(record.get(name), int)]
    seconds = number_of(record, "seconds")
    facts += [] if seconds is None else [("time", f"{seconds:,.0f} s")]
    facts += [(name, str(record[name])) for name in ("device", "precision") if record.get(name)]
    return [(name, text, False) for name, text in facts]


def _draw_curves(figure: Figure, page: Page, scene: Scene, letters: Lettering, look: Look, width: float) -> None:
    panels = scene.panels[:_PANELS]
    sheet = Sheet(len(panels), size=(width, page.height * _TOP))
    draw_panels(figure, page, sheet, style_of(scene, look.theme, letters), panels)


def _write_facts(
    figure: Figure,
    page: Page,
    letters: Lettering,
    heading: str,
    facts: Sequence[tuple[str, str, bool]],
    corner: tuple[float, float],
    theme: Theme,
) -> float:
    """Write names and values, as many as the page has room for, and return how far down they reach."""
    left, down = corner
    figure.text(*page.spot(left, down), heading, fontsize=11)
    room = int((page.height - down - 0.2) / ROW) - 1
    for name, value, changed in facts[: max(room, 0)]:
        down += ROW
        figure.text(
            *page.spot(left, down + 0.05), f"{name}{' *' if changed else ''}", fontsize=POINTS, color=theme.faint
        )
        text = letters.fitted(value, POINTS, _FACTS - letters.width(f"{name} *", POINTS) - 0.1)
        figure.text(*page.spot(left + _FACTS, down + 0.05), text, ha="right", fontsize=POINTS)
    return down + ROW


def _draw_classes(
    figure: Figure, page: Page, predictions: Predictions, letters: Lettering, width: float, theme: Theme
) -> None:
    """Draw the confusion matrix and, beside it, the classes that come off worst."""
    counts = count_confusions(predictions.labels, predictions.guesses, len(predictions.class_names))
    names = letters.shortened(letters.class_labels(predictions.class_names), POINTS, _NAME)
    widest, top = widest_of(names, letters), page.height * _TOP + 0.35
    side = page.height - top - max(widest, 0.15) - 0.45
    grid = Grid(len(names), side, widest)
    left = 0.65 + widest
    corner = (left, top)
    figure.text(*page.spot(_MARGIN, top - 0.12), f"confusion matrix, {_samples(predictions)}", fontsize=11)
    draw_grid(figure, page, corner, grid, cell_colours(counts, theme), cell_texts(counts, grid), names, theme)
    _list_worst(figure, page, counts, names, letters, (left + side + _GAP, top - 0.12), width, theme)


def _draw_labels(
    figure: Figure, page: Page, predictions: Predictions, letters: Lettering, width: float, theme: Theme
) -> None:
    """Draw what became of each label; of too many those that come off worst."""
    top = page.height * _TOP + 0.35
    space = (_MARGIN, top - 0.05, width - _MARGIN, page.height - top - 0.2)
    note = draw_label_table(figure, page, space, predictions, letters, theme)
    heading = f"labels, {_samples(predictions)}{': ' if note else ''}{note}"
    figure.text(*page.spot(_MARGIN, top - 0.12), heading, fontsize=11)


def _draw_values(
    figure: Figure, page: Page, predictions: Predictions, letters: Lettering, width: float, theme: Theme
) -> None:
    """Draw predicted against true values and the errors; of several values the ones that come off worst."""
    report, names = report_values(predictions.labels, predictions.outputs), predictions.class_names
    top = page.height * _TOP + 0.35
    heading = f"predicted against true, {_samples(predictions)}"
    side, left = page.height - top - 0.8, 0.95
    most = int((width - left + _BETWEEN) / (side + _BETWEEN))
    shown = poorest_values(report, most)
    if len(shown) < len(names):
        heading += f": the {len(shown)} of {len(names)} values with the lowest R2"
    figure.text(*page.spot(_MARGIN, top - 0.12), heading, fontsize=11)
    short = ["value"] if names == _NAMELESS else letters.class_labels(names)
    for position, value in enumerate(shown):
        frame = Frame(page, left + position * (side + _BETWEEN), top + 0.3, side, side)
        write_panel_heading(figure, frame, letters, short[value], fit_told(report, value), theme)
        draw_value(figure, frame, predictions, value, draw_pairs, theme)
    start = left + len(shown) * (side + _BETWEEN)
    if len(names) == 1 and width - start >= _LEAST_ERRORS:
        frame = Frame(page, start, top + 0.3, width - start, side)
        write_panel_heading(figure, frame, letters, "residuals", error_told(report, 0), theme)
        draw_value(figure, frame, predictions, 0, draw_errors_of, theme)


_RESULTS: Mapping[str, Callable[[Figure, Page, Predictions, Lettering, float, Theme], None]] = {
    CLASSIFICATION.name: _draw_classes,
    MULTI_LABEL.name: _draw_labels,
    REGRESSION.name: _draw_values,
}
"""Task -> what draws the lower half of the page."""


def _samples(predictions: Predictions) -> str:
    return counted(len(predictions.labels), f"{predictions.split} sample")


def worst_classes(counts: np.ndarray, most: int) -> list[tuple[int, float, float, float]]:
    """Return class number, recall, precision and F1 of the classes with the lowest F1 that have samples.

    Args:
        counts: ``[true class, guessed class]``.
        most: So many at most.
    """
    right = np.diagonal(counts)
    true, guessed = counts.sum(axis=1), counts.sum(axis=0)
    recall, precision = right / np.maximum(true, 1), right / np.maximum(guessed, 1)
    f1 = 2 * right / np.maximum(true + guessed, 1)
    order = [number for number in np.argsort(f1, kind="stable").tolist() if true[number]]
    return [(number, float(recall[number]), float(precision[number]), float(f1[number])) for number in order[:most]]


def _list_worst(
    figure: Figure,
    page: Page,
    counts: np.ndarray,
    names: Sequence[str],
    letters: Lettering,
    corner: tuple[float, float],
    right: float,
    theme: Theme,
) -> None:
    left, down = corner
    figure.text(*page.spot(left, down), "worst classes, by F1", fontsize=11)
    room = int((page.height - down - 0.3) / ROW) - 2
    rows = [("class", "F1", "recall", "precision", "samples", "taken for")]
    shares = shares_of_rows(counts)
    for number, recall, precision, f1 in worst_classes(counts, min(_WORST, room)):
        wrong = shares[number].copy()
        wrong[number] = 0
        guess = int(wrong.argmax())
        mistaken = f"{names[guess]} ({percent(float(wrong[guess]))})" if wrong[guess] else ""
        samples = f"{int(counts[number].sum()):,}"
        rows.append((names[number], short_number(f1), percent(recall), percent(precision), samples, mistaken))
    start = left + max(widest_of(names, letters), 0.5)
    places = (left, start + 0.6, start + 1.25, start + 2.0, start + 2.65, start + 2.8)
    for number, row in enumerate(rows):
        for column, (place, text) in enumerate(zip(places, row, strict=True)):
            fitted = letters.fitted(text, POINTS, max(right - place, 0.3)) if column == len(row) - 1 else text
            spot = page.spot(place, down + 0.3 + number * ROW)
            side = "right" if 0 < column < len(row) - 1 else "left"
            figure.text(*spot, fitted, ha=side, fontsize=POINTS, color=theme.ink if number else theme.faint)
