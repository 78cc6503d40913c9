"""A real `tbcli serve` with a token, asked as an attacker asks: nothing is answered with data."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.events import write_scalars
from tests.serving.process import Serving, serving

TOKEN = "long-enough-to-be-a-secret"
DATA = ("epoch_loss", "secret-run", "stolen", "root:x")
RUNS = "/data/runs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    logs = tmp_path_factory.mktemp("attacked")
    write_scalars(logs / "secret-run", {"epoch_loss": [0.5]})
    (logs.parent / "outside.txt").write_text("stolen\n")
    for field, config in PROJECTOR.items():
        write_scalars(logs / field, {"loss": [0.5]})
        (logs / field / "good.tsv").write_text("1\t2\n")
        (logs / field / "link").symlink_to(logs.parent / "outside.txt")
        (logs / field / "projector_config.pbtxt").write_text(
            "".join(config % (name, path) for name, path in (("a", "../../outside.txt"), ("b", "link")))
            + config % ("c", logs.parent / "outside.txt")
        )
    with serving("--logdir", str(logs), environ={"TBCLI_SERVE_TOKEN": TOKEN}) as started:
        yield started


def ask(server: Serving, request: str, body: str = "") -> tuple[int, str]:
    """Send a request line and headers as they are; return status and the whole answer."""
    port = urllib.parse.urlsplit(server.url).port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"{request}\r\nConnection: close\r\n\r\n{body}".encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode("latin-1")
    return int(answer.split()[1]) if answer.startswith("HTTP/") else 0, answer


def lines(*headers: str, method: str = "GET", path: str = RUNS, token: bool = True) -> str:
    credentials = [f"Authorization: Bearer {TOKEN}"] if token else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", *headers, *credentials])


LOCAL = "Host: localhost:6006"
HOSTS = (
    "evil.example", "evil.example:6006", "localhost.evil.example", "localhost@evil.example", "a, localhost", "",
    "0.0.0.0", "192.0.2.7", "[::2]:6006", "127.0.0.1.evil.example",
)  # fmt: skip
ORIGINS = ("http://evil.example", "null", "http://localhost:1", "https://localhost", "file://", "http://localhost@evil")
METHODS = ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get")
PATHS = (
    "/", RUNS, "/index.html", "/index.js", "/data/environment", "/data/logdir", "/data/plugins_listing",
    "/data/plugin/scalars/tags", "/data/plugin/scalars/scalars?run=secret-run&tag=epoch_loss",
    "/data/plugin/projector/runs", "/data/plugin/hparams/download_data", "/experiment/x/data/runs",
    "/compare/a:b/data/runs", "//data/runs", "/./data/runs", "/data/../data/runs", "/data/runs?token=", "/nosuchpage",
    "/data/runs?token=wrong", "/data/runs?_file_hash=1",
)  # fmt: skip
PROJECTOR = {  # what it names, and the route that would show it
    "tensor": 'embeddings { tensor_name: "%s" tensor_path: "%s" }',
    "metadata": 'embeddings { tensor_name: "%s" tensor_path: "good.tsv" metadata_path: "%s" }',
    "bookmarks": 'embeddings { tensor_name: "%s" tensor_path: "good.tsv" bookmarks_path: "%s" }',
    "sprite_image": 'embeddings { tensor_name: "%s" tensor_path: "good.tsv" sprite { image_path: "%s" } }',
}
ASSETS = [(field, f"run={field}&name={name}") for field in PROJECTOR for name in "abc"]
ASSETS += [(field, f"run={run}&name=a") for field in PROJECTOR for run in ("..", "/etc", "metadata%2F..%2F..")]
REQUESTS = {
    **{f"{field} {query}": lines(LOCAL, path=f"/data/plugin/projector/{field}?{query}") for field, query in ASSETS},
    "web file": lines(LOCAL, path="/../../../../etc/passwd"),
    "quoted web file": lines(LOCAL, path="/%2e%2e/%2e%2e/etc/passwd"),
    **{
        f"Host {host!r} {method}": lines(f"Host: {host}", method=method) for host in HOSTS for method in ("GET", "POST")
    },
    "no Host": lines(),
    "two Hosts": lines(LOCAL, "Host: evil.example"),
    "whole address": lines(LOCAL, path="http://evil.example/data/runs"),
    "own whole address": lines("Host: evil.example", path="http://localhost/data/runs"),
    "forwarded": lines("Host: evil.example", "X-Forwarded-Host: localhost"),
    **{f"Origin {origin}": lines(LOCAL, f"Origin: {origin}", "Content-Length: 0", method="POST") for origin in ORIGINS},
    **{f"method {method}": lines(LOCAL, method=method) for method in METHODS},
    "huge body": lines(LOCAL, "Content-Length: 99999999999", method="POST"),
    "chunked body": lines(LOCAL, "Transfer-Encoding: chunked", method="POST"),
    **{f"no token {path}": lines(LOCAL, path=path, token=False) for path in PATHS},
    "wrong bearer": lines(LOCAL, "Authorization: Bearer wrong", token=False),
    "token as user": lines(LOCAL, f"Authorization: Basic {TOKEN}", token=False),
    "token as cookie": lines(LOCAL, f"Cookie: token={TOKEN}", token=False),
    "post without token": lines(LOCAL, "Content-Length: 0", method="POST", token=False),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_no_attack_is_answered_with_data(name: str, server: Serving) -> None:
    status, answer = ask(server, REQUESTS[name])
    assert 400 <= status < 502, answer
    assert not any(word in answer for word in DATA), answer
    assert "Access-Control" not in answer


def test_there_are_sixty_attacks_and_the_right_request_is_answered(server: Serving) -> None:
    assert len(REQUESTS) >= 60
    status, answer = ask(server, lines(LOCAL))
    assert status == 200
    assert "secret-run" in answer
    assert ask(server, lines(LOCAL, path="/data/plugin/projector/runs"))[0] == 200
    assert "warning: projector configuration" in server.stderr
    assert "metadata_path 'link' lies outside of its directory; left out" in server.stderr


def test_the_printed_url_opens_it(server: Serving) -> None:
    parts = urllib.parse.urlsplit(server.url)
    status, answer = ask(server, lines(LOCAL, path=f"{parts.path}?{parts.query}", token=False))
    assert status == 302
    cookie = re.search(r"Set-Cookie: ([^;]+)", answer)
    assert cookie
    assert ask(server, lines(LOCAL, f"Cookie: {cookie[1]}", token=False))[0] == 200


def test_with_a_token_there_is_no_second_port_nor_any_way_to_learn_it(server: Serving) -> None:
    assert server.children() == []
    inodes = {
        str(link.readlink())[8:-1] for link in Path(f"/proc/{server.process.pid}/fd").iterdir() if link.is_symlink()
    }
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{server.process.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in inodes
    ]
    assert len(listening) == 1
    assert TOKEN not in Path(f"/proc/{server.process.pid}/cmdline").read_text()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can act as another account")
def test_another_account_gets_nothing(server: Serving) -> None:
    port = urllib.parse.urlsplit(server.url).port
    code = (
        "import urllib.request, urllib.error\n"
        "try:\n"
        f"    print(urllib.request.urlopen('http://localhost:{port}/data/runs').status)\n"
        "except urllib.error.HTTPError as error:\n"
        "    print(error.code)\n"
        "try:\n"
        f"    print(open('/proc/{server.process.pid}/environ', 'rb').read())\n"
        "except PermissionError:\n"
        "    print('denied')\n"
    )
    setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run(
        [*setpriv, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )
    if done.returncode and "Permission denied" in done.stderr:
        pytest.skip("the interpreter is not executable for others")
    assert done.stdout.split() == ["401", "denied"], done.stderr
