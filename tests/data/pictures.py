"""Folders of small images for tests."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def picture(number: int = 0, size: tuple[int, int] = (12, 16), grey: bool = False) -> Image.Image:
    """Return a picture of height and width in which one quarter has a colour of its own."""
    pixels = np.random.default_rng(number).integers(0, 60, (*size, 3), dtype=np.uint8)
    pixels[: size[0] // 2, : size[1] // 2, number % 3] += 160
    return Image.fromarray(pixels).convert("L" if grey else "RGB")


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """Return an image as a file's content."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def make_photos(
    root: Path, classes: Sequence[str] = ("cats", "dogs"), count: int = 5, size: tuple[int, int] = (12, 16)
) -> Path:
    """Write so many PNG images of each class and return the folder."""
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / name / f"{number}.png").write_bytes(encoded(picture(3 * number + label, size)))
    return root
