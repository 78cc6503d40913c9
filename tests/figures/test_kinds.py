"""Which figures are asked for, what a run has for them, and where they go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tbcli.config import FIGURE_FORMATS, PlotConfig
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.figures import LEFT_BY_TRAINING, PlotResult, chosen_kinds, plot_kinds, skips_missing
from tbcli.figures.curves import Request
from tbcli.figures.kinds import KINDS, NAMES
from tbcli.loading import load_object
from tbcli.runs import Run
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions

SMALL = PlotConfig(dpi=40)
ALL_BUT_GRADIENTS = tuple(name for name in NAMES if name not in ("gradients", "predicted_vs_true", "residuals"))
RANDOM = np.random.default_rng(8)


def measured_run(place: Path, classes: int = 3, *, samples: int = 60, without: tuple[str, ...] = ()) -> Run:
    run, told = make_run(place, files=False), predictions(np.arange(samples) % classes, classes)
    pictures = RANDOM.integers(0, 256, (samples, 8, 8, 1)).astype(np.uint8)
    features = RANDOM.normal(size=(samples // 2 + 1, 6)).astype(np.float32)
    keep_evidence(run, told, features=features, pictures=pictures, without=without)
    return run


def plot(*runs: Run, kinds: tuple[str, ...] = NAMES, settings: PlotConfig = SMALL, out: Path | None = None,
         metrics: tuple[str, ...] = (), skip_missing: bool = False) -> PlotResult:  # fmt: skip
    root = runs[0].plots.parent
    request = Request(metrics=metrics)
    return plot_kinds(runs, kinds, settings, plots_root=root, out=out, request=request, skip_missing=skip_missing)


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ([], ("history",)),
        (["pr,history", " confusion "], ("history", "confusion", "pr")),
        (["pr", "pr"], ("pr",)),
        (["mistakes", "all"], NAMES),
    ],
)
def test_kinds_are_chosen_once_each_and_in_their_order(said: list[str], chosen: tuple[str, ...]) -> None:
    assert chosen_kinds(said) == chosen
    assert skips_missing(said) == ("all" in said)


def test_an_unknown_kind_is_a_usage_error_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="unknown --kind 'confuson'") as caught:
        chosen_kinds(["history,confuson"])
    assert "did you mean 'confusion'" in caught.value.hint


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_names_functions_that_there_are(name: str) -> None:
    assert callable(load_object(KINDS[name].read))
    assert callable(load_object(KINDS[name].draw))
    assert name in NAMES


def test_what_a_training_leaves_is_history_summary_confusion_mistakes_and_embedding() -> None:
    of_values = {"predicted_vs_true", "residuals"}
    assert set(LEFT_BY_TRAINING) - of_values == {"history", "summary", "confusion", "mistakes", "embedding"}


@pytest.mark.parametrize(
    ("form", "classes", "samples"),
    [
        ("png", 2, 40),
        ("png", 200, 400),
        ("png", 3, 2),
        ("svg", 10, 100),
        pytest.param("pdf", 10, 100, marks=pytest.mark.slow),
    ],
)
def test_each_kind_is_a_file_of_its_own_in_every_format(tmp_path: Path, form: str, classes: int, samples: int) -> None:
    run = measured_run(tmp_path, classes, samples=samples)
    result = plot(run, kinds=ALL_BUT_GRADIENTS, settings=PlotConfig(dpi=40, format=form))
    stems = [
        "training_history",
        "summary",
        "confusion_matrix",
        "pr_curves",
        "roc_curves",
        "calibration",
        "embedding_pca",
        "mistakes",
    ]
    assert [picture.path for picture in result.pictures] == [run.plots / f"{stem}.{form}" for stem in stems]
    assert [picture.kind for picture in result.pictures] == list(ALL_BUT_GRADIENTS)
    assert result.missing == ()
    for picture in result.pictures:
        if form == "png":
            with Image.open(picture.path) as image:
                image.load()
                assert min(image.size) > 40
        else:
            assert picture.path.read_bytes().startswith({"svg": b"<?xml", "pdf": b"%PDF"}[form])


@pytest.mark.parametrize("form", FIGURE_FORMATS)
def test_the_same_evidence_gives_the_same_files(tmp_path: Path, form: str) -> None:
    run, kinds = measured_run(tmp_path), ALL_BUT_GRADIENTS if form == "png" else ("confusion", "embedding")
    once, again = (
        [picture.path.read_bytes() for picture in plot(run, kinds=kinds, settings=settings).pictures]
        for settings in [PlotConfig(dpi=40, format=form)] * 2
    )
    assert once == again


def test_all_is_what_there_is_and_a_sentence_for_each_reason(tmp_path: Path) -> None:
    run = measured_run(tmp_path, without=("projector_features",))
    result = plot(run, skip_missing=True)
    assert [picture.kind for picture in result.pictures] == [
        "history",
        "summary",
        "confusion",
        "pr",
        "roc",
        "calibration",
        "mistakes",
    ]
    assert result.missing == (
        f"no gradients: run {run.id} has recorded no gradients",
        f"no embedding: run {run.id} keeps no features in its evidence",
    )


def test_an_interrupted_run_has_its_history_and_one_sentence_for_all_the_rest(tmp_path: Path) -> None:
    run = make_run(tmp_path, status="interrupted", files=False)
    result = plot(run, skip_missing=True)
    assert [picture.kind for picture in result.pictures] == ["history", "summary"]
    assert (
        f"no confusion, pr, roc, calibration, embedding, mistakes: run {run.id} has no evidence: it is interrupted"
        in result.missing
    )


def test_a_kind_that_is_named_and_missing_is_not_found_and_nothing_is_drawn(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    with pytest.raises(NotFound, match="has no evidence"):
        plot(run, kinds=("history", "confusion"))
    assert not run.plots.exists()


def test_a_run_without_anything_is_not_found_even_for_all(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no epoch to plot"):
        plot(make_run(tmp_path, epochs=0, status="failed", files=False), skip_missing=True)


def test_evidence_without_an_epoch_is_still_drawn(tmp_path: Path) -> None:
    run = measured_run(tmp_path)
    run.history_file.unlink()
    result = plot(run, kinds=("history", "pr"), skip_missing=True)
    assert [picture.kind for picture in result.pictures] == ["pr"]
    assert "no history" in result.missing[0]


def test_of_several_runs_the_history_is_one_and_the_rest_each_its_own(tmp_path: Path) -> None:
    one, two = measured_run(tmp_path), measured_run(tmp_path)
    result = plot(one, two, one, kinds=("history", "pr"))
    assert [picture.runs for picture in result.pictures] == [(one, two), (one,), (two,)]
    assert [picture.path.parent for picture in result.pictures[1:]] == [one.plots, two.plots]


def test_the_confusions_of_two_runs_are_one_figure_of_their_difference(tmp_path: Path) -> None:
    one, two, three = (measured_run(tmp_path) for _ in range(3))
    (picture,) = plot(one, two, kinds=("confusion",)).pictures
    assert picture.runs == (one, two)
    assert picture.path.name == "confusion_difference.png"
    assert one.id in picture.path.parent.name
    assert len(plot(one, two, three, kinds=("confusion",)).pictures) == 3


def test_runs_of_different_classes_are_refused_and_among_all_kinds_told(tmp_path: Path) -> None:
    one, two = measured_run(tmp_path, 3), measured_run(tmp_path, 4)
    with pytest.raises(ConfigError, match="different classes"):
        plot(one, two, kinds=("confusion",))
    result = plot(one, two, kinds=("confusion", "pr"), skip_missing=True)
    assert [picture.kind for picture in result.pictures] == ["pr", "pr"]
    assert "different classes" in result.missing[0]


def test_one_file_is_for_one_figure(tmp_path: Path) -> None:
    run = measured_run(tmp_path)
    assert plot(run, kinds=("pr",), out=tmp_path / "x.svg").pictures[0].path.read_bytes().startswith(b"<?xml")
    with pytest.raises(ConfigError, match="these are 2 figures"):
        plot(run, kinds=("pr", "confusion"), out=tmp_path / "x.png")
    with pytest.raises(ConfigError, match="cannot tell a figure format"):
        plot(run, kinds=("pr",), out=tmp_path / "x.gif")


def test_metrics_are_panels_of_the_history_alone(tmp_path: Path) -> None:
    run = measured_run(tmp_path)
    with pytest.raises(ConfigError, match="--metric only applies to the history"):
        plot(run, kinds=("pr",), metrics=("loss",))
    with pytest.raises(NotFound, match="no metric 'los'"):
        plot(run, metrics=("los",), skip_missing=True)


@pytest.mark.usefixtures("no_fonts")
def test_one_sentence_for_all_figures_names_the_font_that_is_missing(tmp_path: Path) -> None:
    run = make_run(tmp_path, name="飛行機", files=False)
    keep_evidence(run, predictions(np.arange(40) % 2, 2, names=["猫", "犬"]))
    result = plot(run, kinds=("history", "confusion", "pr"))
    told = result.left_out
    assert told == [result.fonts]
    assert "no installed font has the characters 機 犬 猫 行 飛" in told[0]
    assert "Noto Sans CJK" in told[0]


def test_a_link_among_the_plots_is_not_followed(tmp_path: Path) -> None:
    run = measured_run(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    run.plots.parent.mkdir()
    run.plots.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="is a link"):
        plot(run, kinds=("confusion",))
    assert not list((tmp_path / "elsewhere").iterdir())
