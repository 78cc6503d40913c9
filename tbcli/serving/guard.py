"""Whom the server answers: requests under a name of its own, from pages of its own, with the token if there is one."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import socket
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tbcli.config import ServeConfig
from tbcli.serving.ports import WILDCARDS, Reservation

MADE_UP = "auto"
"""The value of `serve.token` for which a token is made up."""

_READING = ("GET", "HEAD")
_METHODS = (*_READING, "POST")
_MOST_BODY_BYTES = 16 << 20
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@\s]+?)\.?(?::(\d{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_PROTECTION = (
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Content-Security-Policy", "frame-ancestors 'self'"),  # beside TensorBoard's own, which says nothing of frames
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
)
_Headers = list[tuple[str, str]]


def settle_token(config: ServeConfig, *, is_loopback: bool) -> str:
    """Return the token to ask for, ``""`` for none; beyond loopback one is made up unless ``insecure``."""
    if config.token == MADE_UP or (not config.token and not is_loopback and not config.insecure):
        import secrets  # seldom, and not free at the start

        return secrets.token_urlsafe(24)
    return config.token


@dataclass(frozen=True, slots=True)
class Guard:
    """What a request must have to be answered.

    Args:
        names: Host names and addresses that are the server's own; loopback ones always are.
        allowed: Those that the user added; pages under them may write too.
        is_everywhere: Whether it listens on every address of the machine, which are then its own too.
        token: What must be presented; ``""`` for nothing.
    """

    names: frozenset[str]
    allowed: frozenset[str] = frozenset()
    is_everywhere: bool = False
    token: str = ""

    @classmethod
    def of(cls, config: ServeConfig, place: Reservation, token: str) -> Guard:
        """Return the guard of a server at a place."""
        names = {place.host.lower(), place.address.partition("%")[0]}
        is_everywhere = place.address in WILDCARDS
        if is_everywhere:
            names.add(socket.gethostname().lower())
        allowed = frozenset(name.lower().strip("[]") for name in config.allow_host)
        return cls(frozenset(names), allowed, is_everywhere, token)

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value of the cookie that stands for the token; no two tokens share a name."""
        digest = hashlib.sha256(f"tbcli serve {self.token}".encode()).hexdigest()
        return f"tbcli-token-{digest[:8]}", digest[8:]

    def refusal(self, environ: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return status and reason why a request is not answered, whoever sent it; None if it may be."""
        method, host = str(environ["REQUEST_METHOD"]), str(environ.get("HTTP_HOST", ""))
        name = _name_of(host)
        # A browser names the host in the path for a proxy alone, and the header then is another one's.
        if name is None or not str(environ.get("REQUEST_URI", "/")).startswith("/") or not self._is_own(name, environ):
            shown = name or "NAME"
            return "403 Forbidden", f"not served under this host name; `tbcli serve --allow-host {shown}` allows it"
        if method not in _METHODS:
            return "405 Method Not Allowed", f"only {', '.join(_METHODS)} are answered"
        origin = environ.get("HTTP_ORIGIN")
        if method not in _READING and origin is not None and not self._is_own_page(str(origin), host):
            return "403 Forbidden", "requests of other sites' pages are not answered"
        return _refused_body(environ)

    def _is_own(self, name: str, environ: Mapping[str, Any]) -> bool:
        if name == "localhost" or _is_loopback(name) or name in self.names or name in self.allowed:
            return True
        return self.is_everywhere and name == _reached_address(environ)

    def _is_own_page(self, origin: str, host: str) -> bool:
        scheme, _, netloc = origin.lower().partition("://")
        name = _name_of(netloc)
        if scheme not in _DEFAULT_PORTS or name is None:
            return False
        return name in self.allowed or _with_port(netloc, scheme) == _with_port(host.lower(), scheme)

    def knows(self, environ: Mapping[str, Any]) -> bool:
        """Say whether the request carries the token, in its header or as our cookie; true where none is asked for."""
        if not self.token:
            return True
        scheme, _, said = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if scheme.lower() == "bearer" and _equal(said.strip().encode("latin-1", "replace"), self.token):
            return True
        name, value = self.cookie
        pairs = (part.strip().partition("=") for part in str(environ.get("HTTP_COOKIE", "")).split(";"))
        return any(key == name and _equal(said.encode(), value) for key, _, said in pairs)

    def is_token(self, said: str) -> bool:
        """Say whether a text is the token."""
        return bool(self.token) and _equal(said.encode("utf-8", "replace"), self.token)


def guarded(application: Any, guard: Guard, path_prefix: str) -> Any:
    """Return a WSGI application that passes on to `application` what the guard lets through.

    Args:
        application: Answers the rest.
        guard: Judges requests.
        path_prefix: Where it is served, ``""`` for the root; the cookie is for that.
    """
    root = f"{path_prefix.rstrip('/')}/"

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, headers: _Headers, *rest: Any) -> Any:
            return start_response(status, [*headers, *(pair for pair in _PROTECTION if pair not in headers)], *rest)

        refused = guard.refusal(environ)
        if refused:
            return _said(environ, start, *refused)
        if guard.token:
            place = _place_without_token(guard, environ)
            if place and environ["REQUEST_METHOD"] in _READING:
                name, value = guard.cookie
                cookie = f"{name}={value}; Path={root}; SameSite=Lax; HttpOnly"
                return _said(environ, start, "302 Found", "", ("Location", place), ("Set-Cookie", cookie))
            if not place and not guard.knows(environ):
                reason = "open the URL that `tbcli serve` printed: it carries the token"
                return _said(environ, start, "401 Unauthorized", reason, ("WWW-Authenticate", "Bearer"))
        return application(environ, start)

    return answer


def _place_without_token(guard: Guard, environ: Mapping[str, Any]) -> str:
    """Return the request's path and query without the right token in it; ``""`` where that is not there."""
    # WSGI holds bytes as Latin-1; what is quoted again is what was sent.
    query = urllib.parse.parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
    if not any(key == "token" and guard.is_token(value) for key, value in query):
        return ""
    path = urllib.parse.quote(str(environ.get("PATH_INFO", "")).encode("latin-1"))
    rest = urllib.parse.urlencode([pair for pair in query if pair[0] != "token"], quote_via=urllib.parse.quote)
    return "/" + path.lstrip("/") + (f"?{rest}" if rest else "")  # two slashes would lead to another host


def _said(environ: Mapping[str, Any], start: Any, status: str, text: str, *headers: tuple[str, str]) -> list[bytes]:
    content = f"{text}\n".encode() if text else b""
    usual = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    start(status, [*usual, ("Content-Length", str(len(content))), *headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]


def _refused_body(environ: Mapping[str, Any]) -> tuple[str, str] | None:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if "HTTP_TRANSFER_ENCODING" in environ or not (length.isascii() and length.isdigit()):
        return "411 Length Required", "a body must come with its length"
    if int(length) > _MOST_BODY_BYTES:
        return "413 Content Too Large", f"a body has at most {_MOST_BODY_BYTES} bytes"
    return None


def _name_of(host: str) -> str | None:
    """Return the name or address in a ``Host`` header, in lower case and without port; None if it is no such thing."""
    found = _HOST.fullmatch(host)
    return found[1].lower().strip("[]") if found else None


def _with_port(netloc: str, scheme: str) -> tuple[str | None, str]:
    found = _HOST.fullmatch(netloc)
    return _name_of(netloc), (found[2] if found else None) or _DEFAULT_PORTS[scheme]


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _reached_address(environ: Mapping[str, Any]) -> str:
    """Return the machine's own address that the visitor connected to."""
    connection = environ.get("werkzeug.socket")
    return str(connection.getsockname()[0]).removeprefix("::ffff:") if connection else ""


def _equal(said: bytes, wanted: str) -> bool:
    return hmac.compare_digest(said, wanted.encode())
