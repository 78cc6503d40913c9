from __future__ import annotations

import numpy as np
import pytest

from tbcli.errors import NotFound
from tbcli.figures.composing import compose
from tbcli.figures.curves import Request, Scene
from tbcli.figures.smoothing import smoothed
from tbcli.figures.traces import foreign_id
from tbcli.runs import LogDirectory
from tests.events.records import curve, event, simple, write
from tests.fakes import SOME_MOMENT, make_run


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def valued(tag: str, *values: float):
    return [event(step, simple(tag, value)) for step, value in enumerate(values)]


def names(scene: Scene) -> dict[str, list[tuple[str, str, str]]]:
    return {panel.metric: [(one.run, one.name, one.split) for one in panel.curves] for panel in scene.panels}


def test_a_run_of_ours_is_drawn_from_its_history_with_validation_beside_training(tmp_path) -> None:
    run = make_run(tmp_path, name="mine")
    scene = compose([run], Request())
    assert names(scene) == {
        "accuracy": [("mine", "accuracy", "train"), ("mine", "val_accuracy", "validation")],
        "loss": [("mine", "loss", "train"), ("mine", "val_loss", "validation")],
    }
    loss = scene.panels[1]
    assert (loss.x_label, loss.curves[0].x.tolist()) == ("epoch", [1, 2, 3])


@pytest.mark.parametrize(
    ("x", "label", "places"),
    [
        ("step", "step", [100, 200, 300]),
        ("epoch", "epoch", [1, 2, 3]),
        ("time", "time since the start (s)", [5, 10, 15]),
    ],
)
def test_the_history_is_put_on_any_axis(tmp_path, x, label, places) -> None:
    (panel,) = compose([make_run(tmp_path)], Request(metrics=("loss",), x=x)).panels
    assert panel.x_label == label
    assert panel.curves[0].x.tolist() == places


