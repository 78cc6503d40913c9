import math
from pathlib import Path

import matplotlib
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.figures.colours import run_colours
from tbcli.figures.curves import RunHistory, pick_panels
from tbcli.figures.history import draw_history
from tbcli.figures.style import save_figure
from tbcli.runs import Run
from tbcli.runs.history import History

NAN = math.nan
RISING, FALLING = (0.9, 0.95, 0.97), (0.5, 0.2, 0.3)


def told(run_id: str = "20261122-120000-abcd", *, first: int = 1, **columns: tuple[float, ...]) -> RunHistory:
    columns = columns or {"loss": FALLING, "accuracy": RISING, "val_loss": FALLING, "val_accuracy": RISING}
    record = {"name": "", "model": "cnn", "data": "mnist", "status": "finished", "metrics": {"test_accuracy": 0.9912}}
    epochs = len(next(iter(columns.values())))
    run = Run(run_id, Path("logs"), Path("plots"), Path("models"), record)
    return RunHistory(run, History(tuple(range(first, first + epochs)), columns))


def draw(*histories: RunHistory, metrics: tuple[str, ...] = (), smooth: float = 0.0, title: str = "") -> Figure:
    panels = pick_panels((column for one in histories for column in one.history.columns), metrics)
    return draw_history(histories, panels, smooth=smooth, title=title)


def curves(axes: Axes) -> list[Line2D]:
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 1 and line.get_linestyle() in ("-", "--")]


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def test_train_is_solid_and_validation_dashed() -> None:
    accuracy, loss = draw(told()).axes
    assert [line.get_linestyle() for line in curves(accuracy)] == ["-", "--"]
    assert list(curves(loss)[0].get_ydata()) == list(FALLING)


def test_the_title_names_run_model_data_and_test_accuracy() -> None:
    one = told()
    assert "20261122-120000-abcd" in texts(draw(one))
    assert "cnn on mnist  ·  3 epochs  ·  test accuracy 0.9912" in texts(draw(one))
    one.run.record["name"] = "wide"
    assert texts(draw(one)).startswith("wide\n")
    assert "20261122-120000-abcd" in texts(draw(one))
    assert texts(draw(one, title="mine")).startswith("mine\n")


def test_a_run_that_did_not_finish_says_so() -> None:
    one = told()
    one.run.record["status"] = "diverged"
    assert "3 epochs, diverged" in texts(draw(one))


def test_the_best_epoch_is_the_one_of_validation_and_its_value_is_written() -> None:
    _, loss = draw(told()).axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == [
        "train",
        "validation",
        "best 0.2000 at epoch 2",
    ]
    ringed = [line for line in loss.get_lines() if list(line.get_xdata()) == [2]]
    assert [list(line.get_ydata()) for line in ringed] == [[0.2]]


def test_without_validation_the_best_is_the_one_of_training() -> None:
    (loss,) = draw(told(loss=FALLING)).axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["train", "best 0.2000 at epoch 2"]


def test_the_learning_rate_has_no_best() -> None:
    (rate,) = draw(told(learning_rate=(1e-3, 1e-4)), metrics=("learning_rate",)).axes
    assert rate.get_legend() is None
    assert len(rate.get_lines()) == 1


def test_a_single_epoch_has_dots() -> None:
    accuracy, _ = draw(told(accuracy=(0.9,), loss=(0.5,))).axes
    assert all(line.get_marker() == "o" for line in accuracy.get_lines() if line.get_linestyle() == "-")
    assert accuracy.get_xlim() == pytest.approx((0.1, 1.9))


def test_a_gap_stays_a_gap_and_what_stands_alone_has_a_dot() -> None:
    values = (0.5,) * 50 + (NAN, 0.4, NAN) + (0.3,) * 50
    (loss,) = draw(told(loss=values)).axes
    drawn = curves(loss)[0]
    assert [math.isnan(value) for value in drawn.get_ydata()] == [math.isnan(value) for value in values]
    assert drawn.get_markevery() == [51]


