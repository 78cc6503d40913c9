"""Figures of runs that learnt labels and values: which there are, and what they say, of one label or forty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tbcli.config import PlotConfig
from tbcli.errors import ConfigError, NotFound
from tbcli.figures import LEFT_BY_TRAINING, plot_kinds
from tbcli.figures.calibration import reliability_of_labels
from tbcli.figures.embedding import draw_features
from tbcli.figures.gallery import draw_mistakes
from tbcli.figures.kinds import KINDS, NAMES
from tbcli.figures.outcomes import draw_outcomes
from tbcli.figures.roc import read_ranked
from tbcli.figures.scatter import draw_errors, draw_scatter
from tbcli.figures.style import Look
from tbcli.figures.titles import result_of
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions, read_features, read_mistakes
from tbcli.tasks import MULTI_LABEL, REGRESSION, Task
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence

SMALL = PlotConfig(dpi=40)
OF_VALUES = ["history", "summary", "predicted_vs_true", "residuals", "embedding", "mistakes"]
OF_LABELS = ["history", "summary", "confusion", "pr", "roc", "calibration", "embedding", "mistakes"]
SHOWN = {REGRESSION: OF_VALUES, MULTI_LABEL: OF_LABELS}


def told(task: Task, size: int, samples: int = 60, names: tuple[str, ...] = ()) -> Predictions:
    """Return what a model of some skill says."""
    random = np.random.default_rng(9)
    names = names or tuple(f"{'a name that is much too long ' * (n % 2)}{n} $x$ <b>" for n in range(size))
    if task is REGRESSION:
        labels = random.normal(20, 7, (samples, size)).astype(np.float32)
        outputs = (labels + random.normal(0, 3, labels.shape)).astype(np.float32)
    else:
        labels = (random.uniform(size=(samples, size)) < 0.4).astype(np.uint8)
        labels[0], labels[-1] = 0, 1
        outputs = np.clip(labels * 0.4 + random.uniform(0, 0.6, labels.shape), 0, 1).astype(np.float32)
    return Predictions("test", np.arange(samples) * 2, labels, outputs, names, task)


def measured_run(place: Path, seen: Predictions, *, has_pictures: bool = True) -> Run:
    run = make_run(place, files=False, record={"task": seen.task.name})
    random, samples = np.random.default_rng(2), len(seen.labels)
    pictures = random.integers(0, 256, (samples, 6, 8, 3)).astype(np.uint8) if has_pictures else None
    keep_evidence(run, seen, features=random.normal(size=(samples, 5)).astype(np.float32), pictures=pictures)
    return run


def texts_of(figure: Figure) -> str:
    axes = [text.get_text() for each in figure.axes for text in each.texts]
    return "\n".join([*(text.get_text() for text in figure.texts), *axes])


@pytest.mark.parametrize("samples", [1, 10, 60])
@pytest.mark.parametrize(("task", "size"), [(REGRESSION, 1), (REGRESSION, 3), (REGRESSION, 40), (MULTI_LABEL, 2),
                                            (MULTI_LABEL, 40)])  # fmt: skip
@pytest.mark.slow
def test_all_draws_what_suits_the_task_and_says_nothing_of_the_rest(
    tmp_path: Path, task: Task, size: int, samples: int
) -> None:
    run = measured_run(tmp_path, told(task, size, samples), has_pictures=size != 3)
    result = plot_kinds([run], NAMES, SMALL, plots_root=run.plots.parent, skip_missing=True)
    drawn = [picture.kind for picture in result.pictures]
    expected = [kind for kind in SHOWN[task] if kind != "roc" or samples > 1]  # one sample has no two sides
    assert drawn == expected
    assert [sentence for sentence in result.missing if "gradients" not in sentence and samples > 1] == []
    for picture in result.pictures:
        with Image.open(picture.path) as image:
            assert min(image.size) > 40


def test_a_task_is_named_where_a_figure_does_not_suit_it(tmp_path: Path) -> None:
    run = measured_run(tmp_path, told(REGRESSION, 1))
    with pytest.raises(NotFound, match=r"--kind confusion does not suit .*: its task is regression") as caught:
        plot_kinds([run], ["confusion"], SMALL, plots_root=run.plots.parent)
    assert caught.value.hint == "it has history, summary, predicted_vs_true, residuals, gradients, embedding, mistakes"
    labels = measured_run(tmp_path / "b", told(MULTI_LABEL, 2))
    with pytest.raises(NotFound, match=r"--kind residuals does not suit .*: its task is multi-label"):
        plot_kinds([labels], ["residuals"], SMALL, plots_root=labels.plots.parent)


def test_what_training_leaves_is_of_its_task(tmp_path: Path) -> None:
    run = measured_run(tmp_path, told(REGRESSION, 1))
    result = plot_kinds([run], LEFT_BY_TRAINING, SMALL, plots_root=run.plots.parent, skip_missing=True)
    assert {picture.kind for picture in result.pictures} == set(OF_VALUES)
    assert result.missing == ()


def test_a_run_that_does_not_say_what_it_learnt_has_no_figures_of_predictions(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False, record={"task": None})
    result = plot_kinds([run], NAMES, SMALL, plots_root=run.plots.parent, skip_missing=True)
    assert [picture.kind for picture in result.pictures] == ["history", "summary"]
    assert any("no evidence" in sentence for sentence in result.missing)
    assert result_of(run) == ""


def test_two_runs_with_labels_have_a_figure_each(tmp_path: Path) -> None:
    runs = [measured_run(tmp_path / name, told(MULTI_LABEL, 3)) for name in "ab"]
    result = plot_kinds(runs, ["confusion"], SMALL, plots_root=tmp_path)
    assert [picture.runs for picture in result.pictures] == [(run,) for run in runs]


@pytest.mark.parametrize(
    ("task", "metric", "expected"),
    [
        (REGRESSION, "test_mae", "test MAE 2.5000"),
        (MULTI_LABEL, "test_binary_accuracy", "test binary accuracy 2.5000"),
    ],
)
def test_titles_name_the_metric_of_the_task(tmp_path: Path, task: Task, metric: str, expected: str) -> None:
    run = make_run(tmp_path, record={"task": task.name, "metrics": {metric: 2.5, "test_accuracy": 0.5}})
    assert result_of(run) == expected


@pytest.mark.parametrize("draw", [draw_scatter, draw_errors])
def test_a_single_value_is_named_above_and_several_over_their_panels(tmp_path: Path, draw) -> None:
    run = make_run(tmp_path)
    figure = draw(run, told(REGRESSION, 1, names=("price",)))
    assert "price  ·  60 test samples" in texts_of(figure)
    several = draw(run, told(REGRESSION, 2, names=("price", "size")))
    words = texts_of(several).split("\n")
    assert {"price", "size"} <= set(words)
    many = draw(run, told(REGRESSION, 40))
    assert "the 12 of 40 values with the lowest R2" in texts_of(many)


@pytest.mark.parametrize("draw", [draw_scatter, draw_errors])
@pytest.mark.parametrize("spoilt", [np.nan, np.inf, 1e20])
def test_predictions_that_are_no_numbers_are_counted(tmp_path: Path, draw, spoilt: float) -> None:
    seen = told(REGRESSION, 1)
    outputs = seen.outputs.copy()
    outputs[:7] = spoilt
    words = texts_of(draw(make_run(tmp_path), replace(seen, outputs=outputs)))
    assert ("7 of them without finite values" in words) == (not np.isfinite(spoilt))
    nothing = replace(seen, outputs=np.full_like(outputs, np.nan))
    assert "no finite prediction" in texts_of(draw(make_run(tmp_path / "b"), nothing))


@pytest.mark.parametrize("draw", [draw_scatter, draw_errors])
def test_very_many_samples_are_drawn_as_their_density(tmp_path: Path, draw) -> None:
    figure = draw(make_run(tmp_path), told(REGRESSION, 1, samples=5_000))
    assert figure.axes[0].images


@pytest.mark.parametrize("draw", [draw_scatter, draw_errors, draw_outcomes])
def test_a_size_that_leaves_no_room_is_refused_and_a_small_one_shows_less(tmp_path: Path, draw) -> None:
    run, seen = make_run(tmp_path), told(MULTI_LABEL if draw is draw_outcomes else REGRESSION, 40)
    with pytest.raises(ConfigError, match="too small"):
        draw(run, seen, look=Look(size=(1.5, 1.5)))
    figure = draw(run, seen, look=Look(size=(8, 4)))
    assert "of 40" in texts_of(figure)
    assert tuple(figure.get_size_inches()) == (8, 4)


def test_each_label_has_its_counts_and_scores(tmp_path: Path) -> None:
    from sklearn.metrics import f1_score, multilabel_confusion_matrix

    seen = told(MULTI_LABEL, 3, names=("a", "b", "c"))
    words = texts_of(draw_outcomes(make_run(tmp_path), seen)).split("\n")
    for matrix in multilabel_confusion_matrix(seen.labels, seen.guesses):
        assert {f"{count}" for count in matrix.ravel().tolist()} <= set(words)
    for score in f1_score(seen.labels, seen.guesses, average=None):
        assert f"{score:.3f}" in words


def test_curves_of_labels_are_those_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    seen = told(MULTI_LABEL, 3, names=("a", "b", "c"))
    run = measured_run(tmp_path, seen)
    for kind, score in (("pr", average_precision_score), ("roc", roc_auc_score)):
        module, _, function = KINDS[kind].draw.partition(":")
        draw = getattr(__import__(module, fromlist=[function]), function)
        words = texts_of(draw(run, seen)).split("\n")
        assert "label" in words
        for label in range(3):
            assert f"{score(seen.labels[:, label], seen.outputs[:, label]):.4f}" in words


def test_where_all_samples_have_the_same_labels_there_is_no_roc(tmp_path: Path) -> None:
    seen = told(MULTI_LABEL, 2)
    same = replace(seen, labels=np.ones_like(seen.labels))
    with pytest.raises(NotFound, match="all have the same labels"):
        read_ranked(measured_run(tmp_path, same))


def test_the_probability_of_labels_is_compared_with_how_many_have_them() -> None:
    labels, outputs = np.array([[1, 0], [1, 0], [0, 0]]), np.full((3, 2), 0.31, np.float32)
    found = reliability_of_labels(labels, outputs)
    assert found.counts.sum() == 6
    assert found.error == pytest.approx(abs(2 / 6 - 0.31), abs=1e-6)


@pytest.mark.parametrize(("task", "name"), [(REGRESSION, "price (1 of 2 values)"), (MULTI_LABEL, "number of labels")])
def test_an_embedding_is_coloured_by_a_number(tmp_path: Path, task: Task, name: str) -> None:
    seen = told(task, 2, names=("price", "size"))
    run = measured_run(tmp_path, seen)
    figure = draw_features(run, read_features(run))
    points = figure.axes[0].collections[0]
    numbers = seen.labels[:, 0] if task is REGRESSION else seen.labels.sum(axis=1)
    assert np.allclose(points.get_array(), numbers)
    assert figure.axes[1].get_ylabel() == name


def test_the_largest_errors_come_first_with_their_values(tmp_path: Path) -> None:
    seen = told(REGRESSION, 2, names=("price", "size"))
    run = measured_run(tmp_path, seen, has_pictures=False)
    found = read_mistakes(run)
    errors = np.abs(seen.outputs - seen.labels).max(axis=1)
    assert found.rows.tolist() == np.argsort(-errors, kind="stable")[:24].tolist()
    words = texts_of(draw_mistakes(run, found))
    first = found.rows[0]
    value = int(np.abs(seen.outputs[first] - seen.labels[first]).argmax())
    assert f"guess {seen.outputs[first, value]:.4g} {seen.class_names[value]}" in words
    assert f"true {seen.labels[first, value]:.4g}" in words
    assert "largest errors" in words
