"""What is wrong with the machine and the workspace on it, all of it in one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.config.paths import cache_home
from tbcli.doctor.browsing import check_browsing
from tbcli.doctor.findings import Finding
from tbcli.doctor.machine import check_machine, in_container, shared_room
from tbcli.doctor.packages import check_packages
from tbcli.doctor.storage import check_open_files, check_storage, check_temporary
from tbcli.doctor.surroundings import check_surroundings
from tbcli.doctor.system import System
from tbcli.doctor.workspace import check_trash, settings_files
from tbcli.runs import RunStore

Facts = dict[str, Any]


def check_environment(config: Config, system: System, *, event_files: int = 0) -> tuple[Facts, list[Finding]]:
    """Return facts about the machine and the workspace, and what is wrong with them.

    Args:
        config: The settings of the workspace.
        system: What is asked about the machine.
        event_files: How many the log directory holds.
    """
    paths = config.paths
    places = {"logs": paths.logs, "plots": paths.plots, "models": paths.models}
    store = RunStore(paths, config.direction)
    cache = _cache_home()
    wants_bfloat16 = "bfloat16" in config.train.precision
    trash = check_trash(store, config.clean.trash_days)
    size = int(trash[0]["bytes"])
    parts: dict[str, Callable[[], tuple[Any, list[Finding]]]] = {
        "versions": lambda: check_packages(system),
        "machine": lambda: check_machine(system, wants_bfloat16=wants_bfloat16),
        "disk": lambda: check_storage(system, {**places, **({"cache": cache} if cache else {})}, size),
        "open_files": lambda: check_open_files(event_files),
        "browsing": lambda: check_browsing(system),
        "surroundings": lambda: check_surroundings(system),
        "trash": lambda: trash,
    }
    facts: Facts = {
        "settings": settings_files(system, paths),
        "container": in_container(system),
        "shared_memory": shared_room(system),
    }
    findings = list(check_temporary())
    for name, check in parts.items():
        facts[name], found = check()
        findings += found
    return facts, findings


def _cache_home() -> Path | None:
    try:
        return cache_home()
    except RuntimeError:  # no home
        return None
