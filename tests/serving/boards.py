"""A TensorBoard of a few canned answers, asked without HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from tbcli.serving.client import Answer, Client, NoAnswer
from tbcli.serving.dashboards import DASHBOARDS

Query = Mapping[str, Any]


class Board(Client):
    """Answers from ``{path: document, bytes, or what makes them of the question}``; to all else with an error."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__("http://nowhere/")
        object.__setattr__(self, "answers", answers)

    def get(self, path: str, **query: str | int) -> Answer:
        return self._answer(path.partition("?")[0], query)

    def post(self, path: str, document: Query) -> Answer:
        return self._answer(path, document)

    def post_form(self, path: str, **fields: str) -> Answer:
        return self._answer(path, fields)

    def _answer(self, path: str, query: Query) -> Answer:
        answers: Mapping[str, Any] = getattr(self, "answers")  # noqa: B009 - the fake's own, which Client does not have
        if path not in answers:
            raise NoAnswer(f"answers 404: {path}")
        said = answers[path]
        said = said(query) if isinstance(said, Callable) else said  # type: ignore[arg-type]
        return Answer(said if isinstance(said, bytes) else json.dumps(said).encode())


def listing(*without: str, hidden: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return ``plugins_listing`` with every tab offered but some."""
    return {name: {"enabled": name not in hidden} for name in DASHBOARDS if name not in without}


def png(width: int = 4, height: int = 4, *, plain: bool = False) -> bytes:
    """Return a picture, of two colours unless plain."""
    image = Image.new("RGB", (width, height))
    if not plain:
        image.putpixel((0, 0), (255, 255, 255))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
