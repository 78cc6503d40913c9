from __future__ import annotations

import math
import warnings
from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tbcli.errors import ConfigError
from tbcli.figures.colours import DARK, LIGHT, run_styles
from tbcli.figures.curves import Best, Curve, Entry, Heading, Panel, Scene
from tbcli.figures.paint.axes import draw_scene
from tbcli.figures.paint.legend import MOST_COLOURS, MOST_NAMES
from tbcli.figures.style import Look, save_figure

NAN = math.nan


def curve(values, *, run="r", name="loss", split="", **more) -> Curve:
    y = np.array(values, np.float64)
    return Curve(run, run, name, split, np.arange(1.0, len(y) + 1), y, **more)


def scene(*curves: Curve, metric: str = "loss", label: str = "step", log: str = "", **more) -> Scene:
    entries = tuple(Entry(run, run) for run in dict.fromkeys(one.run for one in curves))
    heading = more.pop("heading", Heading("mine", "training history"))
    return Scene(heading, (Panel(metric, curves, label, log),), more.pop("entries", entries), **more)


def pair(run: str = "r") -> list[Curve]:
    best = Best(3, 2, "epoch 3")
    return [
        curve([3, 2, 1], run=run, split="train", is_judged=False, best=Best(3, 1, "epoch 3")),
        curve([4, 3, 2], run=run, split="validation", best=best),
    ]


def lines(axes: Axes) -> list[Line2D]:
    """Return the curves, without rings and the line of the best epoch."""
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 1 and line.get_linestyle() != ":"]


def keys(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def label_box(label: Text) -> Bbox:
    """Return where a label is drawn, without the line that ties it to its place."""
    label.get_window_extent()  # moves it there
    return Text.get_window_extent(label)


def test_train_is_solid_and_validation_dashed() -> None:
    (axes,) = draw_scene(scene(*pair())).axes
    train, validation = lines(axes)
    assert train.get_linestyle() == "-"
    assert validation.get_linestyle() == "--"
    assert (train.get_color(), validation.get_color()) == (LIGHT.train, LIGHT.validation)
    np.testing.assert_array_equal(train.get_ydata(), [3, 2, 1])


def test_the_best_epoch_is_the_one_of_validation_and_its_value_is_written() -> None:
    (axes,) = draw_scene(scene(*pair())).axes
    assert keys(axes) == ["train", "validation", "best 2.0000 at epoch 3"]
    ringed = [line for line in axes.get_lines() if list(line.get_xdata()) == [3] and line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in ringed] == [[2]]


def test_both_axes_are_named_and_so_is_their_scale() -> None:
    (axes,) = draw_scene(scene(*pair(), metric="loss", label="epoch", log="xy")).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch, log scale", "loss, log scale")
    (axes,) = draw_scene(scene(*pair(), metric="a/b/loss", label="epoch")).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss")


def test_the_title_replaces_the_name_and_keeps_the_kind() -> None:
    one = scene(*pair(), heading=Heading("name", "training history", "cnn on mnist"))
    assert texts(draw_scene(one)) == "name  ·  training history\ncnn on mnist"
    assert texts(draw_scene(one, title="Ours")) == "Ours  ·  training history\ncnn on mnist"


def test_several_runs_have_a_colour_each_and_a_legend_with_their_values() -> None:
    entries = (Entry("one", "One", "0.9 @ 3"), Entry("two", "Two", "0.8 @ 2", "n=3"))
    both = scene(
        curve([1, 2], run="one"), curve([2, 1], run="two"), entries=entries, legend_heading="best loss @ epoch"
    )
    figure = draw_scene(both)
    first, second = lines(figure.axes[0])
    styles = run_styles(["one", "two"])
    assert [first.get_color(), second.get_color()] == [styles["one"].colour, styles["two"].colour]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["One   0.9 @ 3", "Two   (n=3)   0.8 @ 2"]
    assert [line.get_color() for line in legend.get_lines()] == [first.get_color(), second.get_color()]
    assert "best loss @ epoch" in texts(figure)


def many(count: int) -> Scene:
    return scene(*(each for number in range(count) for each in pair(f"run{number}")))


def test_many_runs_are_thin_with_validation_in_front_and_training_pale() -> None:
    (axes,) = draw_scene(many(6)).axes
    drawn = [line for line in axes.get_lines() if len(line.get_xdata()) > 1]
    assert [line.get_alpha() for line in drawn] == [0.3] * 6 + [None] * 6
    assert all(line.get_linewidth() < 1.2 for line in drawn)


def test_more_runs_than_colours_are_told_apart_by_their_rank_at_the_end() -> None:
    figure = draw_scene(many(MOST_COLOURS + 2))
    assert {text.get_text() for text in figure.axes[0].texts} == {str(n) for n in range(1, MOST_COLOURS + 3)}
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0] == "1 run0"
    assert not draw_scene(many(MOST_COLOURS)).axes[0].texts


