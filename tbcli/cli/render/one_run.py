"""One run in full: its facts, its metrics, its configuration and its files."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tbcli.cli.output import Output, counted_age, counted_bytes, counted_seconds, is_terminal, padded, printable
from tbcli.cli.render.shown import shown_metric
from tbcli.cli.render.sparkline import draw_sparkline
from tbcli.naming import schemas
from tbcli.runs.crash import how_it_died
from tbcli.runs.history import read_history
from tbcli.runs.run_summary import ending_of, epochs_asked, epochs_of, metrics_of, seconds_left
from tbcli.runs.summary import ARGUMENTS

if TYPE_CHECKING:
    from tbcli.runs import Run

_MOST_BARS = 60
_PIPED_COLUMNS = 80


def show_run(run: Run, now: datetime, output: Output, *, as_json: bool) -> None:
    """Write a run in full, for a person or as one document."""
    if not as_json:
        output.results(run_lines(run, now))
        return
    from tbcli.cli.render.runs import run_facts

    files = [{"path": path, "bytes": count} for path, count in run.files()]
    facts = {**run_facts(run, now), "bytes": run.walk_bytes()}
    paths = {"logs": str(run.logs), "plots": str(run.plots), "models": str(run.models)}
    document = {**facts, "paths": paths, "files": files, "config": run.read_config(), "record": run.record}
    output.document({"schema": schemas.METRICS, "run": document})


def run_lines(run: Run, now: datetime, *, in_full: bool = True) -> list[str]:
    """Return a run as lines: facts and metrics; in full with configuration and files."""
    blocks = [_about(run, now), _metrics(run)]
    if in_full:
        blocks += [_configuration(run), _files(run)]
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")


def _about(run: Run, now: datetime) -> list[str]:
    record = run.record
    seconds, ended = (
        run.number("seconds"),
        "is training" if run.is_live(now) else f"{counted_age(run.age_seconds(now))} ago",
    )
    facts = {
        "directory": _directory(run),
        "status": f"{run.status(now)} ({ended})",
        "reason": _reason(run, now),
        "started": str(record.get("started") or ""),
        "ended": str(record.get("ended") or ""),
        "took": "" if seconds is None else counted_seconds(seconds),
        "model": _with_parameters(run),
        "data": run.data_name,
        "task": run.task_name or "not known",
        "script": _plain(record.get("script")),
        "trial": _trial(run),
        "epochs": _epochs(run, now),
        "resumed": _resumed(record.get("resumed")),
        "changed": _changed(record.get("changes")),
        "saved_epoch": _plain(run.number("saved_epoch")),
        "saved_step": _plain(run.number("saved_step")),
        **{key: _plain(record.get(key)) for key in ("device", "precision", "host")},
        "learning_rate": _scaled_rate(run),
        "workers_differed": _differed(record.get("workers_differ")),
        "process": str(record.get("pid")) if run.is_live(now) else "",
        "versions": _plain(record.get("versions")),
        "git": _plain(record.get("git")),
        "history": _missing_history(run),
        "recording": _recording_cost(run),
        **_switched_off(run),
        "size": counted_bytes(run.walk_bytes()),
        "note": str(record.get("note") or ""),
    }
    rows = [[printable(key.replace("_", " ")), printable(text)] for key, text in facts.items() if text]
    return [printable(run.label), *(f"  {line}" for line in padded(rows))]


def _directory(run: Run) -> str:
    """Return where a run lies whose directory is not called by its id."""
    of = f" (a copy of {run.recorded_id}, which has the plots and the model)" if run.is_copy else ""
    return f"{run.logs}{of}" if run.is_moved or run.is_copy else ""


def _trial(run: Run) -> str:
    """Return which trial of which sweep a run is, as ``3 of sweep first: learning_rate=0.1 seed=2, val_loss 0.31``."""
    if not run.sweep:
        return ""
    from tbcli.cli.render.sweep import spoken_settings
    from tbcli.runs.trials import judged_by, reached
    from tbcli.sweeps.definition import Trial

    said, value = run.sweep, reached(run)
    settings = spoken_settings(Trial(said["trial"], said.get("params") or {}, said.get("seed")))
    return f"{said['trial']} of sweep {said['name']}: {settings}" + (
        "" if value is None else f", {judged_by(run)} {shown_metric(value)}"
    )


def _scaled_rate(run: Run) -> str:
    rate, shares = run.number("scaled_learning_rate"), run.number("shares")
    return f"{rate:g}, that of the settings times {shares:.0f} devices" if rate and shares else ""


def _differed(said: Any) -> str:
    return f"after step {said.get('step')}: {said.get('what')}" if isinstance(said, Mapping) else ""


def _with_parameters(run: Run) -> str:
    parameters = run.record.get("parameters")
    return f"{run.model_name}, {parameters:,} parameters" if isinstance(parameters, int) else run.model_name


def _missing_history(run: Run) -> str:
    """Return what the history lacks because it could not be written."""
    lacks = run.record.get("history_lacks")
    return (
        f"lacks {_plain(lacks.get('epochs'))} epochs: {_plain(lacks.get('reason'))}"
        if isinstance(lacks, Mapping)
        else ""
    )


def _recording_cost(run: Run) -> str:
    recording = run.record.get("recording")
    percent = recording.get("percent") if isinstance(recording, dict) else None
    return f"cost {percent:.1f} % of the training time" if isinstance(percent, (int, float)) else ""


def _reason(run: Run, now: datetime) -> str:
    """Return why training did not finish; ``""`` of a run that did, or still trains."""
    if run.record.get("status") == "running":
        if doubt := run.doubt(now):
            return f"it may still be training: {doubt}"
        return "" if run.is_live(now) else how_it_died(run)
    return str(run.record.get("reason") or "")


def _epochs(run: Run, now: datetime) -> str:
    """Return the epochs done; of a run in training, and of one that stopped short, also those asked for, and why."""
    done, asked = epochs_of(run), epochs_asked(run)
    ending = ending_of(run)
    if done is not None and asked is not None and ending:
        return f"{done}/{asked}, {ending}"
    if run.record.get("status") == "finished" or asked is None:
        return "" if done is None else str(done)
    left = seconds_left(run, now) if run.is_live(now) else None
    return f"{done or 0}/{asked}{'' if left is None else f', {counted_seconds(left)} left'}"


def _resumed(entries: Any) -> str:
    """Return after which steps a run was resumed."""
    kept = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    return ", ".join(f"after step {_plain(entry.get('step'))} ({_plain(entry.get('at'))})" for entry in kept)


def _changed(entries: Any) -> str:
    """Return what was changed when a run was resumed, and after which epochs."""
    said = []
    for entry in entries if isinstance(entries, list) else []:
        changes = entry.get("changes") if isinstance(entry, Mapping) else None
        for key, pair in changes.items() if isinstance(changes, Mapping) else ():
            if isinstance(pair, list) and len(pair) == 2:
                said.append(f"{key} {pair[1]} instead of {pair[0]} after epoch {_plain(entry.get('epoch'))}")
    return ", ".join(said)


def _switched_off(run: Run) -> dict[str, str]:
    """Return the recorders that were switched off, each with the reason."""
    recording = run.record.get("recording")
    reasons = recording.get("switched_off") if isinstance(recording, Mapping) else None
    listed = reasons if isinstance(reasons, Mapping) else {}
    return {f"recorder {name}": f"switched off: {reason}" for name, reason in listed.items()}


def _plain(value: Any) -> str:
    """Return a value of the record on one line, ``""`` for nothing."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items() if _plain(item))
    return "" if value is None else str(value)


