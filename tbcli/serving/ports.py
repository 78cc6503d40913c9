"""A port of our own before anything heavy is loaded; and who holds it when it is taken."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tbcli.config import FIRST_FREE_PORT
from tbcli.errors import ServingFailed

USUAL_PORT = 6006
_PORTS_TRIED = 100
_LISTENING = "0A"  # the state's code in /proc/net/tcp
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
"""Addresses that stand for every address of the machine."""


@dataclass(slots=True)
class Reservation:
    """A host and port that nobody else can take until `release`."""

    host: str  # as the user said it
    address: str  # what it resolved to
    port: int
    _sockets: ExitStack = field(default_factory=ExitStack)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.address.partition("%")[0]).is_loopback

    @property
    def own_address(self) -> str:
        """An address by which this machine itself reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104

    @property
    def origin(self) -> str:
        """``http://host:port`` that a browser on this machine can open."""
        return origin_of("localhost" if self.address in WILDCARDS else self.host, self.port)

    def release(self) -> None:
        """Let go, for the server to bind."""
        self._sockets.close()

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def origin_of(host: str, port: int) -> str:
    """Return ``http://host:port`` as this machine itself reaches it."""
    name = "localhost" if host in WILDCARDS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def reserve(host: str, port: int) -> Reservation:
    """Take a port.

    Args:
        host: A name or an address of this machine.
        port: 0 for any free one, `FIRST_FREE_PORT` for 6006 or the next free one.

    Raises:
        ServingFailed: The port is taken or not for us, or the host is not ours.
    """
    addresses = _addresses(host)
    if port != FIRST_FREE_PORT:
        return _reserved(host, addresses, port)
    for candidate in range(USUAL_PORT, USUAL_PORT + _PORTS_TRIED):
        try:
            return _reserved(host, addresses, candidate)
        except _PortTaken:
            continue
    last = USUAL_PORT + _PORTS_TRIED - 1
    raise ServingFailed(
        f"no port from {USUAL_PORT} to {last} is free on {host!r}", hint="`--port 0` takes any free port"
    )


class _PortTaken(ServingFailed):
    pass


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    """Return the address that TensorBoard's server will bind, then the others of the same name."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    known = list(dict.fromkeys((kind, str(address[0])) for kind, _, _, _, address in found))
    if not any(kind == family for kind, _ in known):
        raise _not_ours(host)
    return sorted(known, key=lambda pair: pair[0] != family)


def _not_ours(host: str) -> ServingFailed:
    return ServingFailed(
        f"host {host!r} is not a name or an address of this machine",
        hint="omit `--host` to serve this machine only, or use `--host 0.0.0.0` for all networks",
    )


def _reserved(host: str, addresses: list[tuple[socket.AddressFamily, str]], port: int) -> Reservation:
    primary, *others = addresses
    with ExitStack() as sockets:
        try:
            port = _bound(sockets, *primary, port)
        except OSError as error:
            raise _refusal(host, port, error) from error
        for other in others:
            # Somebody on another address of the same name (::1 of localhost) would get our visitors.
            try:
                _bound(sockets, *other, port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise _refusal(host, port, error) from error
        return Reservation(host, primary[1], port, sockets.pop_all())


def _bound(sockets: ExitStack, family: socket.AddressFamily, address: str, port: int) -> int:
    taken = sockets.enter_context(socket.socket(family, socket.SOCK_STREAM))
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: old connections are no hindrance
    taken.bind((address, port))
    taken.listen(1)  # bound alone would not keep out another who reuses addresses
    return int(taken.getsockname()[1])


def _refusal(host: str, port: int, error: OSError) -> ServingFailed:
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(port) or "another process"
        return _PortTaken(
            f"port {port} on {host!r} is in use by {holder}",
            hint="`--port 0` takes any free port; without `--port` it is 6006 or the next free one",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ServingFailed(
            f"no permission to bind port {port}", hint="use a port from 1024 up, or `--port 0` for any free one"
        )
    return _not_ours(host)


def port_holder(port: int) -> str | None:
    """Return who listens on a port, as ``process 4711 (python app.py)``; None where the system does not tell."""
    inodes = dict(_listeners(port))
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in (entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal()):
        if wanted & _open_files(pid):
            return f"process {pid}{_command_of(pid)}"
    return f"a process of user {_user_name(next(iter(inodes.values())))}"


def _listeners(port: int) -> Iterator[tuple[str, int]]:
    """Yield inode and user number of each socket that listens on the port (proc(5), /proc/net/tcp)."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9], int(columns[7])


def _open_files(pid: str) -> set[str]:
    files = set()
    # A process that is gone, or another user's, answers with an error.
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                files.add(str(descriptor.readlink()))
    return files


def _command_of(pid: str) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    command = b" ".join(words).decode(errors="replace").strip()
    return f" ({command if len(command) <= 80 else command[:79] + '…'})"


def _user_name(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
