"""The summary of a run on one page: curves, confusions, the worst classes, results and settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_fscore_support

from tbcli.errors import NotFound
from tbcli.figures.colours import DARK
from tbcli.figures.confusions import count_confusions
from tbcli.figures.style import Look, save_figure
from tbcli.figures.summary_page import draw_summary, read_summary, settings_of, worst_classes
from tbcli.runs import Run
from tbcli.runs.files import write_json
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions


def measured(place: Path, classes: int, *, names: tuple[str, ...] = ()) -> Run:
    run = make_run(place, name="mine", files=False, settings={"train.epochs": 3, "train.optimizer": "sgd"})
    keep_evidence(run, predictions(np.arange(20 * classes) % classes, classes, names=names, skill=2))
    return run


def drawn(run: Run, place: Path, look: Look | None = None) -> Figure:
    look = look or Look()
    figure = draw_summary(run, read_summary(run), look=look)
    save_figure(figure, place / "x.png", 40, theme=look.theme)
    return figure


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_scores_of_classes_are_scikit_learns() -> None:
    told = predictions(np.arange(400) % 5, 5, skill=1.5)
    worst = worst_classes(count_confusions(told.labels, told.guesses, 5), 5)
    precision, recall, f1, _ = precision_recall_fscore_support(told.labels, told.guesses)
    for number, found_recall, found_precision, found_f1 in worst:
        assert (found_recall, found_precision, found_f1) == pytest.approx(
            (recall[number], precision[number], f1[number])
        )
    assert [row[3] for row in worst] == sorted(f1)


def test_a_class_without_samples_is_not_the_worst() -> None:
    assert [row[0] for row in worst_classes(np.array([[4, 1, 0], [0, 0, 0], [0, 0, 3]]), 3)] == [0, 2]


def test_curves_confusion_worst_classes_results_and_settings_are_on_the_page(tmp_path: Path) -> None:
    figure = drawn(measured(tmp_path, 4), tmp_path)
    texts = texts_of(figure)
    assert texts[0] == "mine  ·  summary"
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Accuracy", "Loss", ""]
    assert "confusion matrix, 80 test samples" in texts
    assert "worst classes, by F1" in texts
    assert texts[texts.index("test_accuracy") + 1] == "0.9800"
    assert texts[texts.index("optimizer *") + 1] == "sgd"


def test_changed_settings_come_first_and_the_name_is_not_one(tmp_path: Path) -> None:
    names = [(name, changed) for name, _, changed in settings_of(measured(tmp_path, 3))]
    assert [name for name in names if name[1]] == names[:3]
    assert {("epochs", True), ("optimizer", True)} <= set(names[:3])
    assert ("seed", False) in names
    assert "name" not in dict(names)


def test_of_a_training_that_is_not_ours_only_what_is_known_is_shown(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False, record={"arguments": {"dropout": 0.3, "sizes": [8, 4]}})
    config = {"model": {"name": "my_net"}, "train": {"name": "x", "epochs": 3, "optimizer": "adam"}, "record": {}}
    write_json(run.config_file, config)
    told = [("model", "my_net"), ("epochs", "3"), ("optimizer", "adam"), ("arg.dropout", "0.3"), ("arg.sizes", "8,4")]
    assert sorted(settings_of(run)) == sorted((name, value, False) for name, value in told)


def test_a_list_of_settings_has_commas(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False, settings={"data.augment": "flip,zoom"})
    assert ("augment", "flip,zoom", True) in settings_of(run)


def test_a_run_without_evidence_has_a_summary_that_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path, status="interrupted", files=False)
    summary = read_summary(run)
    assert "has no evidence" in summary.damage[0]
    assert any("has no evidence" in text for text in texts_of(drawn(run, tmp_path)))
    assert "interrupted" in texts_of(drawn(run, tmp_path))[1]


def test_a_run_without_an_epoch_has_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no epoch"):
        read_summary(make_run(tmp_path, epochs=0, status="failed", files=False))


@pytest.mark.parametrize(
    ("classes", "look"),
    [(2, Look(DARK)), (12, Look(size=(9.0, 6.4))), (12, Look(size=(16, 12))), (200, Look(size=(9.0, 6.4)))],
)
def test_everything_stays_on_the_page(tmp_path: Path, classes: int, look: Look) -> None:
    names = tuple(f"a rather long name of a class that has the number {number}" for number in range(classes))
    figure = drawn(measured(tmp_path, classes, names=names), tmp_path, look)
    for text in figure.texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
