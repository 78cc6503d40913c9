"""A folder of images from the command line: every bad one ends with its sentence and code, a good one is trained on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.data.pictures import encoded, make_photos, picture

Cli = Callable[..., Result]
PICTURE = encoded(picture())


@pytest.fixture
def places(workspace: Path) -> Path:
    """One folder of each kind that cannot be trained on, and a good one."""
    make_photos(workspace / "photos", ("big cats", "犬"), count=10)
    make_photos(workspace / "one", ("cats",))
    make_photos(workspace / "single", count=1)
    make_photos(workspace / "broken")
    for path in workspace.glob("broken/*/*"):
        path.write_bytes(PICTURE[:60])
    for name in ("flat/1.png", "lone/cats/1.png", "lone/dogs/", "empty/", "tests/test/a/1.png", "tests/test/b/1.png"):
        path = workspace / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(PICTURE)
    (workspace / "photos" / "data.yaml").touch()
    (workspace / "no.zip").write_bytes(b"zip")
    (workspace / "photos" / "big cats" / "torn.png").write_bytes(PICTURE[:60])
    return workspace


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere"], 3, "there is no '{}/nowhere'"),
        (["photo"], 3, "holds"),
        (["flat"], 4, "the images in '{}/flat' are not sorted into classes"),
        (["one"], 4, "only one class in '{}/one': 'cats'"),
        (["lone"], 4, "no images for class 'dogs' in '{}/lone'"),
        (["empty"], 4, "no images in '{}/empty'"),
        (["tests"], 4, "'{}/tests' has 'test' but no 'train'"),
        (["broken"], 4, "all 10 images are broken: 'cats/0.png' ("),
        (["single"], 4, "2 samples cannot be split"),
        (["no.zip"], 4, "cannot read the zip '{}/no.zip'"),
        (["photos/data.yaml"], 4, "`--data {}/photos` for the folder of images"),
        (["photos/犬/1.png"], 4, "`--data {}/photos` for the folder of images"),
        (["photos", "--strict"], 4, "image 'big cats/torn.png' is broken"),
        (["photos", "--image-size", "0"], 2, "--image-size"),
        (["photos", "--color", "gray"], 2, "did you mean 'grey'"),
        (["photos", "--cache", "ram"], 2, "--cache"),
        (["photos", "--augment", "flip,zom"], 2, "did you mean 'zoom'"),
    ],
)
def test_what_cannot_be_trained_on_says_so_and_leaves_no_run(
    cli: Cli, places: Path, words: list[str], code: int, said: str
) -> None:
    source, *options = words
    result = cli("train", "--data", source, *options)
    assert result.exit_code == code
    assert said.format(places) in result.stderr
    assert result.stdout == ""
    assert not (places / "logs").exists()


def test_numbers_cannot_be_augmented(cli: Cli, workspace: Path) -> None:
    (workspace / "t.csv").write_text("a,b,y\n" + "".join(f"{n},{n * n},{'uv'[n % 2]}\n" for n in range(60)))
    result = cli("train", "--data", "t.csv", "--target", "y", "--augment", "flip")
    assert result.exit_code == 4
    assert "--augment flip is for images, but a sample has the shape (2,)" in result.stderr


def test_what_was_understood_is_shown_before_training(cli: Cli, places: Path) -> None:
    result = cli("data", "photos", "--out", "grid.png", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert "犬" in result.stdout or "\\u72ac" in result.stdout
    assert "1 broken image skipped: 'big cats/torn.png'" in str(document)
    assert (places / "grid.png").read_bytes().startswith(b"\x89PNG")


def test_looking_at_images_needs_no_tensorflow(places: Path) -> None:
    program = (
        "import sys\nfrom tbcli.cli.app import app\ntry:\n    app()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    argv = [sys.executable, "-c", program, "data", "photos"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "matplotlib"} & set(done.stderr.split())


@pytest.mark.tf
@pytest.mark.parametrize("cache", ["disk", "no"])
def test_a_zip_is_trained_on_and_what_was_done_is_told(cli: Cli, places: Path, cache: str) -> None:
    shutil.make_archive("my photos", "zip", places / "photos")
    words = ["--epochs", "1", "--augment", "flip,rotate", "--record", "off", "--no-plots", "--cache", cache]
    result = cli("train", "--data", "my photos.zip", *words)
    assert result.exit_code == 0, result.stderr
    assert "held out of 20 training samples: 2 for validation, 2 for test, each class in proportion" in result.stderr
    assert "1 broken image skipped: 'big cats/torn.png'" in result.stderr
    assert ("decoded images are in" in result.stderr) == (cache == "disk")
    run = result.stdout.strip()
    assert list((places / "models" / run).glob("my-photos_*_model.keras"))
    config = json.loads((places / "logs" / run / "config.json").read_text())
    assert config["data"]["source"] == str(places / "my photos.zip")
