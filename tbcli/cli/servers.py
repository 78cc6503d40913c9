"""What `tbcli serve` does with servers that run already: list them, stop them, use one again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.cli.output import Output, counted_age, padded, printable
from tbcli.errors import ConfigError, NotFound
from tbcli.naming import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbcli.config import PathsConfig, ServeConfig
    from tbcli.serving.notes import RunningServer

_ALL = "all"
_LIST_THEM = "`tbcli serve --list` shows those that run"


def list_servers(output: Output, *, as_json: bool) -> None:
    """Print the servers of this user that run."""
    from tbcli.serving.notes import running_servers

    servers = running_servers()
    if as_json:
        output.document({"schema": schemas.OTHERS, "servers": [_document(server) for server in servers]})
    elif not servers:
        output.say("no server runs")
    else:
        output.results(padded([("port", "pid", "since", "url", "shows"), *map(_row, servers)], right=(0, 1, 2)))


def _document(server: RunningServer) -> dict[str, Any]:
    """Return a server as JSON has it."""
    return {
        "url": server.url,
        "port": server.port,
        "pid": server.pid,
        "since": server.since,
        "has_token": server.has_token,
        "runs": list(server.runs),
        "places": list(server.places),
    }


def _row(server: RunningServer) -> tuple[str, ...]:
    age = counted_age(max(0, time.time() - server.since))
    return str(server.port), str(server.pid), age, printable(server.url), printable(_shown(server))


def _shown(server: RunningServer) -> str:
    return ", ".join(server.runs or server.places)


def stop_servers(output: Output, which: str, config: PathsConfig) -> None:
    """Stop a server by its port, all of this workspace, or for ``""`` the only one; print the port of each.

    Args:
        output: Where to speak.
        which: A port, ``all`` or ``""``.
        config: Says where this workspace is.

    Raises:
        ConfigError: It is no port, or there are several servers.
        NotFound: No server of this user has that port, or none runs.
        ServingFailed: It does not stop.
    """
    from tbcli.serving.notes import running_servers, stop_server

    if which not in ("", _ALL) and not (which.isascii() and which.isdigit()):
        raise ConfigError(f"--stop takes a port or all, got {which!r}", hint=_LIST_THEM)
    servers = running_servers()
    chosen = servers if which in ("", _ALL) else [server for server in servers if server.port == int(which)]
    if which == _ALL:
        chosen = [server for server in servers if _is_of(server, config)]
    others = [server for server in servers if server not in chosen] if which == _ALL else []
    if which == _ALL and not chosen:
        output.say("no server of this workspace runs" if others else "no server runs")
    elif not chosen:
        raise NotFound(f"no server of yours has port {which}" if which else "no server runs", hint=_LIST_THEM)
    if which == "" and len(chosen) > 1:
        ports = ", ".join(str(server.port) for server in chosen)
        raise ConfigError(f"{len(chosen)} servers run, at the ports {ports}", hint="`--stop PORT`, or `--stop all`")
    for server in chosen:
        stop_server(server)
        output.result(str(server.port))
        output.say(f"stopped the server of {printable(_shown(server))}")
    for server in others:
        where = ", ".join(server.places)
        output.say(printable(f"{where} is of another workspace: `tbcli serve --stop {server.port}` stops its server"))


def _is_of(server: RunningServer, config: PathsConfig) -> bool:
    """Return whether all that a server shows lies in a workspace."""
    tops = Path(config.workspace).resolve(), config.logs.resolve()
    return all(place == config.logdir or any(map(Path(place).is_relative_to, tops)) for place in server.places)


def url_of_other(output: Output, config: ServeConfig, places: Sequence[str], *, reuse: bool, as_json: bool) -> str:
    """Print and return the URL of the first server that shows these directories and no others, if it is to be used.

    Args:
        output: Where to speak.
        config: Says whether visitors must be asked for a token.
        places: The directories.
        reuse: Whether to use it; else it is only named.
        as_json: Whether to print it as JSON.
    """
    from tbcli.serving.notes import running_servers

    wants_token = reuse and bool(config.token)
    fitting = [server for server in running_servers() if server.shows(places) and server.has_token >= wants_token]
    other = min(fitting, key=lambda server: server.since, default=None)
    if other is None:
        return ""
    if not reuse:
        output.say(
            printable(f"{other.url} (process {other.pid}) shows the same already; `--reuse` would print its URL")
        )
        return ""
    if as_json:
        output.document({"schema": schemas.OTHERS, **_document(other)})
    else:
        output.result(other.url)
    return other.url
