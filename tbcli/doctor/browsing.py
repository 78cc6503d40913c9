"""Where TensorBoard can be opened: the usual port and who holds it, our servers, over ssh, in a container."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tbcli.doctor.findings import Finding
from tbcli.doctor.machine import in_container
from tbcli.doctor.system import System
from tbcli.runs.references import is_directory


def check_browsing(system: System) -> tuple[dict[str, Any], list[Finding]]:
    """Return facts about ports and addresses, and what is in the way."""
    from tbcli.serving.notes import running_servers
    from tbcli.serving.ports import USUAL_PORT, port_holder

    servers = running_servers()
    ours = next((server for server in servers if server.port == USUAL_PORT), None)
    holder = f"tbcli serve (process {ours.pid})" if ours else port_holder(USUAL_PORT)
    facts = {
        "port": USUAL_PORT,
        "holder": holder,
        "servers": [{"pid": each.pid, "port": each.port, "places": list(each.places)} for each in servers],
        "ssh": _tunnel(system, ours.port if ours else USUAL_PORT),
        "container": "tbcli serve --host 0.0.0.0 --port 6006, in a container started with -p 6006:6006"
        if in_container(system)
        else None,
    }
    findings = [*_lost_servers(servers)]
    if holder and not ours:
        findings.append(
            Finding(
                level="note",
                name="port-taken",
                where=str(USUAL_PORT),
                what=f"port {USUAL_PORT}, which TensorBoard usually takes, is in use by {holder}",
                why="`tensorboard` stops there; `tbcli serve` takes the next free port",
                fix="tbcli serve --port 0",
            )
        )
    return facts, findings


def _tunnel(system: System, port: int) -> str | None:
    """Return the command that makes a server here reachable from where the user sits; None where that is here."""
    words = system.environ.get("SSH_CONNECTION", "").split()
    if len(words) != 4:
        return None
    _, _, address, ssh_port = words
    user = system.environ.get("USER") or _user()
    options = [] if ssh_port == "22" else ["-p", ssh_port]
    return " ".join(["ssh", "-N", "-L", f"{port}:localhost:{port}", *options, f"{user}@{address}"])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _lost_servers(servers: list[Any]) -> Iterator[Finding]:
    for server in servers:
        gone = [place for place in server.places if not is_directory(Path(place))]
        if gone and len(gone) == len(server.places):
            yield Finding(
                level="note",
                name="server-without-logs",
                where=str(server.port),
                what=f"the server on port {server.port} shows {gone[0]}, which is no longer there",
                why="it goes on to take memory, and shows nothing new",
                fix=f"tbcli serve --stop {server.port}",
            )
