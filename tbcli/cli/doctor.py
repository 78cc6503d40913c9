"""``tbcli doctor``: what is wrong with the machine, a log directory or a run, and the command that mends it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.completing import complete_run
from tbcli.cli.options import Common, Json, with_common_options
from tbcli.cli.output import Output
from tbcli.errors import CheckFailed, ConfigError, NotFound

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.doctor.findings import Finding
    from tbcli.runs import LogDirectory, Run, RunStore

_NOTHING_READ = ("empty", "foreign", "torn", "growing", "zeros")  # kinds of damage: at byte 0, there is no record
_LARGE_STATE = 1 << 30  # bytes; larger ones are taken for whole, for reading them takes long


@with_common_options
def doctor(
    common: Common,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|LOGDIR]",
            help="latest, best, an id, its beginning, a name, or a path to any log directory.",
            autocompletion=complete_run,
        ),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also ask TensorFlow, in a process of its own (takes seconds).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find what is wrong with this machine, a log directory or a run, and what mends it.

    Without an argument, looks at the machine and at all of the workspace. Exits 7 if there is a warning or an error.
    """
    from tbcli.cli.render.doctor import as_document, counted_findings, fact_lines, finding_lines
    from tbcli.doctor.findings import needs_action, worst_first

    if run is not None and deep:
        raise ConfigError("--deep asks about the machine, not about a run", hint="`tbcli doctor --deep`")
    facts, findings = _examine(common, run) if run is not None else _examine_all(common, deep=deep)
    places = _places_typed(common)
    findings = worst_first(dict.fromkeys(replace(each, fix=_placed(each.fix, places)) for each in findings))
    if as_json:
        common.output.document(as_document(facts, findings))
    else:
        common.output.results([*fact_lines(facts), *finding_lines(findings)])
    if needs_action(findings):
        raise CheckFailed(f"found {counted_findings(findings)}", hint="what stands behind `fix` mends each")


def _places_typed(common: Common) -> list[str]:
    """Return the options that named the places: a command that mends something needs them too."""
    from tbcli.config import SETTINGS

    typed = [(SETTINGS[key].flag, str(said.value)) for key, said in common.flags.items() if key.startswith("paths.")]
    return [word for pair in typed for word in pair]


def _placed(fix: str, places: Sequence[str]) -> str:
    """Return a command of ours with the options that name the places."""
    is_ours = fix.startswith("tbcli ") and not any(mark in fix for mark in ("`", ";", "&", "|", ", ", "--logdir"))
    return f"{fix} {shlex.join(places)}" if is_ours and places else fix


def _examine_all(common: Common, *, deep: bool) -> tuple[dict[str, Any], list[Finding]]:
    """Return facts and findings about the machine and the workspace."""
    from tbcli.doctor.environment import check_environment
    from tbcli.doctor.system import System

    config, findings = _settle(common)
    logs, found = _examine_logs(config)
    findings += found
    facts, found = check_environment(config, System(), event_files=logs.get("files", 0))
    if deep:
        common.output.say("asking TensorFlow, in a process of its own ...")
        found += _ask_deeply(facts, config)
    return {**facts, **({"logdir": logs} if logs else {})}, [*found, *findings]


def _examine_logs(config: Config) -> tuple[dict[str, Any], list[Finding]]:
    """Return facts and findings about all logs of the workspace, no facts where there are none."""
    from tbcli.doctor.logdirs import check_logdir
    from tbcli.doctor.workspace import check_records, describe_closed
    from tbcli.readers.logdir import find_event_files
    from tbcli.runs import RunStore
    from tbcli.runs.references import is_directory

    store = RunStore(config.paths, config.direction)
    if not is_directory(store.logs_root):
        is_there = os.path.lexists(store.logs_root)
        return {}, [describe_closed(store, f"{str(store.logs_root)!r} is not a directory")] if is_there else []
    try:
        findings = list(check_records(store))
        files = find_event_files(store.logs_root)
    except NotFound as error:
        return {}, [describe_closed(store, error.message)]
    if not files.files:
        return {}, findings
    facts, found = check_logdir(store.logs_root, found=files)
    return facts, [*findings, *found]