def test_ranks_at_one_place_do_not_cover_each_other() -> None:
    figure = draw_scene(many(12))
    heights = sorted(label_box(text).y0 for text in figure.axes[0].texts)
    assert all(after - before > 4 for before, after in pairwise(heights))


@pytest.mark.parametrize("log", ["", "x", "xy"])
def test_ranks_of_runs_that_end_at_different_places_do_not_cover_each_other(log: str) -> None:
    runs = [curve([3] + [1 + number % 3 / 100] * (20 + number), run=f"run{number}") for number in range(13)]
    (axes,) = draw_scene(scene(*runs, log=log)).axes
    boxes = [label_box(text).shrunk(0.7, 0.7) for text in axes.texts]
    assert len(boxes) == 13
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_each_rank_is_tied_to_the_end_of_its_curve() -> None:
    runs = [curve([3, 1 + number / 100], run=f"run{number}") for number in range(13)]
    (axes,) = draw_scene(scene(*runs)).axes
    ends = {text.get_text(): text.xy for text in axes.texts}
    assert ends == {str(number + 1): (2.0, 1 + number / 100) for number in range(13)}
    assert all(text.arrow_patch is not None for text in axes.texts)


@pytest.mark.parametrize("values", [[0.1, 0.2], [1000.5, 1003.5], [123_456.5, 123_457.5], [-0.00012, 0.0001], [1, 500]])
def test_the_name_of_an_axis_never_covers_its_numbers(values) -> None:
    figure = draw_scene(scene(curve(values), metric="weight_norm", log="y" if values[-1] == 500 else ""))
    (axes,) = figure.axes
    left = min(label.get_window_extent().x0 for label in axes.get_yticklabels())
    name = axes.yaxis.get_label()
    assert not name.get_text() or 0 <= name.get_window_extent().x0 < name.get_window_extent().x1 <= left


def test_the_last_epoch_has_a_number_where_it_fits() -> None:
    for epochs in (2, 5, 15, 19, 99, 499):
        (axes,) = draw_scene(scene(curve(np.arange(epochs)), label="epoch")).axes
        assert axes.get_xticklabels()[-1].get_text() == str(epochs) or epochs == 19
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(before.x1 < after.x0 for before, after in pairwise(boxes))


def test_a_legend_of_very_many_runs_ends() -> None:
    (legend,) = draw_scene(many(MOST_NAMES + 5)).legends
    assert len(legend.get_texts()) == MOST_NAMES + 1
    assert legend.get_texts()[-1].get_text() == "and 5 more"


def test_twelve_long_names_stay_twelve_and_keep_their_values() -> None:
    names = [f"resnet-{'x' * 80}-lr{n}-{'y' * 80}" for n in range(12)]
    entries = tuple(Entry(name, name, "0.9876 @ 12, test 0.9812") for name in names)
    (legend,) = draw_scene(scene(*(curve([1, 2], run=name) for name in names), entries=entries)).legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert len({label.split(" ", 1)[1] for label in labels}) == 12
    assert all(label.endswith("   0.9876 @ 12, test 0.9812") for label in labels)


def test_forty_runs_with_long_names_stay_on_the_sheet(tmp_path) -> None:
    names = [f"{number} " + "long name " * 9 for number in range(40)]
    figure = draw_scene(scene(*(curve([1, 2], run=name) for name in names)))
    save_figure(figure, tmp_path / "x.png", 50)
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.width
    assert legend.y0 >= 0
    assert legend.y1 < figure.axes[0].bbox.y0


def test_a_group_is_a_line_with_a_band_and_a_note() -> None:
    y = np.array([1.0, 2.0])
    figure = draw_scene(scene(curve(y, run="g", band=(y - 0.5, y + 0.5), members=3), notes=("band: mean",)))
    assert len(figure.axes[0].collections) == 1
    assert "band: mean" in texts(figure)


def test_a_group_of_a_single_epoch_has_a_bar() -> None:
    figure = draw_scene(scene(curve([1.0], run="g", band=(np.array([0.25]), np.array([2.0])), members=3)))
    (bar,) = figure.axes[0].containers
    assert bar.lines[2][0].get_segments()[0][:, 1].tolist() == [0.25, 2.0]


def test_smoothed_curves_have_the_measured_behind() -> None:
    figure = draw_scene(scene(curve([1, 2], raw=(np.array([1.0, 2.0]), np.array([0.0, 9.0]))), smooth=0.6))
    raw, smooth = figure.axes[0].lines
    assert raw.get_alpha() < 0.5
    assert smooth.get_alpha() is None


def test_a_single_epoch_has_a_dot_in_the_middle() -> None:
    (axes,) = draw_scene(scene(curve([0.9]), label="epoch")).axes
    assert axes.get_lines()[0].get_marker() == "o"
    assert axes.get_xlim() == pytest.approx((0.1, 1.9))


def test_a_gap_stays_a_gap_and_what_stands_alone_has_a_dot() -> None:
    values = (0.5,) * 50 + (NAN, 0.4, NAN) + (0.3,) * 50
    (axes,) = draw_scene(scene(curve(values))).axes
    (drawn,) = lines(axes)
    assert [math.isnan(value) for value in drawn.get_ydata()] == [math.isnan(value) for value in values]
    assert drawn.get_markevery() == [51]


