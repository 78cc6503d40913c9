"""Who is answered: judged on requests as WSGI has them; `test_attacks` asks a real server."""

from __future__ import annotations

import io
import urllib.parse
from typing import Any

import pytest
from werkzeug.test import Client as Visitor

from tbcli.config import ServeConfig
from tbcli.serving.guard import MADE_UP, Guard, guarded, settle_token
from tbcli.serving.ports import Reservation

OWN = Reservation("localhost", "127.0.0.1", 6006)
WIDE = Reservation("0.0.0.0", "0.0.0.0", 6006)


def visitor(*, token: str = "", place: Reservation = OWN, prefix: str = "", **settings: Any) -> Visitor:
    def data(_: object, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"data"]

    return Visitor(guarded(data, Guard.of(ServeConfig(**settings), place, token), prefix))


def status(
    asked: Visitor, *, host: str | None = "localhost:6006", method: str = "GET", path: str = "/", **headers: str
) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    environ = {"HTTP_HOST": host} if host is not None else {"HTTP_HOST": ""}
    answer = asked.open(path, method=method, headers=given, environ_overrides=environ)
    assert (answer.data == b"data") <= (answer.status_code == 200)
    return answer.status_code


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:6006", "localhost.:80", "127.0.0.1:6006", "127.8.9.1", "[::1]:6006", "tb.example.com:443"],
)
def test_own_names_are_answered_whatever_the_port(host: str) -> None:
    assert status(visitor(allow_host=("TB.example.com",)), host=host) == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "TRACE"])
@pytest.mark.parametrize(
    "host",
    [
        None,
        "evil.example",
        "evil.example:6006",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost,evil.example",
        "localhost evil.example",
        "192.0.2.7:6006",
        "0.0.0.0:6006",
        "2130706433",
        "localhost:6006:80",
        "[::2]",
        "xtb.example.com",
        "tb.example.com.evil.example",
    ],
)
def test_other_names_are_refused_with_every_method(host: str | None, method: str) -> None:
    assert status(visitor(allow_host=("tb.example.com",)), host=host, method=method) == 403


def test_the_whole_address_in_the_request_line_is_refused() -> None:
    asked = visitor()
    answer = asked.get("/", environ_overrides={"HTTP_HOST": "localhost", "REQUEST_URI": "http://localhost/"})
    assert answer.status_code == 403


def test_a_server_of_all_networks_answers_for_the_address_that_was_reached_and_for_no_other() -> None:
    class Connection:
        def getsockname(self) -> tuple[str, int]:
            return "192.0.2.7", 6006

    asked = visitor(place=WIDE, insecure=True)
    for host, wanted in (("192.0.2.7:6006", 200), ("192.0.2.8:6006", 403), ("evil.example", 403), ("0.0.0.0", 200)):
        answer = asked.get("/", environ_overrides={"HTTP_HOST": host, "werkzeug.socket": Connection()})
        assert answer.status_code == wanted, host


@pytest.mark.parametrize(
    ("origin", "host", "wanted"),
    [
        (None, "localhost:6006", 200),
        ("http://localhost:6006", "localhost:6006", 200),
        ("https://tb.example.com", "tb.example.com", 200),
        ("https://tb.example.com", "localhost:6006", 200),
        ("http://localhost:3000", "localhost:6006", 403),
        ("http://127.0.0.1:6006", "localhost:6006", 403),
        ("http://evil.example", "localhost:6006", 403),
        ("null", "localhost:6006", 403),
        ("", "localhost:6006", 403),
        ("file://", "localhost:6006", 403),
    ],
)
def test_only_own_pages_may_post(origin: str | None, host: str, wanted: int) -> None:
    asked = visitor(allow_host=("tb.example.com",))
    headers = {} if origin is None else {"Origin": origin}
    assert status(asked, host=host, method="POST", **headers) == wanted
    assert status(asked, host=host, **headers) == 200  # reading says nothing to another site's page


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"CONTENT_LENGTH": str(1 << 30)}, 413),
        ({"CONTENT_LENGTH": "-1"}, 411),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
    ],
)
def test_a_body_has_a_known_and_bearable_length(headers: dict[str, str], wanted: int) -> None:
    environ = {"HTTP_HOST": "localhost", **headers}
    assert visitor().post("/", input_stream=io.BytesIO(b"x"), environ_overrides=environ).status_code == wanted


def test_every_answer_forbids_frames_sniffing_and_referrers() -> None:
    for host in ("localhost", "evil.example"):
        headers = visitor().get("/", environ_overrides={"HTTP_HOST": host}).headers
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers.getlist("Content-Security-Policy")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_the_token_in_the_url_becomes_a_cookie_and_leaves_the_url() -> None:
    asked = visitor(token="s3cret", prefix="/tb")
    assert status(asked, path="/tb/") == 401
    answer = asked.get("/tb/?token=s3cret&a=%C3%A9&b=", environ_overrides={"HTTP_HOST": "localhost"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/tb/?a=%C3%A9&b="
    cookie = answer.headers["Set-Cookie"]
    assert "s3cret" not in cookie
    assert "Path=/tb/; SameSite=Lax; HttpOnly" in cookie
    assert status(asked, path="/tb/data/runs") == 200
    assert status(asked, path="/tb/data/runs", method="POST", Origin="http://localhost:6006") == 200
    assert status(asked, path="/") == 401  # outside of the cookie's path


def test_a_redirect_leads_to_the_same_host_and_drops_line_ends() -> None:
    for path in ("//evil.example/x", "/\\evil.example", "/a%0d%0aSet-Cookie:b=c"):
        answer = visitor(token="s3cret").get(
            "/", query_string="token=s3cret", environ_overrides={"HTTP_HOST": "localhost", "PATH_INFO": path}
        )
        parts = urllib.parse.urlsplit(answer.headers["Location"])
        assert (parts.scheme, parts.netloc) == ("", "")
        assert "\r" not in answer.headers["Location"]
        assert not answer.headers["Location"].startswith(("//", "/\\"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic s3cret"},
        {"Cookie": "tbcli-token=s3cret"},
        {"Cookie": f"{Guard(frozenset(), token='s3cret').cookie[0]}=s3cret"},
        {"Cookie": f"{Guard(frozenset(), token='other').cookie[0]}={Guard(frozenset(), token='other').cookie[1]}"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/data/runs", "/?token=", "/?token=S3CRET", "/?token=s3cret%20", "/?Token=s3cret"]
)
def test_without_the_token_there_is_no_answer(headers: dict[str, str], path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        assert status(visitor(token="s3cret"), path=path, method=method, **headers) == 401


def test_scripts_send_the_token_as_a_bearer() -> None:
    said = "Bearer schlüssel".encode().decode("latin-1")
    assert status(visitor(token="schlüssel"), Authorization=said) == 200
    assert status(visitor(token="s3cret"), Authorization="bearer s3cret") == 200
    assert status(visitor(token="s3cret"), method="POST", path="/?token=s3cret") == 200


def test_a_token_is_made_up_beyond_loopback_and_on_request() -> None:
    assert settle_token(ServeConfig(), is_loopback=True) == ""
    assert settle_token(ServeConfig(token="abc"), is_loopback=True) == "abc"
    assert settle_token(ServeConfig(insecure=True), is_loopback=False) == ""
    made_up = {settle_token(ServeConfig(token=word), is_loopback=False) for word in (MADE_UP, "")}
    assert len(made_up) == 2
    assert all(len(token) >= 32 for token in made_up)
