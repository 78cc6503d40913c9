"""What is wrong with a log directory, whoever wrote it: findings about its files, and about what they hold."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tbcli.doctor.event_files import check_files
from tbcli.doctor.examined_logs import look_at
from tbcli.doctor.findings import Finding
from tbcli.doctor.log_content import check_content
from tbcli.doctor.projector_assets import check_projectors
from tbcli.readers.logdir import FoundFiles, find_event_files


def check_logdir(
    top: Path, *, now: float | None = None, found: FoundFiles | None = None
) -> tuple[dict[str, Any], list[Finding]]:
    """Return facts about a log directory or one event file, and what is wrong with it.

    The work is bounded: of very many files the newest are read, which the facts say.

    Args:
        top: The directory or the file.
        now: Seconds since 1970; the present unless given.
        found: Its event files, where they are known.

    Raises:
        NotFound: There is neither.
    """
    logs = look_at(top, found or find_event_files(top), time.time() if now is None else now)
    findings = [*check_files(logs), *check_content(logs), *check_projectors(logs)]
    facts = {
        "path": str(top),
        "files": len(logs.found.files),
        "files_read": len(logs.files),
        "bytes": sum(file.size for file in logs.found.files),
        "directories": len({file.run for file in logs.found.files}),
        "runs": len(logs.tree.runs),
        "whole": not logs.is_part and logs.tree.is_whole,
    }
    return facts, findings
