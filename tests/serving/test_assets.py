from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from werkzeug.test import Client

from tbcli.serving.assets import Assets

FILES = {"index.html": "<p>page</p>", "index.js": "let one = 1;" * 50, "font/a.woff2": "font"}


def archive() -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        for name, text in FILES.items():
            files.writestr(name, text)
    return io.BytesIO(content.getvalue())


def inner(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"TensorBoard: {environ['PATH_INFO']}".encode()]


def client(path_prefix: str = "") -> Client:
    return Client(Assets(archive).around(inner, path_prefix))


def test_tensorboard_is_given_the_page_alone() -> None:
    with zipfile.ZipFile(Assets(archive).page()) as page:
        assert page.namelist() == ["index.html"]
        assert page.read("index.html").decode() == FILES["index.html"]


@pytest.mark.parametrize(
    ("prefix", "path"), [("", "/index.js"), ("/tb", "/tb/index.js"), ("", "/experiment/defaultId/index.js")]
)
def test_a_web_file_is_served_packed(prefix: str, path: str) -> None:
    response = client(prefix).get(path, headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "javascript" in response.headers["Content-Type"]
    unpacked = client(prefix).get(path)
    assert unpacked.text == FILES["index.js"]
    assert len(response.data) < len(unpacked.data)


@pytest.mark.parametrize(
    ("prefix", "path"), [("", "/"), ("", "/index.html"), ("", "/data/runs"), ("/tb", "/index.js"), ("", "/../index.js")]
)
def test_everything_else_is_left_to_tensorboard(prefix: str, path: str) -> None:
    assert client(prefix).get(path).text == f"TensorBoard: {path}"


def test_only_scripts_named_by_their_hash_are_kept_by_browsers() -> None:
    assert "max-age=86400" in client().get("/index.js?_file_hash=7").headers["Cache-Control"]
    assert "max-age" not in client().get("/index.js").headers.get("Cache-Control", "")
    assert "max-age" not in client().get("/font/a.woff2?_file_hash=7").headers.get("Cache-Control", "")
