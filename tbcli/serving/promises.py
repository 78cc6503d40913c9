"""What the recorders of a run promised to show in TensorBoard, and why some of it need not be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from tbcli import __version__
from tbcli.config import RecordConfig
from tbcli.errors import ConfigError
from tbcli.naming.series import is_of_validation
from tbcli.recorders.registry import RECORDERS, Promise, chosen_names, known_recorders
from tbcli.runs import Run
from tbcli.serving.dashboards import DASHBOARDS

# What TensorBoard makes of the same records: a dashboard's data must show up in these others too.
_ALSO = {
    "scalars": ("timeseries",),
    "images": ("timeseries",),
    "histograms": ("timeseries", "distributions"),
}


def promises_of(run: Run) -> Iterator[tuple[str, Promise]]:
    """Yield recorder and promise for all that the run was to record, each dashboard that shows it a promise."""
    for recorder in _recorder_names(run):
        for promise in _own_promises(run, recorder):
            if promise.tasks and run.task_name and run.task_name not in promise.tasks:
                continue
            for dashboard in _shown_in(promise):
                yield recorder, replace(promise, dashboard=dashboard)


def failed_recorders(run: Run) -> Mapping[str, str]:
    """Return the recorders that raised, and what."""
    report = _report(run)
    return {name: report["switched_off"][name] for name in report.get("failed") or ()}


def excuse_of(run: Run, recorder: str, promise: Promise, listing: Mapping[str, Any]) -> str | None:
    """Return why a promise need not be kept; None where it must."""
    report, status = _report(run), run.status()
    switched_off = (report.get("switched_off") or {}).get(recorder)
    left_out = (report.get("left_out") or {}).get(recorder, {}).get(promise.tag)
    version = (run.record.get("versions") or {}).get("tbcli")
    measured = report.get("milliseconds")
    if switched_off or left_out:
        return str(switched_off or left_out)
    if _is_slimmed(run, recorder, promise):
        return "`tbcli clean --slim` took it"
    if promise.dashboard not in DASHBOARDS:
        return "tbcli cannot read this dashboard"
    if promise.dashboard not in listing:
        extra = " (`pip install 'tbcli[profile]'`)" if promise.dashboard == "profile" else ""
        return f"this plugin is not installed{extra}"
    if status != "finished" and (
        {"test", "end"} & set(promise.needs) or not report or not _had_its_turn(run, recorder)
    ):
        return f"the run is {status}"
    if "validation" in promise.needs and not any(map(is_of_validation, run.metrics)):
        return f"{_what_of(promise)} of the validation split: there is none"
    if "test" in promise.needs and not any(name.startswith("test_") for name in run.metrics):
        return f"{_what_of(promise)} of the test set: there is none"
    unasked = [need for need in promise.needs if need in known_recorders() and need not in _recorder_names(run)]
    if unasked:
        return f"it needs the recorder {unasked[0]!r}, which is not enabled"
    if measured is not None and recorder not in measured and version != __version__:
        return f"the run was made by tbcli {version}, which has no such recorder"
    return None


def _recorder_names(run: Run) -> list[str]:
    """Return the recorders that the run's configuration asks for; if one is not installed here, those that ran."""
    try:
        return chosen_names(_record_config(run))
    except ConfigError:
        return list(_report(run).get("milliseconds") or ())


def _record_config(run: Run) -> RecordConfig:
    known = {field.name for field in fields(RecordConfig)}
    section = run.read_config().get("record") or {}
    return RecordConfig(**{key: value for key, value in section.items() if key in known})


def _own_promises(run: Run, recorder: str) -> list[Promise]:
    stored = _report(run).get("promises") or {}
    own = RECORDERS[recorder].promises if recorder in RECORDERS else ()
    return [*own, *(Promise(**promise) for promise in stored.get(recorder, ()))]


def _shown_in(promise: Promise) -> tuple[str, ...]:
    return promise.dashboard, *_ALSO.get(promise.dashboard, ())


def _is_slimmed(run: Run, recorder: str, promise: Promise) -> bool:
    """Say whether `tbcli clean --slim` took what a dashboard was to show; its kinds have the names of dashboards."""
    slimmed = run.record.get("slimmed")
    return isinstance(slimmed, list) and any(
        own.dashboard in slimmed and promise.dashboard in _shown_in(own)
        for own in _own_promises(run, recorder)
        if (own.where, own.tag) == (promise.where, promise.tag)
    )


def _report(run: Run) -> dict[str, Any]:
    report = run.record.get("recording")
    return report if isinstance(report, dict) else {}


def _what_of(promise: Promise) -> str:
    """Return what is missing, in the word for what its dashboard shows."""
    return {"text": "the report", "images": "the pictures", "hparams": "the metrics"}.get(promise.dashboard, "the part")


def _had_its_turn(run: Run, recorder: str) -> bool:
    cadence = _record_config(run).cadence
    return int(run.record.get("epochs") or 0) >= max(1, cadence.get(recorder, cadence[""]))  # auto begins at once
