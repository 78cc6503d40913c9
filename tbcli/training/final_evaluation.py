"""Evaluate the saved model once on held-out data, and keep the evidence for figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import keras

from tbcli.config import RecordConfig
from tbcli.data.dataset import Dataset, Split
from tbcli.figures.confusions import worst_mistakes
from tbcli.figures.png.thumbnails import as_thumbnails
from tbcli.naming import tags
from tbcli.naming.series import PREFIXES
from tbcli.naming.words import VALIDATION
from tbcli.recorders.base import Evidence
from tbcli.recorders.projector import thumbnails_of
from tbcli.runs import Run
from tbcli.runs.evidence import SPLITS, Features, Mistakes, Predictions, write_evidence

MOST_KEPT = 24  # mistakes with their pictures
_LONGEST_SIDE = 96  # pixels of such a picture


def measure(
    model: keras.Model,
    dataset: Dataset,
    check: Callable[[], None],
    record: RecordConfig,
    *,
    from_logits: bool = False,
) -> dict[str, Evidence]:
    """Return what the saved model says of the validation split and, looked at this once, of the test set.

    Args:
        model: Compiled, in float32.
        dataset: The splits.
        check: Called after every batch; may raise to stop.
        record: Which layer gives the features, and of how many samples.
        from_logits: Whether the outputs are logits.
    """
    from tbcli.training.evaluation import Evaluator  # TensorFlow's; what is below does without

    evaluator = Evaluator(model, dataset, check, record, from_logits=from_logits)
    splits = {"validation": dataset.validation, "test": dataset.test}
    seen = {name: evaluator.evaluate(split) for name, split in splits.items() if split is not None}
    return {name: _measured(evidence) for name, evidence in seen.items()}


def _measured(evidence: Evidence) -> Evidence:
    measured = evidence.task.measure(evidence.labels, evidence.outputs)
    return replace(evidence, metrics={**evidence.metrics, **measured})


def final_metrics(seen: Mapping[str, Evidence]) -> dict[str, float]:
    """Return what only the saved model is measured by, as the run's record names it.

    Args:
        seen: From `measure`.
    """
    metrics = {}
    if "validation" in seen:  # its other metrics are known of every epoch
        evidence = seen["validation"]
        measured = evidence.task.measure(evidence.labels, evidence.outputs)
        metrics = {PREFIXES[VALIDATION] + name: value for name, value in measured.items()}
    if "test" in seen:
        metrics |= {tags.TEST + name: value for name, value in seen["test"].metrics.items()}
    return metrics


def keep_evidence(
    run: Run, dataset: Dataset, seen: Mapping[str, Evidence], *, projector_points: int, layers: list[str]
) -> None:
    """Write what figures are drawn from without TensorFlow and without the data.

    Args:
        run: Where it goes.
        dataset: What was measured.
        seen: From `measure`.
        projector_points: Validation samples whose features are kept, at most.
        layers: Names of the layers, from the input on.
    """
    told = {name: predictions_of(name, evidence, dataset.class_names) for name, evidence in seen.items()}
    judged = next((name for name in SPLITS if name in told), "")
    split = dataset.test if judged == "test" else dataset.validation
    mistakes = mistakes_of(told[judged], split) if judged and split is not None else None
    features = None
    if dataset.validation is not None:
        features = features_of(dataset.validation, seen["validation"].first(projector_points), dataset.class_names)
    write_evidence(run, list(told.values()), layers=layers, mistakes=mistakes, features=features)


def predictions_of(name: str, seen: Evidence, class_names: Sequence[str]) -> Predictions:
    """Return the predictions of a split."""
    return Predictions(name, seen.indices, seen.labels, seen.outputs, tuple(class_names), seen.task)


def mistakes_of(predictions: Predictions, split: Split) -> Mistakes:
    """Return the worst mistakes; with pictures where the samples of the split are images."""
    rows = worst_mistakes(predictions.errors[: len(split)], MOST_KEPT)  # of those whose samples are at hand
    samples, _ = split.batch(rows)
    has_pictures = samples.ndim == 4 and samples.shape[-1] in (1, 3)
    return Mistakes(predictions, rows, as_thumbnails(samples, _LONGEST_SIDE) if has_pictures else None)


def features_of(split: Split, seen: Evidence, class_names: Sequence[str]) -> Features | None:
    """Return the features of the projector's samples; None of a model that has none."""
    if seen.features is None:
        return None
    pictures = thumbnails_of(split, len(seen.labels))
    return Features(seen.labels, seen.features, seen.outputs, tuple(class_names), seen.task, seen.indices, pictures)
