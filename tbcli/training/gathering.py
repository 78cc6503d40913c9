"""Workers find one another before TensorFlow connects them, which can be neither interrupted nor limited in time."""

from __future__ import annotations

import os
import socket
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress

from tbcli.errors import ConfigError, TrainingFailed
from tbcli.training.cluster import WorkerPlace

GATHER_SECONDS = 300.0
"""How long workers wait for one another."""
_LOOK_SECONDS = 0.2
_GO, _NO = b"tbcli go\n", b"tbcli no\n"


def gather(place: WorkerPlace, check: Callable[[], None], seconds: float = GATHER_SECONDS) -> None:
    """Return once all workers are there.

    Args:
        place: Of this process. The first one listens where TensorFlow will.
        check: Called now and then; may raise to stop.
        seconds: How long to wait.

    Raises:
        ConfigError: The port of this process is taken, or another worker has another list of all.
        TrainingFailed: They did not come in time.
    """
    _require_free(place.workers[place.index])
    host, _, port = place.workers[0].rpartition(":")
    give_up = time.monotonic() + seconds
    if place.is_chief:
        missing = _wait_for_all(place, int(port), check, give_up)
    else:
        missing = [] if _report(place, (host.strip("[]"), int(port)), check, give_up) else [0]
    if missing:
        who = ", ".join(f"{number} ({place.workers[number]})" for number in missing)
        raise TrainingFailed(
            f"worker {who} did not come within {seconds:.0f} s",
            hint="are all workers started, and do they reach the address of the first one?",
        )


def _require_free(address: str) -> None:
    """Check that TensorFlow will be able to listen: it would end the process."""
    port = int(address.rpartition(":")[2])
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        raise ConfigError(
            f"cannot listen at the address of this worker, {address}: {os.strerror(error.errno or 0)}",
            hint="give it a port that is free, in the TF_CONFIG of all workers",
        ) from error


def _wait_for_all(place: WorkerPlace, port: int, check: Callable[[], None], give_up: float) -> list[int]:
    """Return the workers that have not come."""
    missing = set(range(1, len(place.workers)))
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("", port)))
        server.settimeout(_LOOK_SECONDS)
        come: list[socket.socket] = []
        while missing and time.monotonic() < give_up:
            check()
            with suppress(TimeoutError, ValueError, OSError):
                peer, _ = server.accept()
                come.append(stack.enter_context(closing(peer)))
                peer.settimeout(2)
                number, checksum = map(int, peer.recv(64).split())
                if checksum != _checksum(place):
                    peer.sendall(_NO)
                    raise _other_list(number)
                missing.discard(number)
        for peer in come if not missing else ():
            with suppress(OSError):
                peer.sendall(_GO)
                peer.recv(1)  # until it has closed: the port is free at once
    return sorted(missing)


def _report(place: WorkerPlace, address: tuple[str, int], check: Callable[[], None], give_up: float) -> bool:
    """Return whether the first worker has said that all are there."""
    while time.monotonic() < give_up:
        check()
        with suppress(OSError), socket.create_connection(address, timeout=2) as peer:
            peer.sendall(f"{place.index} {_checksum(place)}\n".encode())
            peer.settimeout(_LOOK_SECONDS)
            while time.monotonic() < give_up:
                check()
                with suppress(TimeoutError):
                    answer = peer.recv(len(_GO))
                    if answer == _GO:
                        return True
                    if answer == _NO:
                        raise _other_list(0)
                    break  # refused; or this end itself, where the system has joined it to itself for lack of a server
        time.sleep(_LOOK_SECONDS)
    return False


def _checksum(place: WorkerPlace) -> int:
    return zlib.crc32(",".join(place.workers).encode())


def _other_list(number: int) -> ConfigError:
    return ConfigError(
        f"worker {number} has another list of workers in its TF_CONFIG",
        hint="the cluster must be the same for all; only the task is each one's own",
    )
