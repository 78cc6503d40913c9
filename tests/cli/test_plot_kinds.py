"""`tbcli plot --kind`: paths on stdout, what is missing on stderr, and never TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tbcli.cli.app import app
from tbcli.runs import Run
from tests.events.records import event, tensor, write
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions

STEMS = [
    "training_history", "summary", "confusion_matrix", "pr_curves", "roc_curves", "calibration", "gradients",
    "embedding_pca", "mistakes",
]  # fmt: skip
KINDS = ["history", "summary", "confusion", "pr", "roc", "calibration", "gradients", "embedding", "mistakes"]


def full_run(place: Path) -> Run:
    run, told = make_run(place, files=False), predictions(np.arange(50) % 5, 5)
    random = np.random.default_rng(3)
    keep_evidence(run, told, features=random.normal(size=(50, 4)), pictures=np.zeros((50, 4, 4, 1), np.uint8))
    write(run.logs / "train", *(event(epoch, tensor("gradients/out", np.float32(epoch))) for epoch in (1, 2)))
    return run


def plot(workspace: Path, *words: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(app, ["plot", *words, "--workspace", str(workspace), "--dpi", "40"])
    assert result.exit_code == expect, result.output
    return result


def test_all_prints_a_path_a_line_in_the_order_of_the_kinds(tmp_path: Path) -> None:
    run = full_run(tmp_path)
    result = plot(tmp_path, "--kind", "all")
    assert result.stdout.splitlines() == [str(run.plots / f"{stem}.png") for stem in STEMS]
    assert result.stderr == ""
    assert all(Path(line).is_file() for line in result.stdout.splitlines())


def test_all_of_an_interrupted_run_is_its_history_and_words_on_stderr(tmp_path: Path) -> None:
    run = make_run(tmp_path, status="interrupted", files=False)
    result = plot(tmp_path, "--kind", "all")
    assert result.stdout.splitlines() == [str(run.plots / f"{stem}.png") for stem in STEMS[:2]]
    told = result.stderr.splitlines()
    assert len(told) == 3
    assert "no confusion, pr, roc, calibration, embedding, mistakes: run" in told[0]
    assert "has recorded no gradients" in told[1]
    assert "the summary has no predictions" in told[2]


def test_the_document_tells_kind_and_path_of_each_and_what_is_missing(tmp_path: Path) -> None:
    run = full_run(tmp_path)
    (run.logs / "train" / "events.out.tfevents.0.host").unlink()
    document = json.loads(plot(tmp_path, "--kind", "all", "--json").stdout)
    kinds = [kind for kind in KINDS if kind != "gradients"]
    assert {one["name"] for one in document.pop("curves")} == set(document.pop("tags"))
    assert document == {
        "schema": 2,
        "paths": [str(run.plots / f"{stem}.png") for stem in STEMS if stem != "gradients"],
        "kinds": kinds,
        "runs": [run.id],
        "metrics": ["accuracy", "loss"],
        "left_out": [f"no gradients: run {run.id} has recorded no gradients"],
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--kind", "confuson"], 2, "did you mean 'confusion'"),
        (["--kind", "confusion"], 3, "has no evidence"),
        (["--kind", "gradients"], 3, "--record gradients"),
        (["--kind", "all", "--out", "x.png"], 2, "--out names one file"),
        (["--kind", "pr", "--metric", "loss"], 2, "--metric only applies to the history"),
    ],
)
def test_a_mistake_is_two_lines_and_its_code(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    make_run(tmp_path, files=False)
    result = CliRunner().invoke(app, ["plot", "--workspace", str(tmp_path), *words])
    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert result.stdout == ""


def test_no_kind_loads_tensorflow_or_pyplot(tmp_path: Path) -> None:
    full_run(tmp_path)
    script = (
        "import sys\nfrom tbcli.cli.app import app\n"
        "try:\n    app(['plot', '--kind', 'all', '--dpi', '40'])\n"
        "except SystemExit as left:\n    assert not left.code\n"
        "heavy = {'tensorflow', 'keras', 'tensorboard.program', 'matplotlib.pyplot', 'sklearn', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == len(KINDS) + 1
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_is_missing_is_said_before_matplotlib_is_loaded(tmp_path: Path) -> None:
    make_run(tmp_path)
    script = (
        "import sys\nfrom tbcli.cli.app import app\n"
        "try:\n    app(['plot', '--kind', 'mistakes'])\nexcept SystemExit as left:\n    assert left.code == 3\n"
        "print({'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_size_and_theme_reach_the_file(tmp_path: Path) -> None:
    full_run(tmp_path)
    for kind in ("history", "confusion", "summary"):
        path = plot(tmp_path, "--kind", kind, "--size", "10x7", "--theme", "dark").stdout.strip()
        with Image.open(path) as picture:
            assert picture.size == (400, 280)
            assert picture.convert("RGB").getpixel((1, 1)) == (0x1B, 0x1D, 0x21)


def test_the_confusions_of_two_runs_are_subtracted(tmp_path: Path) -> None:
    one, two = full_run(tmp_path), full_run(tmp_path)
    result = plot(tmp_path, one.id, two.id, "--kind", "confusion")
    assert result.stdout.strip().endswith("confusion_difference.png")
    assert result.stderr == ""
