from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tbcli.config import FIRST_FREE_PORT
from tbcli.errors import ServingFailed
from tbcli.serving import ports
from tbcli.serving.ports import Reservation, reserve


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_busy_port_is_refused_with_the_process_that_holds_it(taken: int) -> None:
    with pytest.raises(ServingFailed) as caught:
        reserve("localhost", taken)
    assert f"port {taken}" in caught.value.message
    assert f"process {os.getpid()} (" in caught.value.message
    assert "--port 0" in caught.value.hint
    assert caught.value.exit_code == 6


def test_port_zero_takes_a_free_port_and_keeps_others_out() -> None:
    with reserve("localhost", 0) as place:
        assert place.port > 0
        with pytest.raises(ServingFailed):
            reserve("localhost", place.port)
    reserve("localhost", place.port).release()


def test_no_port_takes_the_next_free_one(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "USUAL_PORT", taken)
    with reserve("127.0.0.1", FIRST_FREE_PORT) as place:
        assert taken < place.port < taken + 100


def test_a_range_without_a_free_port_says_so(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "USUAL_PORT", taken)
    monkeypatch.setattr(ports, "_PORTS_TRIED", 1)
    with pytest.raises(ServingFailed, match="is free on 'localhost'"):
        reserve("localhost", FIRST_FREE_PORT)


@pytest.mark.parametrize("host", ["192.0.2.7", "no.such.host.invalid", "2001:db8::7", "[::1]", "unix:///x"])
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(ServingFailed, match="is not a name or an address of this machine") as caught:
        reserve(host, 0)
    assert "--host" in caught.value.hint


def test_a_listener_on_another_address_of_the_same_name_counts_as_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 0)) for address in ("127.0.0.1", "127.0.0.2")]
    with socket.create_server(("127.0.0.2", 0)) as listener:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pair)
        with pytest.raises(ServingFailed, match="is in use by"):
            reserve("localhost", listener.getsockname()[1])


def test_a_port_of_the_administrator_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ports, "_bound", refuse)
    with pytest.raises(ServingFailed, match="no permission to bind port 80"):
        reserve("localhost", 80)


@pytest.mark.parametrize(
    ("host", "address", "origin", "loopback"),
    [
        ("localhost", "127.0.0.1", "http://localhost:7", True),
        ("::1", "::1", "http://[::1]:7", True),
        ("0.0.0.0", "0.0.0.0", "http://localhost:7", False),
        ("box", "192.168.1.5", "http://box:7", False),
    ],
)
def test_a_place_knows_its_url_and_who_can_reach_it(host: str, address: str, origin: str, loopback: bool) -> None:
    place = Reservation(host, address, 7)
    assert (place.origin, place.is_loopback) == (origin, loopback)
