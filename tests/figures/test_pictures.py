import logging
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tbcli.config import PlotConfig
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.figures import plot_curves, plot_kinds
from tbcli.figures.curves import Request
from tbcli.figures.placing import comparison_name
from tbcli.figures.style import save_figure
from tbcli.runs import LogDirectory, Run
from tests.events.records import curve, write
from tests.fakes import make_run

SMALL = PlotConfig(dpi=40)
SVG = b"<?xml"


def plot_run(run: Run, plot: PlotConfig) -> Path:
    return plot_curves([run], Request(), plot, plots_root=run.plots.parent).path


def test_a_run_gets_its_picture_among_its_own_plots(tmp_path) -> None:
    run = make_run(tmp_path)
    path = plot_run(run, SMALL)
    assert path == run.plots / "training_history.png"
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height
    assert [file.name for file in run.plots.iterdir()] == ["training_history.png"]


def test_the_format_is_the_one_of_the_settings_or_of_the_suffix(tmp_path) -> None:
    run = make_run(tmp_path)
    assert plot_run(run, PlotConfig(format="svg")).read_bytes().startswith(SVG)
    picture = plot_curves([run], Request(), SMALL, plots_root=tmp_path, out=tmp_path / "new" / "x.PDF")
    assert picture.path.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_the_same_run_gives_the_same_file(tmp_path, form) -> None:
    run = make_run(tmp_path)
    first, second = (
        plot_curves([run], Request(), SMALL, plots_root=tmp_path, out=tmp_path / f"{name}.{form}").path.read_bytes()
        for name in "ab"
    )
    assert first == second


def test_resolution_scales_the_pixels(tmp_path) -> None:
    run = make_run(tmp_path)
    with Image.open(plot_run(run, PlotConfig(dpi=40))) as small:
        width = small.width
    with Image.open(plot_run(run, PlotConfig(dpi=80))) as large:
        assert large.width == pytest.approx(2 * width, abs=1)


def test_several_runs_share_a_directory_named_after_them_in_any_order(tmp_path) -> None:
    one, two = make_run(tmp_path), make_run(tmp_path)
    root = tmp_path / "plots"
    picture = plot_curves([two, one], Request(), SMALL, plots_root=root)
    assert picture.path == root / comparison_name([one.id, two.id]) / "training_history.png"
    assert picture.runs == (two, one)
    assert picture.metrics == ("accuracy", "loss")


def test_a_run_that_is_named_twice_is_drawn_once(tmp_path) -> None:
    run = make_run(tmp_path)
    assert plot_curves([run, run], Request(), SMALL, plots_root=tmp_path).path.parent == run.plots


def test_the_name_of_a_comparison_is_bounded_and_tells_sets_of_runs_apart() -> None:
    ids = [f"20261122-1200{number:02}-abcd" for number in range(60)]
    assert comparison_name(ids[:2]) == f"compare-{ids[0]}+{ids[1]}"
    assert comparison_name(ids) == comparison_name(ids[::-1])
    assert len({comparison_name(ids[:count]) for count in range(2, 60)}) == 58
    assert all(len(comparison_name(ids[:count]).encode()) <= 120 for count in range(2, 60))


def test_a_run_without_an_epoch_is_not_found_and_nothing_is_written(tmp_path) -> None:
    run = make_run(tmp_path, epochs=0, status="failed", files=False)
    with pytest.raises(NotFound, match="no epoch to plot; it is failed"):
        plot_run(run, SMALL)
    assert not run.plots.exists()


def test_a_live_run_without_an_epoch_says_that_it_is_early(tmp_path) -> None:
    run = make_run(tmp_path, epochs=0, status="running", files=False)
    with pytest.raises(NotFound, match="no finished epoch yet"):
        plot_run(run, SMALL)


def test_a_live_run_is_drawn_as_far_as_it_is(tmp_path) -> None:
    assert plot_run(make_run(tmp_path, epochs=2, status="running"), SMALL).stat().st_size > 1000


def test_a_run_without_an_epoch_is_left_out_of_a_comparison(tmp_path) -> None:
    full, empty = make_run(tmp_path), make_run(tmp_path, epochs=0, status="failed")
    picture = plot_curves([full, empty], Request(), SMALL, plots_root=tmp_path)
    assert picture.runs == (full,)
    assert picture.left_out == (f"run {empty.label} has no epoch to plot; it is failed: left out",)


def test_a_run_without_the_metric_is_left_out_of_a_comparison(tmp_path) -> None:
    full, other = make_run(tmp_path), make_run(tmp_path)
    other.history_file.write_text("epoch,step,seconds,learning_rate,mae\n1,1,1,0.1,0.5\n")
    picture = plot_curves([full, other], Request(metrics=("loss",)), SMALL, plots_root=tmp_path)
    assert picture.runs == (full,)
    assert picture.left_out == (f"run {other.label} has no metric 'loss': left out",)


