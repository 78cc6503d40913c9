"""The words of a scene: headings that keep their results, legends that keep their values."""

from __future__ import annotations

import pytest

from tbcli.figures.composing import compose
from tbcli.figures.curves import Heading, Request
from tbcli.figures.titles import first_line, panel_title, second_line, short_number
from tbcli.runs import LogDirectory
from tests.events.records import curve, write
from tests.fakes import SOME_MOMENT, make_run


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def test_the_heading_names_run_kind_model_data_epochs_and_test_accuracy(tmp_path) -> None:
    run = make_run(tmp_path, name="wide")
    heading = compose([run], Request()).heading
    assert first_line(heading, 99) == "wide  ·  training history"
    assert second_line(heading, 99) == f"cnn on mnist  ·  {run.id}  ·  3 epochs  ·  test accuracy 0.9800"


def test_a_run_that_did_not_finish_says_so(tmp_path) -> None:
    heading = compose([make_run(tmp_path, status="diverged")], Request()).heading
    assert heading.results == ("3 epochs, diverged", "")


def test_where_the_line_is_short_the_id_goes_first_and_the_result_stays() -> None:
    heading = Heading("n", "k", "resnet50 on imagenet", "20261122-120000-abcd", ("90 epochs", "test accuracy 0.7712"))
    results = "90 epochs  ·  test accuracy 0.7712"
    assert second_line(heading, 100) == f"resnet50 on imagenet  ·  20261122-120000-abcd  ·  {results}"
    assert second_line(heading, 60) == f"resnet50 on imagenet  ·  {results}"
    assert second_line(heading, 56) == f"resnet50…imagenet  ·  {results}"
    assert second_line(heading, 36) == results


def test_a_long_name_loses_its_middle_and_not_the_kind() -> None:
    line = first_line(Heading("a" * 40 + "b" * 40, "training history"), 50)
    assert len(line) <= 50
    assert line.endswith("b  ·  training history")


def test_several_runs_are_counted_and_what_they_share_is_said(tmp_path) -> None:
    runs = [make_run(tmp_path, started=SOME_MOMENT.replace(hour=hour)) for hour in range(2)]
    heading = compose(runs, Request()).heading
    assert (heading.name, heading.what) == ("2 runs", "cnn on mnist")


def test_groups_are_headed_by_their_number_and_how_many_runs_they_have(tmp_path) -> None:
    runs = [make_run(tmp_path, started=SOME_MOMENT.replace(hour=hour)) for hour in range(3)]
    scene = compose(runs, Request(groups={run.id: f"g{number // 2}" for number, run in enumerate(runs)}))
    assert (scene.heading.name, scene.heading.results) == ("2 groups of runs", ("3 runs",))
    assert [(entry.label, entry.members, entry.values) for entry in scene.entries] == [
        ("g0", "n=2", "0.9800 @ 3, test 0.9800 ± 0"),
        ("g1", "n=1", "0.9800 @ 3, test 0.9800"),
    ]


def test_a_log_directory_is_headed_by_its_name_and_the_number_of_runs(tmp_path) -> None:
    for name in "ab":
        write(tmp_path / name, *curve("loss", [1, 2]))
    heading = compose([LogDirectory("other", tmp_path)], Request()).heading
    assert (heading.name, heading.what) == ("other", "2 runs")


def test_runs_of_one_name_are_told_apart_by_their_ids(tmp_path) -> None:
    runs = [make_run(tmp_path, name="same", started=SOME_MOMENT.replace(hour=hour)) for hour in range(2)]
    assert [entry.label for entry in compose(runs, Request()).entries] == [run.label for run in runs]


@pytest.mark.parametrize(
    ("value", "text"), [(0.98765, "0.9877"), (0.0, "0.0000"), (1234.5, "1.23e+03"), (2e-5, "2e-05")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("metric", "title"),
    [
        ("top_5_accuracy", "Top 5 accuracy"),
        ("mae", "mae"),
        ("gradients/conv_1", "gradients/conv_1"),
        ("mAP50(B)", "mAP50(B)"),
        ("loss@step", "Loss per step"),
    ],
)
def test_a_title_is_the_metric_in_words_and_a_tag_as_it_is(metric: str, title: str) -> None:
    assert panel_title(metric) == title
