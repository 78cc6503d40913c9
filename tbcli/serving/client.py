"""A TensorBoard asked over HTTP, as its own page asks it."""

from __future__ import annotations

import http.client
import json
import urllib.parse
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}


class NoAnswer(Exception):  # noqa: N818 - reads as what it says at the raise
    """A question that TensorBoard did not answer; the message says how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    content: bytes

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.content)

    def json(self) -> Any:
        """Return it as a document.

        Raises:
            NoAnswer: The answer is not JSON.
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise NoAnswer("does not answer in JSON") from error


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one TensorBoard.

    Args:
        url: Where it is, its path prefix included.
        seconds: How long to wait for an answer.
        token: What it asks visitors for, if anything.
    """

    url: str
    seconds: float = 60.0
    token: str = field(default="", repr=False)

    def get(self, path: str, **query: str | int) -> Answer:
        """Return the answer to a path below ``data/``.

        Raises:
            NoAnswer: Nobody listens, or the answer is an error.
        """
        return self._asked("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path)

    def post(self, path: str, document: Mapping[str, Any]) -> Answer:
        """Return the answer to a JSON document.

        Raises:
            NoAnswer: Nobody listens, or the answer is an error.
        """
        return self._asked("POST", path, json.dumps(document), _JSON)

    def post_form(self, path: str, **fields: str) -> Answer:
        """Return the answer to a form.

        Raises:
            NoAnswer: Nobody listens, or the answer is an error.
        """
        return self._asked("POST", path, urllib.parse.urlencode(fields), _FORM)

    def _asked(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        place = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=self.seconds)
        credentials = {"Authorization": f"Bearer {self.token}".encode()} if self.token else {}
        try:
            connection.request(method, f"{place.path}data/{path}", body, {**(headers or {}), **credentials})
            response = connection.getresponse()
            content = _unpacked(response.read(), response.getheader("Content-Encoding", ""))
        except (OSError, http.client.HTTPException, zlib.error) as error:
            raise NoAnswer(f"does not answer: {error!r}") from error
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            said = " ".join(content[:200].decode(errors="replace").split())
            raise NoAnswer(f"answers {response.status}: {said}")
        return Answer(content)


def _unpacked(content: bytes, encoding: str) -> bytes:
    """Return what was sent; the profile plugin packs it though nobody asked for that."""
    return zlib.decompress(content, zlib.MAX_WBITS | 32) if encoding in ("gzip", "deflate") else content
