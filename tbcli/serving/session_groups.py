"""In which row of HParams a trial stands, by its record: TensorBoard reads the group of a session only once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tbcli.naming.group_labels import session_alone, session_group

Found = Mapping[str, Mapping[str, Any]]
"""``{run: {tag: what is known of its series}}``."""


def regrouped(found: Found, logdir: str) -> Found:
    """Return what there is, with each trial in the group of its seeds once it has finished, and until then in its own.

    Args:
        found: What the plugin wrote.
        logdir: What is served.
    """
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG

    changed: dict[str, Mapping[str, Any]] = {}
    for run, known in found.items():
        series = known.get(SESSION_START_INFO_TAG)
        if series is not None and (group := _group_of(Path(logdir) / run / "run.json")):
            known = {**known, SESSION_START_INFO_TAG: with_content(series, _named(series.plugin_content, group))}
        changed[run] = known
    return changed


def with_content(series: Any, content: bytes) -> Any:
    """Return what is known of a series, with something else in place of what a plugin wrote."""
    return type(series)(
        max_step=series.max_step,
        max_wall_time=series.max_wall_time,
        plugin_content=content,
        description=series.description,
        display_name=series.display_name,
    )


def _group_of(record_file: Path) -> str:
    """Return the group that a trial stands in, ``""`` where the run is no trial or cannot be looked at."""
    try:
        return _group_in(record_file, record_file.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


@lru_cache(maxsize=4096)
def _group_in(record_file: Path, changed: int) -> str:
    record = json.loads(record_file.read_bytes())
    return session_group(record) if record.get("status") == "finished" else session_alone(record)


@lru_cache(maxsize=4096)
def _named(content: bytes, group: str) -> bytes:
    """Return the beginning of a session with another group; what cannot be read stays as it is."""
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2

    try:
        start = metadata.parse_session_start_info_plugin_data(content)
    except DecodeError:
        return content
    start.group_name = group
    told = plugin_data_pb2.HParamsPluginData(session_start_info=start, version=metadata.PLUGIN_DATA_VERSION)
    return bytes(told.SerializeToString())
