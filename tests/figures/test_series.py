from __future__ import annotations

import numpy as np
import pytest

from tbcli.errors import NotFound
from tbcli.figures.series import gather
from tbcli.figures.smoothing import smoothed
from tbcli.figures.sources import Request, foreign_id
from tbcli.runs import LogDirectory
from tests.events.records import curve, event, simple, write
from tests.fakes import SOME_MOMENT, make_run


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def names(gathered) -> dict[str, list[tuple[str, str, str]]]:
    return {chart.metric: [(one.run, one.name, one.split) for one in chart.curves] for chart in gathered.charts}


def test_a_run_of_ours_is_drawn_from_its_history_with_validation_beside_training(tmp_path) -> None:
    run = make_run(tmp_path, name="mine")
    gathered = gather([run], Request())
    assert names(gathered) == {
        "accuracy": [("mine", "accuracy", ""), ("mine", "val_accuracy", "validation")],
        "loss": [("mine", "loss", ""), ("mine", "val_loss", "validation")],
    }
    loss = gathered.charts[1]
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
    (chart,) = gather([make_run(tmp_path)], Request(metrics=("loss",), x=x)).charts
    assert chart.x_label == label
    assert chart.curves[0].x.tolist() == places


def test_what_the_history_lacks_comes_from_the_event_files(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    write(run.logs / "train", *curve("batch_loss", [50, 100, 200]), *curve("gradients/dense", [1, 2]))
    gathered = gather([run], Request(metrics=("batch_*", "train/gradients/*")))
    assert names(gathered) == {
        "loss": [(run.id, "loss", "train")],
        "gradients/dense": [(run.id, "gradients/dense", "train")],
    }
    assert [chart.x_label for chart in gathered.charts] == ["step", "epoch"]
    batch, gradients = gather([run], Request(metrics=("batch_*", "train/gradients/*"), x="epoch")).charts
    assert batch.curves[0].x.tolist() == [0.5, 1, 2]
    assert gradients.curves[0].x.tolist() == [1, 2]


def test_a_foreign_log_directory_pairs_what_belongs_together(tmp_path) -> None:
    write(tmp_path / "a/train", *curve("epoch_loss", [0, 1]))
    write(tmp_path / "a/validation", *curve("epoch_loss", [0, 1]))
    write(tmp_path / "b", *curve("train/loss_epoch", [5]), *curve("val/loss_epoch", [5]))
    gathered = gather([LogDirectory("logs", tmp_path)], Request())
    assert names(gathered) == {
        "loss": [
            ("a", "a/loss", "train"),
            ("a", "a/val_loss", "validation"),
            ("b", "b/loss", "train"),
            ("b", "b/val_loss", "validation"),
        ],
    }
    assert gathered.runs == ("a", "b")


def test_a_series_that_counts_epochs_beside_its_steps_knows_them(tmp_path) -> None:
    write(tmp_path, *curve("loss", [10, 20]), *[event(step, simple("epoch", step / 10)) for step in (10, 20)])
    (chart,) = gather([LogDirectory("x", tmp_path)], Request(metrics=("loss",), x="epoch")).charts
    assert chart.curves[0].x.tolist() == [1, 2]
    write(tmp_path / "other", *curve("loss", [10]))
    with pytest.raises(NotFound, match="nothing tells the epochs of 'loss'"):
        gather([LogDirectory("x", tmp_path / "other")], Request(x="epoch"))


def test_time_counts_from_the_first_point_of_the_run(tmp_path) -> None:
    write(
        tmp_path / "train", event(1, simple("loss", 1), wall_time=1000.0), event(2, simple("loss", 1), wall_time=1600.0)
    )
    write(tmp_path / "validation", event(2, simple("loss", 1), wall_time=1300.0))
    (chart,) = gather([LogDirectory("x", tmp_path)], Request(x="time")).charts
    assert chart.x_label == "time since the start (min)"
    assert [one.x.tolist() for one in chart.curves] == [[0, 10], [5]]


def test_smoothing_is_of_all_points_and_keeps_the_measured_ones_behind(tmp_path) -> None:
    values = np.random.default_rng(0).random(20_000).astype(np.float32).astype(float)
    write(tmp_path, *[event(step, simple("loss", value)) for step, value in enumerate(values)])
    (chart,) = gather([LogDirectory("x", tmp_path)], Request(smooth=0.9, stretches=50)).charts
    (one,) = chart.curves
    assert len(one.x) <= 201
    np.testing.assert_allclose(one.y, smoothed(values, 0.9)[one.x.astype(int)])
    assert one.raw is not None
    assert one.raw[1].max() == values.max()


def test_groups_become_means_with_a_band(tmp_path) -> None:
    runs = [
        make_run(tmp_path, started=SOME_MOMENT.replace(hour=hour), val_accuracy=0.9 + hour / 100) for hour in range(4)
    ]
    groups = {run.id: f"g{number // 2}" for number, run in enumerate(runs)}
    (chart,) = gather(runs, Request(metrics=("val_accuracy",), groups=groups)).charts
    first, second = chart.curves
    assert (first.run, first.members, second.run) == ("g0", 2, "g1")
    np.testing.assert_allclose(first.y, [0.865, 0.885, 0.905])
    assert first.band is not None
    np.testing.assert_allclose(first.band[1] - first.y, 0.01 / 2**0.5)


def test_a_foreign_group_is_named_by_directory_and_run(tmp_path) -> None:
    place = LogDirectory("logs", tmp_path)
    for run in ("a", "b"):
        write(tmp_path / run, *curve("loss", [1, 2]))
    groups = {foreign_id(place, run): "both" for run in ("a", "b")}
    (chart,) = gather([place], Request(groups=groups)).charts
    assert [(one.run, one.members) for one in chart.curves] == [("both", 2)]


def test_what_is_not_shown_is_said(tmp_path) -> None:
    for number in range(9):
        write(tmp_path / f"r{number}", *curve("loss", [1]), *curve(f"m{number}", [1]))
    empty = tmp_path / "empty"
    empty.mkdir()
    request = Request(most_panels=2, most_curves=5)
    gathered = gather([LogDirectory("logs", tmp_path), LogDirectory("empty", empty)], request)
    assert [chart.metric for chart in gathered.charts] == ["loss", "m0"]
    assert len(gathered.charts[0].curves) == 5
    said = "\n".join(gathered.left_out)
    assert "holds no scalars" in said
    assert "8 more metrics are not shown" in said
    assert "loss: 5 of 9 curves are shown" in said


def test_a_metric_that_is_nowhere_is_not_found(tmp_path) -> None:
    with pytest.raises(NotFound) as caught:
        gather([make_run(tmp_path)], Request(metrics=("acuracy",)))
    assert "did you mean 'accuracy'" in caught.value.hint


def test_a_panel_is_chosen_by_its_name(tmp_path) -> None:
    write(tmp_path / "a", *curve("loss/train", [1]), *curve("loss/val", [1]), *curve("acc", [1]))
    (chart,) = gather([LogDirectory("x", tmp_path)], Request(metrics=("loss",))).charts
    assert [one.name for one in chart.curves] == ["a/loss", "a/val_loss"]


def test_a_word_that_neither_history_nor_event_files_hold_is_not_found(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    write(run.logs / "train", *curve("gradients/conv1", [1, 2]))
    charts = gather([run], Request(metrics=("*conv1", "loss"))).charts
    assert [chart.metric for chart in charts] == ["gradients/conv1", "loss"]
    with pytest.raises(NotFound, match="no metric 'acuracy'"):
        gather([run], Request(metrics=("*conv1", "acuracy")))


def test_runs_of_ours_and_of_others_meet_on_steps(tmp_path) -> None:
    run = make_run(tmp_path, name="mine")
    write(tmp_path / "other", *curve("loss", [10, 20]))
    gathered = gather([run, LogDirectory("other", tmp_path / "other")], Request(metrics=("loss",)))
    (chart,) = gathered.charts
    assert chart.x_label == "step"
    assert [one.x.tolist() for one in chart.curves] == [[100, 200, 300], [100, 200, 300], [10, 20]]
    assert gathered.runs == ("mine", "other")
    assert gathered.ids == {"mine": run.id}


def test_epochs_without_known_steps_have_a_panel_of_their_own(tmp_path) -> None:
    run = make_run(tmp_path)
    rows = [line.split(",") for line in run.history_file.read_text().splitlines()]
    run.history_file.write_text("".join(",".join(row[:1] + row[2:]) + "\n" for row in rows))
    write(tmp_path / "other", *curve("loss", [10, 20]))
    charts = gather([run, LogDirectory("other", tmp_path / "other")], Request(metrics=("loss",))).charts
    assert [(chart.metric, chart.x_label, len(chart.curves)) for chart in charts] == [
        ("loss", "epoch", 2),
        ("loss", "step", 1),
    ]


@pytest.mark.parametrize("smooth", [0.0, 0.6])
def test_what_a_logarithmic_axis_cannot_show_is_left_out_and_said(tmp_path, smooth: float) -> None:
    write(tmp_path, *[event(step, simple("loss", step - 1)) for step in (0, 1, 2, 4)])
    gathered = gather([LogDirectory("x", tmp_path)], Request(log="xy", smooth=smooth))
    (one,) = gathered.charts[0].curves
    assert one.x.tolist() == [1, 2, 4]
    assert len(one.y) == 3
    assert one.raw is None or [len(column) for column in one.raw] == [3, 3]
    assert gathered.left_out == (
        "loss: a logarithmic axis has no place for values of 0 or below",
        "a logarithmic axis has no place for step 0 or below: left out",
    )
    assert gather([LogDirectory("x", tmp_path)], Request()).left_out == ()
