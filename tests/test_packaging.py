"""The wheel carries all that a user needs, and works where there is no checkout."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import tbcli

CHECKOUT = Path(__file__).parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]


def run(*argv: str | Path, cwd: Path) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_version_is_the_same_in_the_project_and_in_the_package() -> None:
    assert PROJECT["version"] == tbcli.__version__


def test_every_dependency_is_pinned_in_the_constraints() -> None:
    pinned = {
        line.partition("==")[0].lower()
        for line in (CHECKOUT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    extras = [name for names in PROJECT["optional-dependencies"].values() for name in names]
    named = {name.partition(">")[0].partition("<")[0].lower() for name in (*PROJECT["dependencies"], *extras)}
    assert named <= pinned


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_wheel_in_an_empty_environment_trains_away_from_the_checkout(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    constraints = CHECKOUT / "constraints.txt"
    run(*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, CHECKOUT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"tbcli/data/mnist.npz", "tbcli/data/MNIST_NOTICE.md", "tbcli/py.typed", "tbcli/help/settings.md"} <= set(
        names
    )
    assert not [name for name in names if name.startswith("tests")]

    run(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run(
        python,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "--constraint",
        constraints,
        wheel,
        cwd=tmp_path,
    )
    away = tmp_path / "away"
    away.mkdir()
    command = tmp_path / "env" / "bin" / "tbcli"
    run_id = run(command, "train", "--quiet", "--epochs", "1", "--limit-samples", "600", cwd=away).strip()
    assert (away / "models" / run_id / "mnist_cnn_model.keras").is_file()
    assert run(command, "plot", run_id, cwd=away).strip() == f"plots/{run_id}/training_history.png"
