"""One run in full: what it was, what it reached, how it was configured, and its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tbcli.cli.output import Output, counted_age, counted_bytes, counted_seconds, padded, printable

if TYPE_CHECKING:
    from tbcli.runs import Run

SCHEMA = 1


def show_run(run: Run, now: datetime, output: Output, *, as_json: bool) -> None:
    """Write a run in full, for a person or as one document."""
    if as_json:
        from tbcli.cli.runs import run_facts

        files = [{"path": path, "bytes": count} for path, count in run.files()]
        facts = {**run_facts(run, now), "bytes": run.walk_bytes()}
        paths = {"logs": str(run.logs), "plots": str(run.plots), "models": str(run.models)}
        document = {**facts, "paths": paths, "files": files, "config": run.read_config(), "record": run.record}
        output.document({"schema": SCHEMA, "run": document})
        return
    blocks = [_about(run, now), _metrics(run), _configuration(run), _files(run)]
    output.results("\n\n".join("\n".join(block) for block in blocks if block).split("\n"))


def _about(run: Run, now: datetime) -> list[str]:
    record = run.record
    seconds, ended = (
        record.get("seconds"),
        "is training" if run.is_live(now) else f"{counted_age(run.age_seconds(now))} ago",
    )
    facts = {
        "status": f"{run.status(now)} ({ended})",
        "started": str(record.get("started") or ""),
        "ended": str(record.get("ended") or ""),
        "took": counted_seconds(seconds) if isinstance(seconds, (int, float)) else "",
        "model": _with_parameters(run),
        "data": run.data_name,
        **{key: _plain(record.get(key)) for key in ("epochs", "saved_epoch", "device", "precision", "host")},
        "process": str(record.get("pid")) if run.is_live(now) else "",
        "versions": _plain(record.get("versions")),
        "git": _plain(record.get("git")),
        "recording": _recording_cost(run),
        "size": counted_bytes(run.walk_bytes()),
        "note": str(record.get("note") or ""),
    }
    rows = [[key.replace("_", " "), printable(text)] for key, text in facts.items() if text]
    return [printable(run.label), *(f"  {line}" for line in padded(rows))]


def _with_parameters(run: Run) -> str:
    parameters = run.record.get("parameters")
    return f"{run.model_name}, {parameters:,} parameters" if isinstance(parameters, int) else run.model_name


def _recording_cost(run: Run) -> str:
    recording = run.record.get("recording")
    percent = recording.get("percent") if isinstance(recording, dict) else None
    return f"cost {percent:.1f} % of the training time" if isinstance(percent, (int, float)) else ""


def _plain(value: Any) -> str:
    """Return a value of the record on one line, ``""`` for nothing."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items() if _plain(item))
    return "" if value is None else str(value)


def _metrics(run: Run) -> list[str]:
    rows = [["METRIC", "BEST", "EPOCH", "LAST"]]
    for name, value in run.metrics.items():
        series = value if isinstance(value, dict) else {"last": value}
        best, epoch, last = (series.get(key) for key in ("best", "best_epoch", "last"))
        rows.append([printable(name), _number(best), str(epoch) if epoch else "-", _number(last)])
    return padded(rows, right={1, 2, 3}) if len(rows) > 1 else []


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else "-"


def _configuration(run: Run) -> list[str]:
    return ["CONFIGURATION", *_settings(run.read_config())] if run.read_config() else []


def _settings(config: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for section, values in config.items():
        if isinstance(values, Mapping):
            rows += [
                [f"{section}.{key}", printable(json.dumps(value, ensure_ascii=False))] for key, value in values.items()
            ]
    yield from (f"  {line}" for line in padded(rows))


def _files(run: Run) -> list[str]:
    rows = [[counted_bytes(count), printable(path)] for path, count in run.files()]
    return ["FILES", *(f"  {line}" for line in padded(rows, right={0}))] if rows else []
