"""TensorBoard's web files, packed for the browser when it asks for one.

TensorBoard itself unpacks and packs all 94 of them, 14 MB, before it starts to serve: a fifth of our start.
"""

from __future__ import annotations

import functools
import gzip
import io
import mimetypes
import re
import zipfile
from collections.abc import Callable
from typing import IO, Any

_PAGE = "index.html"
_HASHED_FILES_SECONDS = 86_400  # the page asks for scripts by their hash, so a browser may keep them
_EXPERIMENT = re.compile(r"^/(experiment|compare)/[^/]*")  # prefixes of the path that TensorBoard understands


class Assets:
    """The archive of web files: what TensorBoard must be given, and the rest as a layer around its application."""

    def __init__(self, open_archive: Callable[[], IO[bytes]]) -> None:
        self._archive = zipfile.ZipFile(open_archive())
        self._names = frozenset(self._archive.namelist()) - {_PAGE}
        self._packed = functools.lru_cache(maxsize=None)(self._pack)

    def page(self) -> IO[bytes]:
        """Return an archive of the start page alone, which TensorBoard completes as it serves it."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(_PAGE, self._archive.read(_PAGE))
        content.seek(0)
        return content

    def around(self, application: Any, path_prefix: str) -> Any:
        """Return a WSGI application that answers for the web files and leaves everything else to `application`."""
        from tensorboard.backend.http_util import Respond
        from werkzeug.wrappers import Request

        def answer(environ: dict[str, Any], start_response: Any) -> Any:
            path = str(environ.get("PATH_INFO", ""))
            name = _EXPERIMENT.sub("", path.removeprefix(path_prefix)).removeprefix("/")
            if name not in self._names or not path.startswith(f"{path_prefix}/"):
                return application(environ, start_response)
            request = Request(environ)
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            expires = _HASHED_FILES_SECONDS if request.args.get("_file_hash") and kind.endswith("javascript") else 0
            response = Respond(request, self._packed(name), kind, content_encoding="gzip", expires=expires)
            return response(environ, start_response)

        return answer

    def _pack(self, name: str) -> bytes:
        return gzip.compress(self._archive.read(name), compresslevel=3, mtime=0)

    def close(self) -> None:
        """Let go of the archive's file."""
        self._archive.close()