def _metrics(run: Run) -> list[str]:
    """Return best and last of each metric, and a sparkline of its epochs as far as there is room."""
    history = read_history(run.history_file)
    names = {**metrics_of(run), **{name: None for name in history.columns if name == "learning_rate"}}
    measured_in = _measured_in(run)
    rows = [["METRIC", "BEST", "EPOCH", "LAST", *(["MEASURED IN"] if measured_in else [])]]
    for name, metric in names.items():
        last = history.columns[name][-1:] if metric is None else (metric.last,)
        best = shown_metric(metric.best) if metric and metric.is_series else "-"
        epoch = str(metric.best_epoch) if metric and metric.best_epoch is not None else "-"
        kind = [measured_in.get(name, "-")] if measured_in else []
        rows.append([printable(name), best, epoch, shown_metric(last[0]) if last else "-", *kind])
    if len(rows) == 1:
        return []
    lines = padded(rows, right={1, 2, 3})
    room = (shutil.get_terminal_size().columns if is_terminal(sys.stdout) else _PIPED_COLUMNS) - len(lines[0]) - 2
    encoding = sys.stdout.encoding or "ascii"
    bars = [draw_sparkline(history.columns.get(name, ()), min(room, _MOST_BARS), encoding=encoding) for name in names]
    if not any(bars):
        return lines
    course = f"EPOCHS 1 TO {history.epochs[-1]}" if history.epochs[0] == 1 else "COURSE"
    return [f"{line.ljust(len(lines[0]))}  {bar}".rstrip() for line, bar in zip(lines, [course, *bars], strict=True)]


def _measured_in(run: Run) -> Mapping[str, str]:
    """Return the number format that each metric was measured in; nothing where it is the same for all."""
    stored = run.record.get("measured_in")
    formats = {name: printable(str(kind)) for name, kind in stored.items()} if isinstance(stored, Mapping) else {}
    return formats if len(set(formats.values())) > 1 else {}


def _configuration(run: Run) -> list[str]:
    config = run.read_config()
    lines = ["CONFIGURATION", *_settings({**config, ARGUMENTS: run.record.get(ARGUMENTS)})]
    return lines if len(lines) > 1 else []


def _settings(config: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for section, values in config.items():
        if isinstance(values, Mapping):
            rows += [
                [printable(f"{section}.{key}"), printable(json.dumps(value, ensure_ascii=False))]
                for key, value in values.items()
            ]
    yield from (f"  {line}" for line in padded(rows))


def _files(run: Run) -> list[str]:
    rows = [[counted_bytes(count), printable(path)] for path, count in run.files()]
    return ["FILES", *(f"  {line}" for line in padded(rows, right={0}))] if rows else []
