"""Does every tab of TensorBoard show what the recorders of a run promised? TensorBoard itself is asked, over HTTP."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tbcli.config import ServeConfig
from tbcli.errors import NotFound, ServingFailed
from tbcli.recorders.registry import Promise
from tbcli.runs import LogDirectory, Run
from tbcli.serving.client import Client, NoAnswer
from tbcli.serving.dashboards import DASHBOARDS, DashboardSeries, read_dashboards
from tbcli.serving.formats import ScalarFormat, choose_reader, describe_scalars, find_odd_scalars
from tbcli.serving.launcher import launch
from tbcli.serving.links import as_logdir, is_root_of_runs, link_names, shown_places
from tbcli.serving.ports import origin_of, reserve
from tbcli.serving.promises import excuse_of, failed_recorders, promises_of
from tbcli.serving.samples import settle_samples
from tbcli.serving.survey import survey

_OWN_SECONDS = 20.0  # to read what is there; 1,000 runs take 7
_STRANGERS_SECONDS = 6.0  # TensorBoard itself looks for new data every 5
_POLL_SECONDS = 0.2
_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """What one dashboard has of the audited runs."""

    dashboard: str
    title: str
    tags: int
    points: int
    bytes: int
    is_offered: bool  # TensorBoard offers the tab

    @property
    def state(self) -> str:
        """``filled``, ``empty``, or ``hidden``: there is data, but TensorBoard keeps the tab back."""
        return "empty" if not self.tags else "filled" if self.is_offered else "hidden"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a dashboard does not show: a promise of a recorder, or with recorder ``""`` recorded scalars."""

    run: str
    recorder: str
    dashboard: str
    what: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The outcome.

    Args:
        lines: One a dashboard.
        findings: Promises that were not kept.
        excused: Promises that could not be kept, with the reason.
        not_shown: The scalar series in the event files that TensorBoard does not show; findings tell of them together.
    """

    lines: tuple[Line, ...]
    findings: tuple[Gap, ...]
    excused: tuple[Gap, ...]
    not_shown: tuple[ScalarFormat, ...] = ()


def audit_runs(config: ServeConfig, chosen: Sequence[Run | LogDirectory], *, verbose: bool = False) -> Audit:
    """Ask a TensorBoard for all that it shows of the chosen runs: the one at the chosen port, or one of our own.

    Args:
        config: Where to listen and how to read; with no port said, any free one.
        chosen: What to audit; a foreign directory promised nothing.
        verbose: Let the libraries' logs through.

    Raises:
        NotFound: There are no event files in a foreign directory.
        ServingFailed: TensorBoard could not be served, or the one at the chosen port shows something else.
    """
    for item in chosen:
        if isinstance(item, LogDirectory) and not survey([item.logs]).has_events:
            raise NotFound(f"no event files in {str(item.logs)!r}", hint="`tbcli runs` lists the runs that have some")
    names = {path: name for name, path in link_names(chosen).items()}
    named = {"" if is_root_of_runs(chosen) else names[item.logs.resolve()]: item for item in chosen}
    recorded = list(_recorded_scalars(chosen))
    root = f"{origin_of(config.host, config.port)}{config.path_prefix.rstrip('/')}/"
    there = Client(root, token=config.token)
    config = replace(config, token="", insecure=True)  # it is asked by us alone, and gone in a moment
    try:
        if config.port > 0 and _is_tensorboard(there):
            return _audit_stranger(there, named, recorded)
        with _own(choose_reader(config, recorded)[0], chosen, verbose=verbose) as client:
            return _audit_own(client, named, recorded)
    except NoAnswer as error:
        raise ServingFailed(
            f"TensorBoard {error}", hint="start the audit again; without --port a server is started for it"
        ) from error


def _recorded_scalars(chosen: Sequence[Run | LogDirectory]) -> Iterator[ScalarFormat]:
    """Yield all scalar series in the event files, the usual ones with the format ``""``."""
    from tbcli.readers import open_logdir

    places = shown_places(chosen, Path())
    odd = {(scalar.run, scalar.tag): scalar for scalar in find_odd_scalars(places.items())}
    yield from odd.values()
    for name, logs in places.items():
        for run, tag in open_logdir(logs, text_logs=False).scalars(keep_all=True).names:
            shown = os.path.normpath(os.path.join(name, run))  # noqa: PTH118 - as TensorBoard names it
            if (shown, tag) not in odd:
                yield ScalarFormat(shown, tag, "", is_readable=False)


@contextmanager
def _own(config: ServeConfig, chosen: Sequence[Run | LogDirectory], *, verbose: bool) -> Iterator[Client]:
    found = survey([item.logs for item in chosen])
    with (
        reserve(config.host, max(config.port, 0)) as place,
        as_logdir(chosen, Path()) as directory,
        launch(
            config,
            str(directory),
            place,
            # After a training, what is loaded stays as it is.
            needs_tensorflow="tensorflow" in sys.modules or found.checkpoint is not None,
            verbose=verbose,
            has_data=found.has_events,
            samples=settle_samples(found.event_bytes),
        ) as server,
    ):
        yield Client(server.root)


def _is_tensorboard(client: Client) -> bool:
    try:
        return "data_location" in replace(client, seconds=_PROBE_SECONDS).get("environment").json()
    except (NoAnswer, TypeError):
        return False


Named = Mapping[str, Run | LogDirectory]
"""What is audited, by TensorBoard's names of the directories; ``""`` is the log directory itself."""


