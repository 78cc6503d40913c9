"""Images are decoded once, and the same whether they are kept on disk, in memory or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tbcli.config import DataConfig
from tbcli.data import image_store
from tbcli.data.drawn_images import DrawnImages
from tbcli.data.folders import arrange
from tbcli.data.image_files import Folder
from tbcli.data.image_store import Pixels, choose_size, keep_pixels
from tbcli.data.pixels import ImageHeader
from tbcli.data.raw_cache import RawWriter, raw_cache_directory
from tbcli.data.telling import progress_to
from tbcli.errors import DoesNotFit, TrainingFailed
from tests.data.pictures import encoded, make_photos, picture

CACHES = ("disk", "memory", "no", "auto")
EVERY = pytest.mark.parametrize("cache", CACHES)


def kept(root: Path, **settings: object) -> Pixels:
    files = Folder(root)
    entries = [entry for pairs in arrange(files, str(root)).splits.values() for entry, _ in pairs]
    return keep_pixels(files, entries, DataConfig(**settings), "photos", root)  # type: ignore[arg-type]


def cached_files() -> list[Path]:
    return sorted(raw_cache_directory().glob("*"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the images that are decoded."""
    counts = [0]
    real = image_store.decode_image

    def counting(*arguments: object) -> np.ndarray:
        counts[0] += 1
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(image_store, "decode_image", counting)
    return counts


@EVERY
def test_pixels_are_those_of_the_files_in_their_order(photos: Path, cache: str) -> None:
    pixels = kept(photos, cache=cache)
    assert pixels.inputs.shape == (10, 12, 16, 3)
    assert pixels.inputs.dtype == np.uint8
    for position, (number, label) in enumerate((number, label) for label in (0, 1) for number in range(5)):
        expected = np.asarray(picture(3 * number + label))
        assert np.array_equal(pixels.inputs[np.array([position])][0], expected)
    assert pixels.inputs[np.array([3, 1, 3])].shape == (3, 12, 16, 3)
    assert len(pixels.inputs[4:]) == 6
    assert pixels.kept.tolist() == list(range(10))


def test_on_disk_the_second_time_nothing_is_decoded(photos: Path, decoded: list[int]) -> None:
    first = kept(photos, cache="disk")
    assert decoded == [10]
    for cache in ("disk", "auto"):
        again = kept(photos, cache=cache)
        assert np.array_equal(first.inputs, again.inputs)
        assert again.notes == first.notes
    assert decoded == [10]


def test_it_says_where_the_pixels_are_and_how_big(photos: Path) -> None:
    (note,) = kept(photos, cache="disk").notes
    (path,) = cached_files()
    assert note == f"decoded images are in {path} (5.9 kB)"


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "cats" / "9.png").write_bytes(encoded(picture(9))),
        lambda root: (root / "cats" / "0.png").unlink(),
        lambda root: (root / "cats" / "0.png").write_bytes(encoded(picture(50))),
        lambda root: os.utime(root / "cats" / "0.png", (1, 1)),
        lambda root: (root / "cats" / "0.png").rename(root / "cats" / "7.png"),
    ],
)
def test_pixels_of_changed_files_are_never_used(
    photos: Path, decoded: list[int], change: Callable[[Path], object]
) -> None:
    kept(photos, cache="disk")
    before = decoded[0]
    change(photos)
    pixels = kept(photos, cache="disk")
    assert decoded[0] > before
    assert len(pixels.inputs) == len(list(photos.glob("*/*.png")))
    assert len(cached_files()) == 1


def test_other_sizes_and_colours_are_kept_beside_each_other(photos: Path, decoded: list[int]) -> None:
    for _ in range(2):
        assert kept(photos, cache="disk", image_size="8").inputs.shape == (10, 8, 8, 3)
        assert kept(photos, cache="disk", image_size="4x6").inputs.shape == (10, 4, 6, 3)
        assert kept(photos, cache="disk", color="grey").inputs.shape == (10, 12, 16, 1)
    assert decoded == [30]


