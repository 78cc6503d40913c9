"""Whether confidence can be believed, as a figure: accuracy against confidence, and how many samples stand behind it.

The expected calibration error is that of Naeini, Cooper and Hauskrecht 2015, with the 15 bins of equal width of Guo et
al. 2017 (https://arxiv.org/abs/1706.04599): the mean over bins of |accuracy - mean confidence|, weighted by samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tbcli.figures.colours import Theme
from tbcli.figures.confusions import finite_rows
from tbcli.figures.curves import Heading
from tbcli.figures.lettering import lettering_for
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import HEADER, LEFT, Page, require_room
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions

BINS = 15
_WIDTH, _HEIGHT, _LEAST, _BETWEEN = 5.6, 5.6, 1.5, 0.2  # inches of both panels, at least, and between them
_COUNTS = 0.2  # share of the height that the counts take
_TOP, _BELOW, _RIGHT, _NOTES = HEADER + 0.2, 0.5, 0.3, 0.45
_POINTS = 8.0


@dataclass(frozen=True, slots=True)
class _Words:
    """What the axes of the figure are called.

    Args:
        up: What should equal the confidence.
        across: The confidence.
        counted: What the bins count.
        definition: Two lines below the figure.
    """

    up: str
    across: str
    counted: str
    definition: tuple[str, str]


_OF_CLASSES = _Words(
    "accuracy",
    "confidence",
    "samples",
    (
        f"ECE: |accuracy - mean confidence| of {BINS} bins of equal width, averaged with the samples as weights",
        "(Naeini et al. 2015, Guo et al. 2017, arXiv:1706.04599). Confidence: probability of the predicted class.",
    ),
)
_OF_LABELS = _Words(
    "share that has the label",
    "probability of a label",
    "pairs",
    (
        f"ECE: |share that has the label - mean probability| of {BINS} bins of equal width, averaged with the pairs of",
        "sample and label as weights (Naeini et al. 2015, Guo et al. 2017, arXiv:1706.04599).",
    ),
)


@dataclass(frozen=True, slots=True)
class Reliability:
    """What confidence was worth.

    Args:
        counts: Samples per bin ``[bins]``.
        confidence: Mean confidence per bin ``[bins]``; NaN in an empty one.
        accuracy: Share of right predictions per bin ``[bins]``; NaN in an empty one.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, from 0 to 1."""
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float(np.sum(self.counts * gaps) / max(int(self.counts.sum()), 1))

    @property
    def overconfidence(self) -> float:
        """Mean confidence less accuracy over all samples."""
        gaps = np.nan_to_num(self.confidence - self.accuracy)
        return float(np.sum(self.counts * gaps) / max(int(self.counts.sum()), 1))


def reliability_of(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> Reliability:
    """Return confidence and accuracy per bin; a bin holds its upper edge, the first one its lower edge too.

    Args:
        labels: True class numbers ``[n]``.
        probabilities: ``[n, classes]``; rows with NaN are left out.
        bins: Bins of equal width from 0 to 1.
    """
    finite = finite_rows(probabilities)
    confidence = probabilities[finite].max(axis=1).astype(np.float64)
    return _binned(confidence, probabilities[finite].argmax(axis=1) == labels[finite], bins)


def reliability_of_labels(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> Reliability:
    """Return what the probabilities of all labels together are worth: confidence is that a sample has the label.

    Args:
        labels: 1 where a sample has a label ``[n, labels]``.
        probabilities: ``[n, labels]``; rows with NaN are left out.
        bins: Bins of equal width from 0 to 1.
    """
    finite = finite_rows(probabilities)
    return _binned(probabilities[finite].ravel().astype(np.float64), labels[finite].ravel() > 0, bins)


def _binned(confidence: np.ndarray, right: np.ndarray, bins: int) -> Reliability:
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(places, confidence, bins) / counts
        accuracy = np.bincount(places, right, bins) / counts
    return Reliability(counts, means, accuracy)


def draw_calibration(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        title: In place of the run's name.
        look: Its colours and size.
    """
    found = reliability_of(predictions.labels, predictions.outputs)
    return _draw(found, run_heading(run, "calibration", *_facts(predictions, found), title=title), _OF_CLASSES, look)