def _audit_own(client: Client, named: Named, recorded: Sequence[ScalarFormat]) -> Audit:
    """Audit a server that was started a moment ago; what is missing may still be on its way."""
    deadline, before = time.monotonic() + _OWN_SECONDS, None
    while True:
        _wait_until_read(client, named, deadline)
        now = audit(client, named, recorded)
        # A tab that is kept back is being looked into by TensorBoard, which takes a while on a busy machine.
        is_settled = now == before and not any(line.state == "hidden" for line in now.lines)
        if not now.findings or is_settled or time.monotonic() > deadline:
            return now
        before = now


def _audit_stranger(client: Client, named: Named, recorded: Sequence[ScalarFormat]) -> Audit:
    """Audit a server that runs already; it looks for new data when its own interval says so.

    Raises:
        ServingFailed: It shows something else.
    """
    deadline = time.monotonic() + _STRANGERS_SECONDS
    listed = _wait_until_read(client, named, deadline)
    for name, item in named.items():
        expected = set(_with_events(name, item.logs))
        if expected and not expected & listed:
            raise ServingFailed(
                f"the TensorBoard at {client.url} does not show {name or str(item.logs)!r}",
                hint="without --port a server is started for the audit",
            )
    now = audit(client, named, recorded)
    while now.findings and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        now = audit(client, named, recorded)
    return now


def _wait_until_read(client: Client, named: Named, deadline: float) -> set[str]:
    """Wait until TensorBoard lists every directory with events, and finds no more tags in them; but not for ever.

    Returns the directories that it lists.
    """
    expected = {run for name, item in named.items() for run in _with_events(name, item.logs)}
    before = None
    while True:
        now = [client.get(path).content for path in ("runs", "plugin/timeseries/tags", "plugin/text/tags")]
        client.get("plugins_listing")  # the projector looks for its data when it is first asked
        listed = set(client.get("runs").json())
        if (now == before and expected <= listed) or time.monotonic() > deadline:
            return listed
        before = now
        time.sleep(_POLL_SECONDS)


def _with_events(name: str, logs: Path) -> Iterator[str]:
    """Yield TensorBoard's names of a log directory's directories with events."""
    for directory, _, files in os.walk(logs):
        if any("tfevents" in file for file in files):
            yield str(Path(name) / Path(directory).relative_to(logs))