def test_with_auto_big_ones_go_to_the_disk(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(photos).notes == ()
    monkeypatch.setattr(image_store, "SMALL_BYTES", 100)
    assert "decoded images are in" in kept(photos).notes[0]


def test_grey_images_have_one_channel_unless_one_has_colours(tmp_path: Path) -> None:
    root = make_photos(tmp_path)
    for path in root.glob("*/*.png"):
        path.write_bytes(encoded(picture(grey=True)))
    assert kept(root).inputs.shape[-1] == 1
    assert kept(root, color="rgb").inputs.shape[-1] == 3
    (root / "cats" / "0.png").write_bytes(encoded(picture()))
    assert kept(root).inputs.shape[-1] == 3


@EVERY
def test_a_broken_image_is_skipped_and_named(photos: Path, cache: str) -> None:
    (photos / "cats" / "1.png").write_bytes(b"")
    content = encoded(picture(1, (60, 60)))
    (photos / "dogs" / "2.png").write_bytes(content[: len(content) // 2])
    (photos / "dogs" / "away.png").symlink_to(photos / "nowhere.png")
    for _ in range(2):
        pixels = kept(photos, cache=cache, image_size="12x16")
        assert len(pixels.inputs) == 8
        assert pixels.kept.tolist() == [0, 2, 3, 4, 5, 6, 8, 9]
        assert np.array_equal(pixels.inputs[np.array([1])][0], np.asarray(picture(6)))
        note = pixels.notes[-1]
        assert note.startswith("3 broken images skipped: 'cats/1.png' (it is empty), 'dogs/2.png' (")
        assert "'dogs/away.png' (No such file or directory)" in note


@EVERY
def test_strict_fails_at_a_broken_image_also_of_pixels_that_are_kept(photos: Path, cache: str) -> None:
    (photos / "cats" / "1.png").write_bytes(b"text")
    kept(photos, cache=cache)
    with pytest.raises(DoesNotFit, match=r"image 'cats/1.png' is broken: it is not an image") as caught:
        kept(photos, cache=cache, strict=True)
    assert "--strict" in caught.value.hint


@EVERY
@pytest.mark.parametrize("size", ["", "8"])
def test_nothing_but_broken_images_is_an_error(photos: Path, cache: str, size: str) -> None:
    for path in photos.glob("*/*.png"):
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DoesNotFit, match=r"all 10 images are broken: 'cats/0\.png'"):
        kept(photos, cache=cache, image_size=size)
    assert not cached_files()


def test_a_full_disk_falls_back_to_memory_and_says_so(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RawWriter, sample: np.ndarray) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RawWriter, "add", full)
    pixels = kept(photos, cache="disk")
    assert np.array_equal(pixels.inputs[0], np.asarray(picture(0)))
    assert "No space left on device" in pixels.notes[0]
    monkeypatch.setattr(image_store, "available_memory", lambda: 100)
    with pytest.raises(TrainingFailed, match=r"no room for decoded images: cannot write 5,760 bytes to .*: No space"):
        kept(photos, cache="disk")
    monkeypatch.setattr(image_store, "SMALL_BYTES", 100)
    pixels = kept(photos)
    assert isinstance(pixels.inputs, DrawnImages)
    assert "images are decoded at each draw: cannot write" in pixels.notes[0]
    with pytest.raises(TrainingFailed, match="5,760 bytes of decoded images do not fit in memory"):
        kept(photos, cache="memory")


def test_a_disk_is_not_filled_to_the_brim(photos: Path, monkeypatch: pytest.MonkeyPatch, decoded: list[int]) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5_000))
    assert "decoded images are in memory" in kept(photos, cache="disk").notes[0]
    assert decoded == [10]


def test_an_image_that_is_gone_when_it_is_drawn_is_named(photos: Path) -> None:
    pixels = kept(photos, cache="no")
    (photos / "cats" / "0.png").unlink()
    with pytest.raises(DoesNotFit, match=r"image 'cats/0\.png' cannot be read any more"):
        pixels.inputs[np.array([0])]
    assert isinstance(pixels.inputs[1:], DrawnImages)


def test_it_tells_how_far_it_is(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with progress_to(told.append):
        kept(photos, cache="memory")
    assert told == []  # done in a blink
    monkeypatch.setattr("tbcli.data.telling.SECONDS", 0)
    with progress_to(told.append):
        kept(photos, cache="disk")
    assert told == [f"{what} {number} of 10 images" for what in ("Looking at", "Decoding") for number in range(1, 11)]
    kept(photos)
    assert len(told) == 20


@pytest.mark.parametrize(
    ("sizes", "expected", "note"),
    [
        ([(28, 28)], (28, 28), ""),
        ([(256, 200)] * 3, (256, 200), ""),
        ([(3000, 4000)] * 3, (96, 128), "images of 3000x4000 (height x width) scaled to 96x128"),
        ([(1, 9000)], (1, 128), "images of 1x9000"),
        ([(40, 60), (50, 45), (90, 30)], (40, 40), "images of 50x45 to 90x30 (height x width) scaled to 40x40"),
        ([(40, 30), (30, 40)], (30, 30), "images of 30x40 to 40x30 (height x width) scaled to 30x30"),
        ([(300, 400), (4000, 3000)], (128, 128), "images of 300x400 to 4000x3000 (height x width) scaled to 128x128"),
    ],
)
def test_a_size_is_chosen_by_the_images_and_it_is_said(
    sizes: list[tuple[int, int]], expected: tuple[int, int], note: str
) -> None:
    size, said = choose_size([ImageHeader(height, width, is_grey=False) for height, width in sizes])
    assert size == expected
    assert said.startswith(note)
    assert bool(said) == bool(note)
    assert not said or "`--image-size`" in said
