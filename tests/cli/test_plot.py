import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tbcli.cli.app import app
from tests.fakes import SOME_MOMENT, make_run

FAST = ["--dpi", "40"]


def plot(workspace: Path, *words: str, expect: int = 0):
    result = CliRunner().invoke(app, ["plot", *words, "--workspace", str(workspace), *FAST])
    assert result.exit_code == expect, result.output
    return result


def as_process(workspace: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tbcli", "plot", *words, *FAST]
    return subprocess.run(
        command, cwd=workspace, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )


def test_plot_draws_the_latest_run_and_prints_the_path_alone(tmp_path) -> None:
    make_run(tmp_path)
    latest = make_run(tmp_path, started=SOME_MOMENT.replace(hour=13))
    result = plot(tmp_path)
    assert result.stdout == f"{latest.plots / 'training_history.png'}\n"
    assert result.stderr == ""


def test_plot_overlays_runs_named_by_name_and_prefix(tmp_path) -> None:
    one = make_run(tmp_path, name="wide")
    two = make_run(tmp_path, started=SOME_MOMENT.replace(hour=13))
    path = Path(plot(tmp_path, "wide", two.id[:11]).stdout.strip())
    assert path == tmp_path / "plots" / f"compare-{one.id}+{two.id}" / "training_history.png"
    assert path.is_file()


def test_plot_as_json_is_one_document(tmp_path) -> None:
    run, empty = make_run(tmp_path), make_run(tmp_path, epochs=0, status="failed")
    result = plot(tmp_path, run.id, empty.id, "--metric", "loss", "--json", "--out", str(tmp_path / "x.svg"))
    assert json.loads(result.stdout) == {
        "schema": 2,
        "paths": [str(tmp_path / "x.svg")],
        "kinds": ["history"],
        "runs": [run.id],
        "metrics": ["loss"],
        "tags": {"loss": ["train/epoch_loss"], "val_loss": ["validation/epoch_loss"]},
        "curves": [
            {"run": run.id, "name": "loss", "last": 0.1, "best": 0.1, "best_at": "epoch 3", "n": 1},
            {"run": run.id, "name": "val_loss", "last": 0.08, "best": 0.08, "best_at": "epoch 3", "n": 1},
        ],
        "left_out": [f"run {empty.id} has no epoch to plot; it is failed: left out"],
    }
    assert "warning:" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--metric", "acuracy"], 3, "did you mean 'accuracy'"),
        (["nobody"], 3, "no run 'nobody'"),
        (["--out", "x.jpg"], 2, "cannot tell a figure format from the name 'x.jpg'"),
        (["--smooth", "1"], 2, "plot.smooth"),
        (["--dpi", "1"], 2, "plot.dpi"),
    ],
)
def test_a_mistake_is_two_lines_and_its_code(tmp_path, words, code, said) -> None:
    make_run(tmp_path)
    result = CliRunner().invoke(app, ["plot", "--workspace", str(tmp_path), *words])
    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert result.stdout == ""


def test_plot_without_any_run_says_how_to_make_one(tmp_path) -> None:
    assert "tbcli train" in plot(tmp_path, expect=3).stderr


def test_a_log_directory_without_scalars_is_not_found(tmp_path) -> None:
    (tmp_path / "foreign").mkdir()
    assert "has no scalars" in plot(tmp_path, str(tmp_path / "foreign"), expect=3).stderr


def test_a_run_may_be_named_by_its_path(tmp_path) -> None:
    run = make_run(tmp_path)
    assert plot(tmp_path, str(run.logs)).stdout == f"{run.plots / 'training_history.png'}\n"


def test_the_newest_of_one_name_is_taken_and_said(tmp_path) -> None:
    make_run(tmp_path, name="same")
    newest = make_run(tmp_path, name="same", started=SOME_MOMENT.replace(hour=13))
    result = plot(tmp_path, "same")
    assert newest.id in result.stdout
    assert newest.id in result.stderr
    assert plot(tmp_path, "same", "--quiet").stderr == ""


def test_open_hands_the_file_to_the_systems_viewer(tmp_path) -> None:
    run = make_run(tmp_path)
    viewer = tmp_path / "bin" / ("open" if sys.platform == "darwin" else "xdg-open")
    viewer.parent.mkdir()
    viewer.write_text('#!/bin/sh\necho noise\necho "$1" > seen\n')
    viewer.chmod(0o755)
    done = as_process(tmp_path, "--open", env={"PATH": f"{viewer.parent}:{os.environ['PATH']}"})
    shown = f"plots/{run.id}/training_history.png"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{shown}\n", "")
    assert (tmp_path / "seen").read_text().strip() == str((tmp_path / shown).resolve())


def test_open_without_a_viewer_warns_and_the_picture_is_there(tmp_path) -> None:
    make_run(tmp_path)
    done = as_process(tmp_path, "--open", env={"PATH": str(tmp_path)})
    assert done.returncode == 0
    assert "no viewer could be started" in done.stderr
    assert (tmp_path / done.stdout.strip()).is_file()


def test_a_backend_that_matplotlib_refuses_is_two_lines_and_not_a_traceback(tmp_path) -> None:
    make_run(tmp_path)
    done = as_process(tmp_path, env={"MPLBACKEND": "nonsense"})
    assert done.returncode == 2
    assert "MPLBACKEND" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_matplotlib_says_nothing_when_it_cannot_keep_its_cache(tmp_path) -> None:
    make_run(tmp_path)
    (tmp_path / "file").touch()
    done = as_process(tmp_path, env={"MPLCONFIGDIR": str(tmp_path / "file" / "below")})
    assert (done.returncode, done.stderr) == (0, "")


def test_plot_loads_neither_tensorflow_nor_pyplot(tmp_path) -> None:
    make_run(tmp_path)
    script = (
        "import sys\nfrom tbcli.cli.app import app\n"
        "try:\n    app(['plot', '--dpi', '40'])\nexcept SystemExit as left:\n    assert not left.code\n"
        "heavy = {'tensorflow', 'keras', 'tensorboard', 'matplotlib.pyplot', 'rich', 'pydantic', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_mistake_is_found_before_matplotlib_is_loaded(tmp_path) -> None:
    make_run(tmp_path)
    script = (
        "import sys\nfrom tbcli.cli.app import app\n"
        "try:\n    app(['plot', '--metric', 'acuracy'])\nexcept SystemExit as left:\n    assert left.code == 3\n"
        "print({'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