def audit(client: Client, named: Named, recorded: Sequence[ScalarFormat] = ()) -> Audit:
    """Return what TensorBoard shows of some runs, and what it lacks.

    Args:
        client: Asks TensorBoard.
        named: What to audit.
        recorded: The scalar series that it must show.

    Raises:
        NoAnswer: TensorBoard is gone.
    """

    def wanted(run: str) -> bool:
        return any(_belongs_to(name, run) for name in named)

    listing = client.get("plugins_listing").json()
    shown = read_dashboards(client, [plugin for plugin in DASHBOARDS if plugin in listing], wanted)
    lines = tuple(_line(plugin, shown.get(plugin, ()), listing) for plugin in DASHBOARDS)
    findings: list[Gap] = []
    excused: list[Gap] = []
    for name, run in named.items():
        if not isinstance(run, Run):
            continue
        findings += _failures(name, run)
        for recorder, promise in promises_of(run):
            gap = _gap(name, recorder, promise, shown, listing)
            if gap and recorder not in failed_recorders(run):
                reason = excuse_of(run, recorder, promise, listing)
                (findings if reason is None else excused).append(gap if reason is None else replace(gap, what=reason))
    not_shown = _not_shown(recorded, shown.get("scalars", ()))
    findings += _gaps_of_scalars(named, not_shown)
    return Audit(lines, tuple(dict.fromkeys(findings)), tuple(dict.fromkeys(excused)), tuple(not_shown))


def _not_shown(recorded: Sequence[ScalarFormat], shown: Sequence[DashboardSeries]) -> list[ScalarFormat]:
    there = {(series.run, series.tag) for series in shown if not series.flaw}
    return [scalar for scalar in recorded if (scalar.run, scalar.tag) not in there]


def _gaps_of_scalars(named: Named, not_shown: Sequence[ScalarFormat]) -> Iterator[Gap]:
    for name, item in named.items():
        missing = [scalar for scalar in not_shown if _belongs_to(name, scalar.run)]
        if missing:
            what = f"TensorBoard does not show {describe_scalars(missing)}"
            yield Gap(name or item.logs.resolve().name, "", DASHBOARDS["scalars"].title, what)


def _belongs_to(name: str, run: str) -> bool:
    """Say whether TensorBoard's run lies in a directory that it shows by this name, ``""`` for its log directory."""
    return not name or run == name or run.startswith(f"{name}/")


def _line(plugin: str, series: Sequence[DashboardSeries], listing: Mapping[str, Any]) -> Line:
    filled = [one for one in series if one.is_filled]
    points, size = sum(one.points for one in filled), sum(one.bytes for one in filled)
    is_offered = bool(listing.get(plugin, {}).get("enabled"))
    return Line(plugin, DASHBOARDS[plugin].title, len(filled), points, size, is_offered)


def _title(plugin: str) -> str:
    return DASHBOARDS[plugin].title if plugin in DASHBOARDS else plugin


def _gap(
    name: str,
    recorder: str,
    promise: Promise,
    shown: Mapping[str, Sequence[DashboardSeries]],
    listing: Mapping[str, Any],
) -> Gap | None:
    """Return how a promise is not kept, None where it is."""
    series = shown.get(promise.dashboard, ())
    place = name if promise.where is None else f"{name}/{promise.where}".rstrip("/")
    here = [
        one
        for one in series
        if one.tag.startswith(promise.tag)
        and (one.run == place or (promise.where is None and one.run.startswith(f"{name}/")))
    ]
    flawed = [one for one in (*here, *(one for one in series if not one.run)) if one.flaw]
    if flawed:
        what = f"{flawed[0].tag!r}: {flawed[0].flaw}" if flawed[0].tag else flawed[0].flaw
    elif not any(one.is_filled for one in here):
        what = f"nothing under {promise.tag!r} in {place!r}" if promise.tag else f"nothing in {place!r}"
    elif not listing[promise.dashboard]["enabled"]:
        what = "TensorBoard hides the tab"
    else:
        return None
    return Gap(name, recorder, _title(promise.dashboard), what)


def _failures(name: str, run: Run) -> Iterator[Gap]:
    """Yield the recorders that raised, each with the dashboards that it could not fill to the end."""
    for recorder, reason in failed_recorders(run).items():
        titles = [_title(promise.dashboard) for other, promise in promises_of(run) if other == recorder]
        for title in dict.fromkeys(titles or ["no dashboard"]):
            yield Gap(name, recorder, title, f"the recorder failed and was switched off: {reason}")