def test_a_metric_that_was_never_finite_leaves_an_empty_panel_that_says_so(tmp_path) -> None:
    figure = draw_scene(scene(curve([NAN, math.inf])))
    assert [text.get_text() for text in figure.axes[0].texts] == ["no finite value"]
    save_figure(figure, tmp_path / "x.png", 50)


def test_what_a_logarithmic_axis_cannot_show_is_said_and_has_no_ring(tmp_path) -> None:
    lowest = curve([-1, -2], best=Best(2, -2, "step 2"))
    (axes,) = draw_scene(scene(lowest, log="y")).axes
    assert [text.get_text() for text in axes.texts] == ["no value above 0 for a logarithmic axis"]
    assert not keys(axes)
    assert not [line for line in axes.get_lines() if len(line.get_xdata()) == 1]
    (axes,) = draw_scene(scene(replace(lowest, x=lowest.x[:0], y=lowest.y[:0]), log="x")).axes
    assert [text.get_text() for text in axes.texts] == ["no point above 0 for a logarithmic axis"]


def test_the_best_of_a_group_is_said_to_be_the_best_of_its_mean() -> None:
    (axes,) = draw_scene(scene(curve([1, 2], members=3, best=Best(1, 1, "step 1")))).axes
    assert keys(axes) == ["best of the mean 1.0000 at step 1"]


def test_an_accuracy_never_passes_one_nor_a_loss_zero() -> None:
    (axes,) = draw_scene(scene(curve([0.5, 0.9, 1.0]))).axes
    assert axes.get_ylim()[1] < 1.05
    (axes,) = draw_scene(scene(curve([0.0, 5.0]))).axes
    assert -0.3 < axes.get_ylim()[0] < 0


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
@pytest.mark.parametrize(
    "values",
    [[1e-3, 1.0, 10.0], [0.0, 0.0, 0.0], [-1.0, np.nan, 2.0], [np.nan, np.inf, -np.inf], [1e300, 1e-300, 1.0], [5.0]],
)
def test_any_values_are_drawn_without_a_word_from_matplotlib(tmp_path, log, values) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_scene(scene(curve(values), log=log))
        save_figure(figure, tmp_path / "x.png", 40)
    scales = (figure.axes[0].get_xscale(), figure.axes[0].get_yscale())
    if any(0 < value < 1e100 for value in values):
        assert scales == ("log" if "x" in log else "linear", "log" if "y" in log else "linear")


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_names_are_never_typeset(tmp_path, form) -> None:
    odd = "$\\alpha$ <b> 損失 \x1b[31m \udce9" + "long " * 60
    both = scene(curve([1, 2], run=odd, name=odd), curve([1, 2], run="two", name=odd), metric=odd)
    save_figure(draw_scene(both, title=odd), tmp_path / f"x.{form}", 40)
    assert (tmp_path / f"x.{form}").stat().st_size > 1000


def test_a_size_is_kept_whatever_the_content_and_refused_where_it_is_too_small() -> None:
    assert tuple(draw_scene(many(3), Look(size=(6.5, 4.0))).get_size_inches()) == (6.5, 4.0)
    with pytest.raises(ConfigError, match="too small"):
        draw_scene(many(3), Look(size=(2.0, 1.0)))


def test_the_dark_theme_reaches_paper_text_and_curves() -> None:
    figure = draw_scene(many(2), Look(theme=DARK))
    assert matplotlib.colors.to_hex(figure.get_facecolor()) == DARK.paper
    assert figure.texts[0].get_color() == DARK.ink
    styles = run_styles(["run0", "run1"], DARK)
    assert {line.get_color() for line in lines(figure.axes[0])} == {style.colour for style in styles.values()}


def test_the_users_own_style_neither_changes_the_figure_nor_is_changed(tmp_path) -> None:
    save_figure(draw_scene(scene(*pair())), tmp_path / "plain.png", 50)
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 20, "text.color": "red"}):
        save_figure(draw_scene(scene(*pair())), tmp_path / "styled.png", 50)
        assert matplotlib.rcParams["font.size"] == 20
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "styled.png").read_bytes()


def test_titles_of_long_tags_differ_and_keep_their_telling_end() -> None:
    path = "info/learner/default_policy/with/a/rather/long/way/to/learner_stats"
    metrics = [f"{path}/total_loss", f"{path}/vf_loss", f"other/{path}/vf_loss"]
    panels = tuple(Panel(metric, (curve([1, 2]),), "step") for metric in metrics)
    titles = [
        axes.get_title(loc="left") for axes in draw_scene(Scene(Heading("n", "k"), panels, (Entry("r", "r"),))).axes
    ]
    assert len(set(titles)) == 3
    assert [title.rpartition("/")[2] for title in titles] == ["total_loss", "vf_loss", "vf_loss"]
