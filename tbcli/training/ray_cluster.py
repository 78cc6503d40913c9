"""A cluster of Ray's, which finds places for processes of ours: how this process comes into touch with it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tbcli.errors import ConfigError

LOCAL = "local"
AUTO = "auto"
_CLIENT = "ray://"
_ANSWER_SECONDS = 5.0
_NO_OBJECTS = 100_000_000  # bytes of memory for what is passed between tasks: lines of text, here
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # with settings, none


def require_ray(address: str) -> None:
    """Check that Ray is installed, and that an address can be one.

    Raises:
        ConfigError: It is not, or cannot.
    """
    found = find_spec("ray")
    if found is None or found.origin is None:  # a directory of that name is found, too
        raise ConfigError("--ray needs Ray, which is not installed", hint="pip install 'tbcli[ray]'")
    _, colon, port = address.rpartition(":")
    if address not in (LOCAL, AUTO) and not (colon and port.isdecimal() and int(port) < 1 << 16):
        raise ConfigError(
            f"--ray must be {LOCAL}, {AUTO} or HOST:PORT, got {address!r}",
            hint=f"`--ray {LOCAL}` starts Ray on this machine, `ray start --head` tells the address of its cluster",
        )


def require_answer(address: str) -> None:
    """Check that a server such as Ray's answers: Ray itself tries for minutes.

    Raises:
        ConfigError: None does.
    """
    require_ray(address)
    if address in (LOCAL, AUTO):
        return
    host, _, port = address.removeprefix(_CLIENT).rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.sendall(_GREETING)
            if connection.recv(9)[3:4] != b"\x04":
                raise OSError("what answers there is not Ray")
    except OSError as error:
        raise _unreachable(address, str(error), f"`--ray {LOCAL}` starts it on this machine") from error


@contextmanager
def ray_cluster(address: str, cpus: int) -> Iterator[Any]:
    """Yield the module ``ray``, connected; what it has started for this process ends with the block.

    Args:
        address: Of a cluster that runs; ``local`` starts one, ``auto`` is one that this machine is part of.
        cpus: How many a cluster that is started is to have.

    Raises:
        ConfigError: Ray is not installed, or cannot be reached.
    """
    require_answer(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == LOCAL and "ray" not in sys.modules:  # the import reads it
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # for its ports are open to the network
    handler = signal.getsignal(signal.SIGTERM)
    ray = import_module("ray")
    _hush()
    where: dict[str, Any] = {"address": address}
    if address == LOCAL:
        # Its dashboard lets whoever reaches it run commands (CVE-2025-62593): there is none.
        where |= {"num_cpus": cpus, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        where |= {"object_store_memory": _NO_OBJECTS}
    try:
        ray.init(**where, log_to_driver=False, configure_logging=False, namespace="tbcli")
    except Exception as error:  # of every kind, bare ones too
        ray.shutdown()
        hint = "where the cluster asks for a token: RAY_AUTH_MODE=token, and the token in ~/.ray/auth_token"
        hint = "what it needs is memory, and room in its directory /tmp/ray" if address == LOCAL else hint
        raise _unreachable(address, str(error), hint) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray's own would end this process on the spot
    try:
        yield ray
    finally:
        ray.shutdown()


def _hush() -> None:
    """Let Ray print nothing: what happens in a cluster it writes to stdout, which has the ids of runs alone."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    import_module("ray._private.worker").__dict__["print_to_stdstream"] = lambda *words, **more: None


def become_like(directory: str) -> None:
    """Make a process that Ray has placed like the one that asked for it, before it starts another.

    Args:
        directory: In which that one works.
    """
    os.environ.pop("OMP_NUM_THREADS", None)  # Ray sets it to 1, for those that share a process
    with suppress(OSError):  # it need not be there: what is shared has whole paths
        os.chdir(directory)


def _unreachable(address: str, why: str, hint: str) -> ConfigError:
    return ConfigError(f"cannot reach Ray at {address!r}: {' '.join(why.split())[:300]}", hint=hint)