def draw_label_calibration(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of a run with labels, of all of them together; the worst one is named in the title."""
    labels, outputs = predictions.labels, predictions.outputs
    found = reliability_of_labels(labels, outputs)
    each = [reliability_of_labels(labels[:, [i]], outputs[:, [i]]).error for i in range(labels.shape[1])]
    worst = int(np.argmax(each))
    facts = _facts(predictions, found)
    if len(each) > 1:
        facts = (*facts[:-1], f"worst {predictions.class_names[worst]} {each[worst]:.4f}", facts[-1])
    return _draw(found, run_heading(run, "calibration", *facts, title=title), _OF_LABELS, look)


def _draw(found: Reliability, heading: Heading, words: _Words, look: Look) -> Figure:
    theme = look.theme
    letters = lettering_for(heading.texts)
    fixed = _TOP + _BETWEEN + _BELOW + _NOTES
    require_room(look.size, Page(LEFT + _LEAST + _RIGHT, fixed + _LEAST))
    width, height = look.size or (LEFT + _WIDTH + _RIGHT, fixed + _HEIGHT)
    page, across = Page(width, height), width - LEFT - _RIGHT
    low, up = _COUNTS * (height - fixed), (1 - _COUNTS) * (height - fixed)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(width, height))
        write_heading(figure, page, letters, heading, theme=theme)
        _draw_reliability(figure.add_axes(page.box(LEFT, _TOP, across, up)), found, words, theme, across)
        counts = figure.add_axes(page.box(LEFT, _TOP + up + _BETWEEN, across, low))
        _draw_counts(counts, found, words, theme, (across, low))
        for number, line in enumerate(words.definition):
            spot = page.spot(0.3, height - 0.32 + 0.16 * number)
            text = letters.fitted(line, _POINTS, width - 0.3 - 0.1)
            figure.text(*spot, text, fontsize=_POINTS, color=theme.faint)
    return figure


def _facts(predictions: Predictions, found: Reliability) -> tuple[str, ...]:
    total, used = len(predictions.labels), int(finite_rows(predictions.outputs).sum())
    return (
        counted(used, f"{predictions.split} sample"),
        f"{total - used:,} not finite left out" if used < total else "",
        f"ECE {found.error:.4f}, {'over' if found.overconfidence >= 0 else 'under'}confident",
    )


def _draw_reliability(axes: Axes, found: Reliability, words: _Words, theme: Theme, across: float) -> None:
    bins = len(found.counts)
    middles, met = (np.arange(bins) + 0.5) / bins, found.counts > 0
    confidence, accuracy = found.confidence[met], found.accuracy[met]
    axes.bar(middles[met], accuracy, width=0.92 / bins, color=theme.train, alpha=0.35, linewidth=0)
    axes.plot([0, 1], [0, 1], color=theme.faint, linewidth=1, linestyle=":", label="perfect calibration")
    axes.vlines(confidence, accuracy, confidence, colors=theme.validation, linewidth=2.5, label="gap")
    axes.plot(confidence, accuracy, "o-", color=theme.train, linewidth=1.4, markersize=4.5, label=words.up)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel=words.up)
    axes.tick_params(labelbottom=False)
    axes.yaxis.set_label_coords(-0.5 / across, 0.5)
    axes.yaxis.set_major_formatter(PlainNumbers())
    axes.legend(loc="upper left", fontsize=8.5)


def _draw_counts(axes: Axes, found: Reliability, words: _Words, theme: Theme, size: tuple[float, float]) -> None:
    across, low = size
    bins = len(found.counts)
    middles = (np.arange(bins) + 0.5) / bins
    highest = int(found.counts.max())
    axes.bar(middles, found.counts, width=0.92 / bins, color=theme.faint, alpha=0.6, linewidth=0)
    for middle, count in zip(middles.tolist(), found.counts.tolist(), strict=True):
        if count:
            axes.text(middle, count + 0.04 * highest, f"{count:,}", ha="center", fontsize=6.5, color=theme.ink)
    axes.set(xlim=(0, 1), ylim=(0, 1.25 * highest), xlabel=words.across, ylabel=words.counted)
    axes.yaxis.set_label_coords(-0.5 / across, 0.5)
    axes.xaxis.set_label_coords(0.5, -0.3 / low)
    axes.yaxis.set_ticks([0, highest], ["0", f"{highest:,}"])
    axes.xaxis.set_major_formatter(PlainNumbers())
