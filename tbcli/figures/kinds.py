"""The kinds of figures besides the history, and which of them ``--kind`` selects; loads none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbcli.errors import ConfigError
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.tasks import Task

HISTORY, ALL = "history", "all"


@dataclass(frozen=True, slots=True)
class Kind:
    """One figure of one run.

    Args:
        stem: Name of its file, without the suffix.
        read: ``module:function``: given the run, returns the data of the figure or raises `NotFound`; uses NumPy alone.
        draw: ``module:function``: given the run, what was read, ``title`` and ``look``, returns the figure.
        tasks: The tasks it suits; empty for all.
        draw_labels: What draws it of multi-label runs, where that is another figure.
    """

    stem: str
    read: str
    draw: str
    tasks: tuple[str, ...] = ()
    draw_labels: str = ""

    def suits(self, task: Task | None) -> bool:
        """Return whether a run of a task can have this figure; where that is not known, reading tells."""
        return task is None or not self.tasks or task.name in self.tasks

    def drawer(self, task: Task | None) -> str:
        """Return what draws it of runs of a task."""
        return self.draw_labels if self.draw_labels and task is not None and task.name == _MULTI_LABEL else self.draw


# Names of tasks; the tasks themselves need NumPy, which completion does without.
_MULTI_LABEL = "multi-label"
_OF_PROBABILITIES, _OF_VALUES = ("classification", _MULTI_LABEL), ("regression",)
_PREDICTIONS, _SCORED = "tbcli.runs.evidence:read_predictions", "tbcli.figures.one_vs_rest:read_scored"

KINDS = {
    "summary": Kind("summary", "tbcli.figures.summary_page:read_summary", "tbcli.figures.summary_page:draw_summary"),
    "confusion": Kind(
        "confusion_matrix",
        _PREDICTIONS,
        "tbcli.figures.matrix:draw_confusion",
        _OF_PROBABILITIES,
        "tbcli.figures.outcomes:draw_outcomes",
    ),
    "predicted_vs_true": Kind("predicted_vs_true", _PREDICTIONS, "tbcli.figures.scatter:draw_scatter", _OF_VALUES),
    "residuals": Kind("residuals", _PREDICTIONS, "tbcli.figures.scatter:draw_errors", _OF_VALUES),
    "pr": Kind("pr_curves", _SCORED, "tbcli.figures.precision_recall:draw_precision_recall", _OF_PROBABILITIES),
    "roc": Kind("roc_curves", "tbcli.figures.roc:read_ranked", "tbcli.figures.roc:draw_roc", _OF_PROBABILITIES),
    "calibration": Kind(
        "calibration",
        _SCORED,
        "tbcli.figures.calibration:draw_calibration",
        _OF_PROBABILITIES,
        "tbcli.figures.calibration:draw_label_calibration",
    ),
    "gradients": Kind(
        "gradients", "tbcli.readers.gradient_health:read_gradients", "tbcli.figures.gradients:draw_gradients"
    ),
    "embedding": Kind("embedding_pca", "tbcli.runs.evidence:read_features", "tbcli.figures.embedding:draw_features"),
    "mistakes": Kind("mistakes", "tbcli.runs.evidence:read_mistakes", "tbcli.figures.gallery:draw_mistakes"),
}
"""Name -> figure of one run. The history is none of them: it can show several runs."""

DIFFERENCE = Kind(
    "confusion_difference", "tbcli.figures.difference:read_pair", "tbcli.figures.difference:draw_difference"
)
"""The confusion matrix of two runs: ``read`` takes both, and ``draw`` only what was read."""

ACROSS = {
    "effects": Kind("effects", "tbcli.effects.inquiry:inquire", "tbcli.figures.effect_bars:draw_effects"),
    "parallel": Kind("parallel", "tbcli.effects.inquiry:inquire", "tbcli.figures.parallel:draw_parallel"),
    "slice": Kind("slice", "tbcli.effects.inquiry:inquire", "tbcli.figures.slices:draw_slices"),
}
"""Name -> figure of what the settings of many runs do to a metric."""

NAMES = (HISTORY, *KINDS)
LEFT_BY_TRAINING = (HISTORY, "summary", "confusion", "predicted_vs_true", "residuals", "mistakes", "embedding")


def chosen_kinds(said: Sequence[str]) -> tuple[str, ...]:
    """Return the figures asked for, each once and in their order; nothing said means the history.

    Args:
        said: Names or ``all``, which means those of single runs; each may list several, separated by commas.

    Raises:
        ConfigError: A word is not a kind, or figures of single runs and of many are asked for together.
    """
    words = _words(said) or [HISTORY]
    unknown = [word for word in words if word not in (*NAMES, *ACROSS, ALL)]
    if unknown:
        raise ConfigError(f"unknown --kind {unknown[0]!r}", hint=did_you_mean(unknown[0], (*NAMES, *ACROSS, ALL)))
    many = tuple(name for name in ACROSS if name in words)
    if many and len(many) < len(set(words)):
        raise ConfigError(
            f"--kind {many[0]} shows what many runs have in common, the other kinds single runs",
            hint=f"`--kind {','.join(many)}` alone",
        )
    return many or (NAMES if ALL in words else tuple(name for name in NAMES if name in words))


def skips_missing(said: Sequence[str]) -> bool:
    """Return whether figures that cannot be drawn are skipped: asked for as ``all`` and not by name."""
    return ALL in _words(said)


def _words(said: Sequence[str]) -> list[str]:
    return [word.strip() for part in said for word in part.split(",") if word.strip()]