@pytest.mark.parametrize("name", ["x.jpg", "x", "-", "x.", ".png"])
def test_an_unknown_format_is_a_usage_error_before_anything_is_drawn(tmp_path, name) -> None:
    with pytest.raises(ConfigError, match="cannot tell a figure format"):
        plot_curves([make_run(tmp_path)], Request(), SMALL, plots_root=tmp_path, out=Path(name))


def test_a_directory_that_cannot_be_made_is_a_usage_error_and_leaves_nothing(tmp_path) -> None:
    run = make_run(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write"):
        plot_curves([run], Request(), SMALL, plots_root=tmp_path, out=tmp_path / "file" / "x.png")


def test_a_directory_in_the_files_place_stays_and_no_temporary_file_is_left(tmp_path) -> None:
    run = make_run(tmp_path)
    (tmp_path / "x.png").mkdir()
    with pytest.raises(ConfigError, match="cannot write"):
        plot_curves([run], Request(), SMALL, plots_root=tmp_path, out=tmp_path / "x.png")
    assert not list(tmp_path.glob(".x*"))


def test_a_full_disk_leaves_the_old_picture_whole(tmp_path, monkeypatch) -> None:
    from matplotlib.figure import Figure

    run = make_run(tmp_path)
    before = plot_run(run, SMALL).read_bytes()

    def full(self, file, **settings) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(ConfigError, match="No space left"):
        plot_run(run, SMALL)
    assert (run.plots / "training_history.png").read_bytes() == before
    assert len(list(run.plots.iterdir())) == 1


def test_a_link_among_the_plots_is_not_followed(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run.plots.parent.mkdir()
    run.plots.symlink_to(elsewhere)
    with pytest.raises(Refused, match="is a link"):
        plot_run(run, SMALL)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_out_goes_through_a_pipe_and_a_link_and_leaves_them_there(tmp_path, form: str) -> None:
    run = make_run(tmp_path)
    pipe, link = tmp_path / f"pipe.{form}", tmp_path / f"link.{form}"
    os.mkfifo(pipe)
    link.symlink_to(f"target.{form}")
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        plot_curves([run], Request(), SMALL, plots_root=tmp_path, out=pipe)
        piped = reader.communicate()[0]
    plot_curves([run], Request(), SMALL, plots_root=tmp_path, out=link)
    assert (pipe.is_fifo(), link.is_symlink()) == (True, True)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    assert piped.startswith(start)
    assert link.read_bytes().startswith(start)


def test_a_link_in_the_place_of_a_runs_own_figure_is_replaced(tmp_path) -> None:
    run = make_run(tmp_path, files=False)
    run.plots.mkdir(parents=True)
    (tmp_path / "mine").write_text("mine")
    (run.plots / "training_history.png").symlink_to(tmp_path / "mine")
    plot_run(run, SMALL)
    assert not (run.plots / "training_history.png").is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_figure_of_too_many_pixels_is_a_usage_error(tmp_path) -> None:
    from matplotlib.figure import Figure

    with pytest.raises(ConfigError, match="96000 x 1200 pixels"):
        save_figure(Figure(figsize=(80, 1)), tmp_path / "x.png", 1200)


def test_matplotlibs_remarks_are_hushed_unless_somebody_chose_a_level(tmp_path, monkeypatch) -> None:
    logger = logging.getLogger("matplotlib")
    run = make_run(tmp_path)
    for before, after in ((logging.NOTSET, logging.ERROR), (logging.INFO, logging.INFO)):
        monkeypatch.setattr(logger, "level", before)
        plot_run(run, SMALL)
        assert logger.level == after


def test_names_that_no_font_can_draw_are_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tbcli.figures.lettering.missing_fonts", lambda texts: f"lacking: {', '.join(texts)}")
    result = plot_kinds([make_run(tmp_path, name="mïne")], ["history"], SMALL, plots_root=tmp_path)
    assert result.left_out == ["lacking: , mïne, mïne, accuracy, loss, mïne"]


def test_runs_inside_one_log_directory_are_all_drawn_and_each_has_a_place_of_its_own(tmp_path) -> None:
    for version in "abc":
        write(tmp_path / "other" / version, *curve("loss", [1, 2]))
    places = [LogDirectory(name, tmp_path / "other", name) for name in "abc"]

    def drawn(*chosen: LogDirectory) -> tuple[str, list[str]]:
        picture = plot_curves(chosen, Request(), SMALL, plots_root=tmp_path / "plots")
        return picture.path.parent.name, picture.run_names

    assert drawn(places[0]) == ("a", ["a"])
    assert drawn(places[0], places[1]) == ("compare-a+b", ["a", "b"])
    assert drawn(places[2]) == ("c", ["c"])