def _settle(common: Common) -> tuple[Config, list[Finding]]:
    """Return the settings; where those of a file or a variable are invalid, the defaults, and a finding of it."""
    try:
        return common.settle(), []
    except ConfigError as error:
        from tbcli.config import Config
        from tbcli.doctor.workspace import describe_settings

        if common.config or common.assignments:
            raise
        flags = {key: said.value for key, said in common.flags.items() if said.value is not None}
        return Config().updated(flags, {key: said.typed for key, said in common.flags.items()}), [
            describe_settings(error)
        ]


def _ask_deeply(facts: dict[str, Any], config: Config) -> list[Finding]:
    from tbcli.doctor.deep import ask_tensorflow, judge_answers

    answers, findings = ask_tensorflow()
    facts["deep"] = answers
    if answers is not None:
        cards = facts["machine"]["gpu"]
        wants_bfloat16 = "bfloat16" in config.train.precision
        findings += judge_answers(answers, has_card=bool(cards["cards"] or cards["wsl"]), wants_bfloat16=wants_bfloat16)
    return findings


def _examine(common: Common, reference: str) -> tuple[dict[str, Any], list[Finding]]:
    """Return facts and findings about a run or a log directory."""
    config = common.settle()
    from tbcli.doctor.logdirs import check_logdir
    from tbcli.runs import LogDirectory, RunStore

    place = _named(RunStore(config.paths, config.direction), reference, common.output)
    if isinstance(place, LogDirectory):
        from tbcli.doctor.logged_courses import diagnose_place

        top = place.logs / place.run if place.run else place.logs
        _require_logs(top)
        facts, findings = check_logdir(top)
        findings += _records_in(top, config)
        return {"logdir": facts}, [
            *findings,
            *(diagnose_place(place, can_resume=_can_resume) if facts["whole"] else []),
        ]
    from tbcli.doctor.diagnosis import diagnose
    from tbcli.doctor.kept_files import check_kept, describe_states
    from tbcli.doctor.workspace import check_run

    facts, findings = check_logdir(place.logs)
    kept = [*check_run(place), *check_kept(place), *describe_states(place, _states(place))]
    return {"run": place.id, "logdir": facts}, [*kept, *diagnose(place, can_resume=_can_resume), *findings]


def _can_resume(run: Run) -> bool:
    """Say whether a run has a whole state to resume from."""
    return "" in _states(run).values()


def _states(run: Run) -> dict[Path, str]:
    """Return what is wrong with each state of a run, ``""`` of a whole one."""
    from tbcli.training.continuing.state import DamagedState, Generations, read_state

    problems = {}
    for path in Generations(run.checkpoints).files():
        problems[path] = ""
        try:
            if path.stat().st_size <= _LARGE_STATE:
                read_state(path)
        except (DamagedState, OSError) as error:
            problems[path] = str(error)
    return problems


def _require_logs(top: Path) -> None:
    """Refuse a file that is no log by its name, and holds no record either.

    Raises:
        NotFound: It is such a file.
    """
    from tbcli.events.damage import UNREADABLE
    from tbcli.readers.events import open_logdir
    from tbcli.readers.logdir import is_event_name

    if not top.is_file() or is_event_name(top.name):
        return
    damage = open_logdir(top, cache=False).damage
    unread = next((each.detail for each in damage if each.kind == UNREADABLE), "")
    is_table = "training log" in unread or "table" in unread
    if is_table or any(each.kind in _NOTHING_READ and not each.offset for each in damage):
        raise NotFound(
            f"{str(top)!r} is not an event file{f', and {unread}' if is_table else ': nothing in it is a record'}",
            hint="name a run, a log directory, or a file whose name has tfevents in it",
        )


def _named(store: RunStore, reference: str, output: Output) -> Run | LogDirectory:
    """Return what a reference names; what names no run may be a directory here, with or without a slash."""
    from tbcli.cli.places import named_place
    from tbcli.runs import LogDirectory
    from tbcli.runs.references import is_directory, is_path

    if is_path(reference) or not is_directory(Path(reference)):
        return named_place(store, reference, output)
    try:
        return store.find_any(reference, output.say)
    except NotFound:
        return LogDirectory(reference, Path(reference), directions=store.directions)


def _records_in(top: Path, config: Config) -> list[Finding]:
    """Return what is wrong with the records of runs of ours in a log directory."""
    from tbcli.config import PathsConfig
    from tbcli.doctor.workspace import check_records
    from tbcli.runs import RunStore
    from tbcli.runs.references import is_directory

    return list(check_records(RunStore(PathsConfig(logdir=str(top)), config.direction))) if is_directory(top) else []
