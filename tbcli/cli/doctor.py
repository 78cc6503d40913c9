"""``tbcli doctor``: what is wrong with the machine, a log directory or a run, and the command that mends it."""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.completing import complete_run
from tbcli.cli.options import Common, Json, with_common_options
from tbcli.cli.output import Output, counted_bytes, printable, styled
from tbcli.errors import CheckFailed, ConfigError, NotFound
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.doctor.findings import Finding
    from tbcli.runs import LogDirectory, Run, RunStore

_WIDTH, _MARGIN = 80, 9
_NOTHING_READ = ("empty", "foreign", "torn", "growing", "zeros")  # kinds of damage: at byte 0, there is no record
_LARGE_STATE = 1 << 30  # bytes; larger ones are taken for whole, for reading them takes long
_STYLES = {"note": "cyan", "warning": "yellow", "error": "red"}


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
    from tbcli.doctor.findings import needs_action, worst_first

    if run is not None and deep:
        raise ConfigError("--deep asks about the machine, not about a run", hint="`tbcli doctor --deep`")
    facts, findings = _examine(common, run) if run is not None else _examine_all(common, deep=deep)
    places = _places_typed(common)
    findings = worst_first(dict.fromkeys(replace(each, fix=_placed(each.fix, places)) for each in findings))
    if as_json:
        common.output.document(_document(facts, findings))
    else:
        lines = [*_fact_lines(facts), *_finding_lines(findings)]
        common.output.results(lines)
    if needs_action(findings):
        counted = _counted(findings)
        raise CheckFailed(f"found {counted}", hint="what stands behind `fix` mends each")


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


def _document(facts: dict[str, Any], findings: Sequence[Finding]) -> dict[str, Any]:
    keys = ("level", "name", "where", "what", "why", "fix")
    return {
        "schema": schemas.OTHERS,
        "worst": findings[0].level if findings else None,
        "findings": [{key: getattr(finding, key) for key in keys} for finding in findings],
        "facts": facts,
    }


def _counted(findings: Sequence[Finding]) -> str:
    """Return ``2 errors, 1 warning``; notes are not counted."""
    counts = Counter(finding.level for finding in findings if finding.severity)
    return ", ".join(f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items())


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield ""
        level = styled(finding.level.ljust(_MARGIN), _STYLES[finding.level], sys.stdout)
        yield level + printable(f"{finding.name}{f': {finding.where}' if finding.where else ''}")
        for text in (finding.what, finding.why):
            yield from _folded(text)
        if finding.fix:
            yield " " * _MARGIN + styled("fix: ", "bold", sys.stdout) + printable(finding.fix)
    if not findings:
        yield ""
        yield "No problems found."


def _folded(text: str) -> list[str]:
    """Return a sentence as lines behind the margin."""
    return [" " * _MARGIN + line for line in _wrapped(text, _WIDTH - _MARGIN)]


def _wrapped(text: str, width: int) -> list[str]:
    """Return a text as lines; words are never cut."""
    return textwrap.wrap(printable(text), width, break_long_words=False, break_on_hyphens=False)


def _fact_lines(facts: dict[str, Any]) -> Iterator[str]:
    """Yield a few lines on what was looked at."""
    told = list(_facts(facts))
    width = max((len(name) for name, _ in told), default=0) + 2
    for name, text in told:
        parts = text.split("\n")
        lines = [line for part in parts for line in _wrapped(part, _WIDTH - width)]
        for number, line in enumerate(lines):
            yield ("" if number else name).ljust(width) + line


def _facts(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "run" in facts:
        yield "run", facts["run"]
    if "versions" in facts:
        yield from _machine_facts(facts)
    if "logdir" in facts:
        yield "logs", _logs_told(facts["logdir"])


def _machine_facts(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    shown = ("python", "tbcli", "tensorflow", "keras", "tensorboard", "numpy")
    yield "versions", ", ".join(f"{name} {facts['versions'][name]}" for name in shown if name in facts["versions"])
    processor, memory, cards = (facts["machine"][name] for name in ("processor", "memory", "gpu"))
    bfloat16 = {"hardware": ", bfloat16 in hardware", "emulated": ", bfloat16 emulated (slow)"}
    cores = "1 core" if processor["cores"] == 1 else f"{processor['cores']} cores"
    yield "processor", f"{processor['model']}, {cores}{bfloat16.get(processor['bfloat16'], '')}"
    yield "gpu", ", ".join(cards["cards"]) + (f" (driver {cards['driver']})" if cards["driver"] else "") or "none"
    if memory["available"] is not None and memory["total"]:
        yield (
            "memory",
            f"{counted_bytes(memory['available'])} of {counted_bytes(memory['limit'] or memory['total'])} free",
        )
    for disk in facts["disk"]:
        yield "disk", f"{counted_bytes(disk['free'])} free at {disk['path']} ({', '.join(disk['names'])})"
    browsing = facts["browsing"]
    yield "port", f"{browsing['port']} is {'in use by ' + browsing['holder'] if browsing['holder'] else 'free'}"
    if browsing["ssh"]:
        yield "ssh", f"{browsing['ssh']}\non your own machine; then open http://localhost:{browsing['port']} there"
    if browsing["container"]:
        yield "container", browsing["container"]
    if facts["settings"]["files"] or facts["settings"]["variables"]:
        yield "settings", ", ".join([*facts["settings"]["files"], *facts["settings"]["variables"]])
    if facts["trash"]["runs"]:
        yield "trash", f"{facts['trash']['runs']:,} runs, {counted_bytes(facts['trash']['bytes'])}"
    if facts.get("deep"):
        yield "tensorflow", _answers_told(facts["deep"])


def _answers_told(answers: dict[str, Any]) -> str:
    told = [", ".join(name.rpartition("physical_device:")[2] for _, name in answers["devices"])]
    told.append(f"oneDNN {'on' if answers['onednn'] else 'off'}, Keras on {answers['backend']}")
    if "bfloat16_seconds" in answers:
        float32, bfloat16 = (1e3 * answers[f"{kind}_seconds"] for kind in ("float32", "bfloat16"))
        told.append(f"768 x 768 product in {float32:.1f} ms (float32) and {bfloat16:.1f} ms (bfloat16)")
    return "; ".join(told)


def _logs_told(logs: dict[str, Any]) -> str:
    files = f"{logs['files']:,} event file{'' if logs['files'] == 1 else 's'}"
    places = f"{logs['directories']:,} director{'y' if logs['directories'] == 1 else 'ies'}"
    part = (
        f"; only the newest {logs['files_read']:,} were read" if logs["files_read"] else "; too large to be read here"
    )
    part = "" if logs["whole"] else part
    return f"{files} in {places} at {logs['path']}, {counted_bytes(logs['bytes'])}{part}"