def test_what_the_history_lacks_comes_from_the_event_files(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    write(run.logs / "train", *curve("batch_loss", [50, 100, 200]), *curve("gradients/dense", [1, 2]))
    scene = compose([run], Request(metrics=("batch_*", "train/gradients/*")))
    assert names(scene) == {
        "loss": [(run.id, "loss", "train")],
        "gradients/dense": [(run.id, "gradients/dense", "train")],
    }
    assert [panel.x_label for panel in scene.panels] == ["step", "epoch"]
    batch, gradients = compose([run], Request(metrics=("batch_*", "train/gradients/*"), x="epoch")).panels
    assert batch.curves[0].x.tolist() == [0.5, 1, 2]
    assert gradients.curves[0].x.tolist() == [1, 2]


def test_a_foreign_log_directory_pairs_what_belongs_together(tmp_path) -> None:
    write(tmp_path / "a/train", *curve("epoch_loss", [0, 1]))
    write(tmp_path / "a/validation", *curve("epoch_loss", [0, 1]))
    write(tmp_path / "b", *curve("train/loss_epoch", [5]), *curve("val/loss_epoch", [5]))
    scene = compose([LogDirectory("logs", tmp_path)], Request())
    assert names(scene) == {
        "loss": [
            ("a", "loss", "train"),
            ("a", "val_loss", "validation"),
            ("b", "loss", "train"),
            ("b", "val_loss", "validation"),
        ],
    }
    assert [entry.label for entry in scene.entries] == ["a", "b"]


def test_a_series_that_counts_epochs_beside_its_steps_knows_them(tmp_path) -> None:
    write(tmp_path, *curve("loss", [10, 20]), *[event(step, simple("epoch", step / 10)) for step in (10, 20)])
    (panel,) = compose([LogDirectory("x", tmp_path)], Request(metrics=("loss",), x="epoch")).panels
    assert panel.curves[0].x.tolist() == [1, 2]
    write(tmp_path / "other", *curve("loss", [10]))
    with pytest.raises(NotFound, match="the epochs of 'loss' are not recorded"):
        compose([LogDirectory("x", tmp_path / "other")], Request(x="epoch"))


def test_time_counts_from_the_first_point_of_the_run(tmp_path) -> None:
    write(
        tmp_path / "train", event(1, simple("loss", 1), wall_time=1000.0), event(2, simple("loss", 1), wall_time=1600.0)
    )
    write(tmp_path / "validation", event(2, simple("loss", 1), wall_time=1300.0))
    (panel,) = compose([LogDirectory("x", tmp_path)], Request(x="time")).panels
    assert panel.x_label == "time since the start (min)"
    assert [one.x.tolist() for one in panel.curves] == [[0, 10], [5]]


def test_smoothing_is_of_all_points_and_keeps_the_measured_ones_behind(tmp_path) -> None:
    values = np.random.default_rng(0).random(20_000).astype(np.float32).astype(float)
    write(tmp_path, *[event(step, simple("loss", value)) for step, value in enumerate(values)])
    (panel,) = compose([LogDirectory("x", tmp_path)], Request(smooth=0.9, stretches=50)).panels
    (one,) = panel.curves
    assert len(one.x) <= 201
    np.testing.assert_allclose(one.y, smoothed(values, 0.9)[one.x.astype(int)])
    assert one.raw is not None
    assert one.raw[1].max() == values.max()


def test_groups_become_means_with_a_band(tmp_path) -> None:
    runs = [
        make_run(tmp_path, started=SOME_MOMENT.replace(hour=hour), val_accuracy=0.9 + hour / 100) for hour in range(4)
    ]
    groups = {run.id: f"g{number // 2}" for number, run in enumerate(runs)}
    (panel,) = compose(runs, Request(metrics=("val_accuracy",), groups=groups)).panels
    first, second = panel.curves
    assert (first.run, first.members, second.run) == ("g0", 2, "g1")
    np.testing.assert_allclose(first.y, [0.865, 0.885, 0.905])
    assert first.band is not None
    np.testing.assert_allclose(first.band[1] - first.y, 0.01 / 2**0.5)


def test_a_foreign_group_is_named_by_directory_and_run(tmp_path) -> None:
    place = LogDirectory("logs", tmp_path)
    for run in ("a", "b"):
        write(tmp_path / run, *curve("loss", [1, 2]))
    groups = {foreign_id(place, run): "both" for run in ("a", "b")}
    (panel,) = compose([place], Request(groups=groups)).panels
    assert [(one.run, one.members) for one in panel.curves] == [("both", 2)]


def test_what_is_not_shown_is_said(tmp_path) -> None:
    for number in range(9):
        write(tmp_path / f"r{number}", *curve("loss", [1]), *curve(f"m{number}", [1]))
    empty = tmp_path / "empty"
    empty.mkdir()
    request = Request(most_panels=2, most_curves=5)
    scene = compose([LogDirectory("logs", tmp_path), LogDirectory("empty", empty)], request)
    assert [panel.metric for panel in scene.panels] == ["loss", "m0"]
    assert len(scene.panels[0].curves) == 5
    said = "\n".join(scene.left_out)
    assert "has no scalars" in said
    assert "8 of 10 metrics do not fit: m1" in said
    assert "loss: 5 of 9 curves are drawn (the best)" in said


def test_a_metric_that_is_nowhere_is_not_found(tmp_path) -> None:
    with pytest.raises(NotFound) as caught:
        compose([make_run(tmp_path)], Request(metrics=("acuracy",)))
    assert "did you mean 'accuracy'" in caught.value.hint


def test_a_panel_is_chosen_by_its_name(tmp_path) -> None:
    write(tmp_path / "a", *curve("loss/train", [1]), *curve("loss/val", [1]), *curve("acc", [1]))
    (panel,) = compose([LogDirectory("x", tmp_path)], Request(metrics=("loss",))).panels
    assert [one.name for one in panel.curves] == ["loss", "val_loss"]


def test_a_word_that_neither_history_nor_event_files_hold_is_not_found(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    write(run.logs / "train", *curve("gradients/conv1", [1, 2]))
    panels = compose([run], Request(metrics=("*conv1", "loss"))).panels
    assert [panel.metric for panel in panels] == ["gradients/conv1", "loss"]
    with pytest.raises(NotFound, match="no metric 'acuracy'"):
        compose([run], Request(metrics=("*conv1", "acuracy")))


def test_runs_of_ours_and_of_others_meet_on_steps(tmp_path) -> None:
    run = make_run(tmp_path, name="mine")
    write(tmp_path / "other", *curve("loss", [10, 20]))
    scene = compose([run, LogDirectory("other", tmp_path / "other")], Request(metrics=("loss",)))
    (panel,) = scene.panels
    assert panel.x_label == "step"
    assert [one.x.tolist() for one in panel.curves] == [[100, 200, 300], [100, 200, 300], [10, 20]]
    assert [entry.label for entry in scene.entries] == ["mine", "other"]
    assert scene.entries[0].id == run.id


def test_epochs_without_known_steps_have_a_panel_of_their_own(tmp_path) -> None:
    run = make_run(tmp_path)
    rows = [line.split(",") for line in run.history_file.read_text().splitlines()]
    run.history_file.write_text("".join(",".join(row[:1] + row[2:]) + "\n" for row in rows))
    write(tmp_path / "other", *curve("loss", [10, 20]))
    panels = compose([run, LogDirectory("other", tmp_path / "other")], Request(metrics=("loss",))).panels
    assert [(panel.metric, panel.x_label, len(panel.curves)) for panel in panels] == [
        ("loss", "epoch", 2),
        ("loss@step", "step", 1),
    ]


@pytest.mark.parametrize("smooth", [0.0, 0.6])
def test_what_a_logarithmic_axis_cannot_show_is_left_out_and_said(tmp_path, smooth: float) -> None:
    write(tmp_path, *[event(step, simple("loss", step - 1)) for step in (0, 1, 2, 4)])
    scene = compose([LogDirectory("x", tmp_path)], Request(log="xy", smooth=smooth))
    (one,) = scene.panels[0].curves
    assert one.x.tolist() == [1, 2, 4]
    assert len(one.y) == 3
    assert one.raw is None or [len(column) for column in one.raw] == [3, 3]
    assert scene.left_out == (
        "loss: values of 0 or below cannot be drawn on a logarithmic axis",
        "points at step 0 or below cannot be drawn on a logarithmic axis",
    )
    assert compose([LogDirectory("x", tmp_path)], Request()).left_out == ()


def ended_early(tmp_path, *epochs: int):
    return [make_run(tmp_path, started=SOME_MOMENT.replace(hour=hour), epochs=n) for hour, n in enumerate(epochs)]


def test_the_mean_of_a_group_ends_with_its_shortest_run_and_says_so(tmp_path) -> None:
    runs = ended_early(tmp_path, 5, 3, 4)
    scene = compose(runs, Request(metrics=("val_loss",), groups={run.id: "g" for run in runs}))
    (one,) = scene.panels[0].curves
    assert (one.x.tolist(), one.members) == ([1, 2, 3], 3)
    assert scene.left_out == (
        "g: the mean of 3 runs ends at epoch 3, where the first of them ends; the longest reaches epoch 5",
    )


def test_a_group_of_one_has_no_band(tmp_path) -> None:
    (run,) = ended_early(tmp_path, 3)
    for smooth in (0.0, 0.5):
        (one,) = compose([run], Request(metrics=("val_loss",), groups={run.id: "g"}, smooth=smooth)).panels[0].curves
        assert (one.run, one.band, one.members) == ("g", None, 1)


def test_a_run_without_a_finite_value_is_not_counted_in_the_mean(tmp_path) -> None:
    good, better, lost = ended_early(tmp_path, 3, 3, 3)
    lost.history_file.write_text("epoch,step,seconds,learning_rate,loss\n1,1,1,0.1,nan\n2,2,2,0.1,nan\n")
    runs = [good, better, lost]
    scene = compose(runs, Request(metrics=("loss",), groups={run.id: "g" for run in runs}))
    (one,) = (each for each in scene.panels[0].curves if each.name == "loss")
    assert (len(one.x), one.members) == (3, 2)
    assert "g: 1 of 3 runs have no finite loss and are not in the mean" in scene.left_out


@pytest.mark.parametrize("request_", [{}, {"x": "time"}, {"log": "y"}, {"log": "x"}, {"smooth": 0.5}])
def test_an_option_changes_what_it_names_and_nothing_else(tmp_path, request_) -> None:
    run = make_run(tmp_path, name="mine")
    usual, scene = compose([run], Request()), compose([run], Request(**request_))
    assert scene.heading == usual.heading
    assert scene.metrics == usual.metrics
    assert scene.entries == usual.entries
    assert scene.tags() == usual.tags()
    bests = [[(one.best.y, one.best.at) for panel in each.panels for one in panel.curves] for each in (usual, scene)]
    assert bests[0] == bests[1]
    assert scene.entries[0].values == "0.9800 @ 3, test 0.9800"


@pytest.mark.parametrize(
    ("x", "at"), [("", "epoch 3"), ("epoch", "epoch 3"), ("step", "step 300"), ("time", "epoch 3")]
)
def test_the_place_of_the_best_is_given_on_the_axis_that_is_drawn(tmp_path, x: str, at: str) -> None:
    scene = compose([make_run(tmp_path)], Request(x=x))
    assert {one.best.at for panel in scene.panels for one in panel.curves} == {at}
    unit, place = at.split()
    assert scene.legend_heading == f"best val_accuracy @ {unit}"
    assert scene.entries[0].values.startswith(f"0.9800 @ {place}")


@pytest.mark.parametrize(("x", "at"), [("", "step 2"), ("epoch", "epoch 0.2"), ("time", "step 2")])
def test_the_same_holds_for_the_steps_of_others(tmp_path, x: str, at: str) -> None:
    events = [event(step, simple("loss", 9 - step), simple("epoch", step / 10)) for step in (1, 2)]
    write(tmp_path, *events, event(3, simple("loss", float("nan")), simple("epoch", 0.3)))
    (one,) = compose([LogDirectory("x", tmp_path)], Request(metrics=("loss",), x=x)).panels[0].curves
    assert one.best.at == at
    unit = at.split()[0]
    assert one.ending == f"ends in nan at {unit} {'0.3' if unit == 'epoch' else 3}"


@pytest.mark.parametrize("last", [float("nan"), float("inf"), -float("inf")])
def test_the_last_value_is_the_last_one_even_if_it_is_no_number(tmp_path, last: float) -> None:
    write(tmp_path / "a", *valued("loss", 2, 1, last), *valued("val_loss", 2, 1, last))
    write(tmp_path / "b", *valued("loss", last, last))
    write(tmp_path / "c", *valued("loss", last, 1))
    scene = compose([LogDirectory("x", tmp_path)], Request())
    lasts = {(one.run, one.name): one.last for one in scene.panels[0].curves}
    np.testing.assert_equal(
        lasts, {("a", "loss"): last, ("a", "val_loss"): last, ("b", "loss"): last, ("c", "loss"): 1}
    )
    assert scene.notes[:2] == (f"a ends in {last:g} at step 2: loss, val_loss", "b has no finite value: loss")


def test_a_group_one_of_whose_runs_ends_in_no_number_says_so(tmp_path) -> None:
    write(tmp_path / "a", *valued("loss", 2, 1, float("nan")))
    write(tmp_path / "b", *valued("loss", 2, 1, 1))
    groups = {foreign_id(LogDirectory("x", tmp_path), run): "g" for run in "ab"}
    scene = compose([LogDirectory("x", tmp_path)], Request(groups=groups))
    (one,) = scene.panels[0].curves
    assert np.isnan(one.last)
    assert scene.notes[0] == "g has 1 run of 2 whose last value is no finite number: loss"
    assert scene.legend_heading == "best of the mean loss @ step"


def test_on_an_axis_of_time_the_place_of_the_best_of_a_mean_is_a_time(tmp_path) -> None:
    for name in "ab":
        write(
            tmp_path / name, *[event(step, simple("loss", 9 - step), wall_time=100.0 + 90 * step) for step in (0, 1, 2)]
        )
    groups = {foreign_id(LogDirectory("x", tmp_path), run): "g" for run in "ab"}
    scene = compose([LogDirectory("x", tmp_path)], Request(groups=groups, x="time"))
    assert scene.legend_heading == "best of the mean loss"
    assert scene.entries[0].values == "7.0000 @ 3 min"


def test_what_is_not_drawn_is_called_by_the_name_of_its_series(tmp_path) -> None:
    write(tmp_path, *valued("val/elapsed_seconds", 1, 2), *valued("val/acc", 1, 2), *valued("val/acc_b", 1, 2))
    (idle, hidden) = compose([LogDirectory("x", tmp_path)], Request(most_panels=1)).left_out
    assert "val_elapsed_seconds" in idle
    assert "val_acc_b" in hidden


def test_series_that_count_different_things_are_said_to(tmp_path) -> None:
    write(tmp_path / "a", *curve("train/loss", range(500)), *curve("val/loss", range(5)))
    write(tmp_path / "b", *curve("train/loss", range(500)), *curve("val/loss", range(5)))
    scene = compose([LogDirectory("x", tmp_path)], Request())
    (said,) = scene.left_out
    assert said.startswith("loss: in a val_loss ends at step 4 and loss at step 499, and so in 1 more: they seem to")
    assert said.endswith("count different things; `--x time` draws both by the time they were written")
    assert not compose([LogDirectory("x", tmp_path)], Request(x="time")).left_out


def test_series_of_one_clock_are_not_suspected(tmp_path) -> None:
    write(tmp_path / "often", *curve("train/loss", range(500)))
    write(tmp_path / "often", *[event(step, simple("val/loss", 1)) for step in range(0, 500, 100)])
    write(tmp_path / "short", *curve("train/loss", range(5)), *curve("val/loss", range(5)))
    write(tmp_path / "once", *curve("train/loss", range(500)), *curve("test/loss", [1]))
    assert not compose([LogDirectory("x", tmp_path)], Request()).left_out


def test_a_best_that_a_logarithmic_axis_cannot_show_is_no_result_in_the_legend(tmp_path) -> None:
    for name in "ab":
        write(tmp_path / name, *valued("val_loss", -1, -2))
    scene = compose([LogDirectory("x", tmp_path)], Request(log="y"))
    (panel,) = scene.panels
    assert panel.why_empty() == "no value above 0 for a logarithmic axis"
    assert [panel.best_of(one) for one in panel.curves] == [None, None]
    assert [one.best.y for one in panel.curves] == [-2, -2]
    assert [entry.values for entry in scene.entries] == ["", ""]
    assert scene.left_out == ("val_loss: values of 0 or below cannot be drawn on a logarithmic axis",)


def test_the_best_is_measured_and_lies_on_the_axis_that_is_drawn(tmp_path) -> None:
    run = make_run(tmp_path)
    (panel,) = compose([run], Request(metrics=("val_loss",), x="time", smooth=0.9)).panels
    (one,) = panel.curves
    assert (one.best.x, one.best.y, one.best.at) == (15, 0.08, "epoch 3")
    assert one.last == 0.08


def test_metrics_without_a_direction_have_no_best(tmp_path) -> None:
    (panel,) = compose([make_run(tmp_path)], Request(metrics=("learning_rate",))).panels
    assert [one.best for one in panel.curves] == [None]


def test_a_run_is_judged_by_validation(tmp_path) -> None:
    scene = compose([make_run(tmp_path)], Request())
    assert [[one.is_judged for one in panel.curves] for panel in scene.panels] == [[False, True], [False, True]]
    assert scene.legend_heading == "best val_accuracy @ epoch"


def test_training_stands_before_validation_whoever_wrote_first(tmp_path) -> None:
    write(tmp_path / "a", *curve("eval/loss", [1, 2]), *curve("train/loss", [1, 2]))
    (panel,) = compose([LogDirectory("x", tmp_path)], Request()).panels
    assert [one.name for one in panel.curves] == ["loss", "val_loss"]


def test_many_runs_are_ranked_best_first(tmp_path) -> None:
    runs = [
        make_run(tmp_path, name=f"r{n}", started=SOME_MOMENT.replace(hour=n), val_accuracy=0.9 + n / 100)
        for n in range(6)
    ]
    assert [entry.label for entry in compose(runs, Request()).entries] == [f"r{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert [entry.label for entry in compose(runs[:5], Request()).entries] == [f"r{n}" for n in range(5)]


def test_a_loss_of_wide_range_gets_a_logarithmic_axis_whatever_x_is(tmp_path) -> None:
    run = make_run(tmp_path)
    rows = "".join(f"{n},{n},{n},0.1,{10.0**-n},0.5\n" for n in range(1, 5))
    run.history_file.write_text("epoch,step,seconds,learning_rate,loss,accuracy\n" + rows)
    for x in ("", "step", "time"):
        assert [panel.log for panel in compose([run], Request(x=x)).panels] == ["", "y"]


def test_runs_are_in_natural_order(tmp_path) -> None:
    for version in (0, 10, 2):
        write(tmp_path / f"version_{version}", *curve("loss", [1, 2]))
    scene = compose([LogDirectory("x", tmp_path)], Request())
    assert [entry.label for entry in scene.entries] == ["version_0", "version_2", "version_10"]


def test_a_wall_time_of_zero_does_not_shift_the_others(tmp_path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    def at(step: int, wall_time: float) -> Event:
        return Event(step=step, wall_time=wall_time, summary=Summary(value=[simple("loss", 1.0 / (step + 1))]))

    write(tmp_path, at(0, 0.0), *(at(step, 1.7e9 + 60 * step) for step in range(1, 6)))
    scene = compose([LogDirectory("x", tmp_path)], Request(x="time"))
    (one,) = scene.panels[0].curves
    assert one.x.tolist()[1:] == [0, 1, 2, 3, 4]
    assert np.isnan(one.x[0])
    assert scene.panels[0].x_label == "time since the start (min)"
    assert scene.left_out == ("loss: 1 point has no usable wall time and cannot be drawn",)


def test_whole_epochs_beside_the_steps_spread_their_points(tmp_path) -> None:
    steps = range(9, 500, 10)
    write(
        tmp_path,
        *(event(step, simple("train_loss", 1 / step)) for step in steps),
        *(event(step, simple("epoch", step // 100)) for step in steps),
    )
    (panel,) = compose([LogDirectory("x", tmp_path)], Request(metrics=("loss",), x="epoch")).panels
    places = panel.curves[0].x
    assert len(set(places.tolist())) == 50
    assert places.tolist() == pytest.approx([(step + 1) / 100 - 1 for step in steps])


def test_names_that_are_no_utf8_are_drawn(tmp_path) -> None:
    import os

    write(tmp_path / "a", *curve("loss", [1, 2]))
    write(tmp_path / os.fsdecode(b"caf\xe9"), *curve("loss", [1, 2]))
    assert len(compose([LogDirectory("x", tmp_path)], Request()).entries) == 2


def test_the_literal_tags_stand_beside_the_names(tmp_path) -> None:
    write(tmp_path / "a", *curve("train/loss", [1, 2]), *curve("val/loss", [1, 2]))
    assert compose([LogDirectory("x", tmp_path)], Request()).tags() == {
        "loss": ["a/train/loss"],
        "val_loss": ["a/val/loss"],
    }
    assert compose([make_run(tmp_path / "ours")], Request(metrics=("val_loss",))).tags() == {
        "val_loss": ["validation/epoch_loss"]
    }


def test_where_no_times_are_recorded_there_is_no_axis_of_time(tmp_path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    timeless = [Event(step=step, summary=Summary(value=[simple("loss", 1.0)])) for step in range(3)]
    write(tmp_path / "a", *timeless)
    with pytest.raises(NotFound, match="the times of loss are not recorded"):
        compose([LogDirectory("x", tmp_path)], Request(x="time"))
    write(tmp_path / "b", *curve("loss", [1, 2]))
    scene = compose([LogDirectory("x", tmp_path)], Request(x="time"))
    assert [entry.label for entry in scene.entries] == ["b"]
    assert scene.left_out == ("the times of 'loss' are not recorded: left out",)


def test_of_too_many_curves_validation_of_the_best_runs_is_drawn(tmp_path) -> None:
    runs = [
        make_run(tmp_path, name=f"r{n}", started=SOME_MOMENT.replace(hour=n), val_accuracy=0.9 + n / 100)
        for n in range(6)
    ]
    scene = compose(runs, Request(metrics=("accuracy",), most_curves=3))
    assert [(one.run, one.split) for one in scene.panels[0].curves] == [(f"r{n}", "validation") for n in (3, 4, 5)]
    assert scene.left_out == ("accuracy: 3 of 12 curves are drawn (the best)",)


def test_runs_inside_one_log_directory_can_be_named_one_by_one(tmp_path) -> None:
    for version in (0, 1, 2):
        write(tmp_path / f"version_{version}", *curve("loss", [1, 2]))
    named = [LogDirectory(f"version_{n}", tmp_path, f"version_{n}") for n in (2, 0)]
    assert [entry.label for entry in compose(named, Request()).entries] == ["version_2", "version_0"]
    assert [entry.label for entry in compose(named[:1], Request()).entries] == ["version_2"]


def test_a_metric_that_no_place_has_is_an_error_even_beside_others(tmp_path) -> None:
    write(tmp_path / "a", *curve("loss", [1, 2]), *curve("epoch", [1, 2]))
    place = LogDirectory("x", tmp_path)
    for request in (Request(metrics=("loss", "nope")), Request(metrics=("nope",), x="epoch")):
        with pytest.raises(NotFound, match="has no metric 'nope'"):
            compose([place], request)
    with pytest.raises(NotFound, match="has no metric 'acuracy'"):
        compose([make_run(tmp_path / "ours")], Request(metrics=("loss", "acuracy")))


def test_a_metric_that_one_of_several_places_lacks_is_said_and_its_others_are_drawn(tmp_path) -> None:
    write(tmp_path / "a", *curve("loss", [1, 2]), *curve("auc", [1, 2]))
    write(tmp_path / "b", *curve("loss", [1, 2]))
    run = make_run(tmp_path, name="mine")
    places = [run, LogDirectory("a", tmp_path / "a"), LogDirectory("b", tmp_path / "b")]
    scene = compose(places, Request(metrics=("loss", "auc")))
    assert {panel.metric: len({one.run for one in panel.curves}) for panel in scene.panels} == {"loss": 3, "auc": 1}
    assert scene.left_out == (f"run {run.label} has no metric 'auc'", f"{str(tmp_path / 'b')!r} has no metric 'auc'")
