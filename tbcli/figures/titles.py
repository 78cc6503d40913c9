"""What stands above a figure."""

from __future__ import annotations

from collections.abc import Sequence

from tbcli.figures.curves import RunHistory, number_of, shared_fact, short_number
from tbcli.runs import Run

_ACRONYM_LENGTH = 4  # mae, mse, auc, f1: not to be capitalised


def title_of(histories: Sequence[RunHistory]) -> str:
    """Return what a person calls the run, or how many runs there are."""
    if len(histories) == 1:
        return heading_of(histories[0].run)
    return f"{len(histories)} runs compared"


def subtitle_of(histories: Sequence[RunHistory]) -> str:
    """Return id, model, data, epochs, test accuracy, and the status of a run that did not finish."""
    runs = [told.run for told in histories]
    model, data = shared_fact(run.model_name for run in runs), shared_fact(run.data_name for run in runs)
    facts = [" on ".join(filter(None, (model, data)))]
    if len(histories) == 1:
        facts = [*facts, *_facts_of_one(histories[0])]
    return "  ·  ".join(filter(None, facts))


def heading_of(run: Run) -> str:
    """Return what a person calls the run."""
    return run.name or run.id


def subheading_of(run: Run, *facts: str) -> str:
    """Return id, model and data of a run, and what else there is to say."""
    model_and_data = " on ".join(filter(None, (run.model_name, run.data_name)))
    return "  ·  ".join(filter(None, (run.id if run.name else "", model_and_data, *facts)))


def counted(count: int, noun: str) -> str:
    """Return ``1 mistake``, ``6,000 mistakes``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _facts_of_one(told: RunHistory) -> list[str]:
    run, epochs = told.run, len(told.history.epochs)
    accuracy = number_of(run.metrics, "test_accuracy")
    status = run.status()
    return [
        run.id if run.name else "",
        counted(epochs, "epoch") + ("" if status == "finished" else f", {status}"),
        "" if accuracy is None else f"test accuracy {short_number(accuracy)}",
    ]


def smoothing_note(weight: float) -> str:
    """Return what was done to the curves, so that nobody takes them for what was measured."""
    return f"smoothed {weight:g} as in TensorBoard (debiased moving average); measured values pale"


def panel_title(metric: str) -> str:
    """Return a metric's name as a heading: ``Top 5 accuracy``."""
    words = metric.replace("_", " ")
    return words[:1].upper() + words[1:] if len(words) >= _ACRONYM_LENGTH else words