def test_a_metric_that_was_never_finite_leaves_an_empty_panel_that_says_so(tmp_path) -> None:
    figure = draw(told(loss=(NAN, math.inf)))
    assert [text.get_text() for text in figure.axes[0].texts] == ["no finite value"]
    save_figure(figure, tmp_path / "x.png", 50)


def test_smoothing_is_stated_and_the_measured_values_stand_pale_behind() -> None:
    figure = draw(told(loss=FALLING), smooth=0.6)
    raw, smooth = curves(figure.axes[0])
    assert list(raw.get_ydata()) == list(FALLING)
    assert raw.get_alpha() < 0.5
    assert list(smooth.get_ydata()) != list(FALLING)
    assert "smoothed 0.6 as in TensorBoard" in texts(figure)


def test_a_diverging_loss_gets_a_log_scale_and_an_accuracy_never_passes_one() -> None:
    accuracy, loss = draw(told(loss=(0.1, 5.0, 1e6), accuracy=(0.5, 0.9, 1.0))).axes
    assert loss.get_yscale() == "log"
    assert accuracy.get_yscale() == "linear"
    assert accuracy.get_ylim()[1] < 1.05


def test_several_runs_have_a_colour_each_and_a_legend_with_their_values() -> None:
    older, younger = told("20261122-120000-abcd"), told("20261122-130000-efgh")
    younger.run.record["name"] = "wide"
    figure = draw(younger, older)
    colours = run_colours([older.run.id, younger.run.id])
    assert {line.get_color() for line in curves(figure.axes[0])} == set(colours.values())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "wide   0.9700 @ 3, test 0.9912",
        "20261122-120000-abcd   0.9700 @ 3, test 0.9912",
    ]
    assert "2 runs compared" in texts(figure)


def test_runs_of_one_name_are_told_apart_by_their_ids() -> None:
    both = told("20261122-120000-abcd"), told("20261122-130000-efgh")
    for one in both:
        one.run.record["name"] = "same"
    entries = [text.get_text() for text in draw(*both).figure.legends[0].get_texts()]
    assert [entry.split("   ")[0] for entry in entries] == [
        "same (20261122-120000-abcd)",
        "same (20261122-130000-efgh)",
    ]


def test_names_in_any_script_and_with_dollars_are_drawn_as_they_are(tmp_path) -> None:
    one, other = told("a"), told("b")
    one.run.record["name"] = "漢字 😀 $x_1$ \\frac{ $"
    other.run.record["name"] = "$" + "n" * 99
    for number, histories in enumerate(([one], [one, other])):
        save_figure(draw(*histories), tmp_path / f"{number}.png", 50)  # a warning would be an error
    assert "$x_1$" in texts(draw(one))


def test_forty_runs_with_long_names_stay_on_the_sheet(tmp_path) -> None:
    many = [told(f"run-{number}") for number in range(40)]
    for number, one in enumerate(many):
        one.run.record["name"] = f"{number} " + "long name " * 9
    figure = draw(*many)
    save_figure(figure, tmp_path / "x.png", 50)
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.width
    assert legend.y0 >= 0
    assert legend.y1 < figure.axes[0].bbox.y0


def test_runs_that_lack_a_metric_are_missing_in_its_panel_alone() -> None:
    accuracy, loss = draw(told("a", loss=FALLING, accuracy=RISING), told("b", loss=FALLING)).axes
    assert (len(curves(accuracy)), len(curves(loss))) == (1, 2)


def test_the_users_own_style_neither_changes_the_figure_nor_is_changed(tmp_path) -> None:
    save_figure(draw(told()), tmp_path / "plain.png", 50)
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 20, "text.color": "red"}):
        save_figure(draw(told()), tmp_path / "styled.png", 50)
        assert matplotlib.rcParams["font.size"] == 20
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "styled.png").read_bytes()
