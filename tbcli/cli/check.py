"""``tbcli check``: gates on the metrics of runs; the exit code is the answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_run
from tbcli.cli.listing import require_one_form
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, with_common_options
from tbcli.cli.output import Output, printable
from tbcli.cli.places import OfSweep, find_places, list_own_runs, store_of
from tbcli.errors import ConfigError

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.gates import Field, Gate, Tolerance, Verdict
    from tbcli.runs import LogDirectory, Run, RunStore
    from tbcli.runs.summary import Summary

GATE_PANEL = "Gates"
_EXAMPLE = '`tbcli check latest "val_accuracy.best>=0.98"`, or `--baseline best`'


@with_common_options
def check(
    common: Common,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="latest, best, an id or its beginning, a name, or a path: every run in it must pass. With --sweep "
            "alone every trial must.",
            autocompletion=complete_run,
        ),
    ] = None,
    gates: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EXPR]...",
            help='Conditions, e.g. "val_accuracy.best>=0.98", "loss<0.1 and (epoch<=20 or seed=1)".',
        ),
    ] = None,
    sweep: OfSweep = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Fail if worse than this run on the given metrics (default: all that are not of training).",
            rich_help_panel=GATE_PANEL,
        ),
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Allowed regression from the baseline: relative (0.5%) or absolute (0.005). [default: 0]",
            rich_help_panel=GATE_PANEL,
        ),
    ] = None,
    markdown: Annotated[
        bool,
        typer.Option("--markdown", help="Markdown, e.g. for a CI job's summary.", rich_help_panel=OUTPUT_PANEL),
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a JUnit file.", rich_help_panel=OUTPUT_PANEL)
    ] = None,
    as_json: Json = False,
) -> None:
    """Check conditions on a run. Exits 7 if a condition fails, 3 if a metric does not exist.

    3 takes precedence. A metric means its last value, .best its best, .epoch the epoch
    of the best. Conditions may also use epoch, status, model and any setting; NaN never
    satisfies a condition.
    """
    from tbcli.gates import Tolerance, judge_unfinished, parse_gates
    from tbcli.sweeps.endings import trials_without_runs

    config, output = common.settle(), common.output
    store = store_of(config, sweep)
    run, words = _told_apart(run, list(gates or ()), store)
    conditions, fields = parse_gates(words)
    if run is None and sweep is None:
        raise ConfigError("no run to check", hint=_EXAMPLE)
    _require_something_to_judge(conditions, fields, baseline, tolerance, run or "")
    require_one_form(markdown=markdown, json=as_json)
    allowed = Tolerance.parse(tolerance) if tolerance is not None else Tolerance()
    from tbcli.cli.render.check import as_document, verdict_lines
    from tbcli.cli.summaries import summaries_of

    places = find_places(store, [run], output, decides=True) if run else [*list_own_runs(store, output)]
    summaries = [*summaries_of(places, output), *([] if run else trials_without_runs(store, config.paths))]
    judged_by = _find_baseline(store, baseline, output) if baseline is not None else None
    checked = _judge_all(summaries, conditions, judged_by, fields, allowed, output)
    checked = checked if run else judge_unfinished(checked)
    for place in places:
        _say_if_training(place, output)
    verdicts = [verdict for _, judged in checked for verdict in judged]
    label = summaries[0].label if len(summaries) == 1 else run or f"sweep {store.sweep}"
    try:
        if junit:
            _write_junit(junit, verdicts, label)
    finally:  # the verdicts are shown even if that file cannot be written
        if as_json:
            output.document(as_document(checked, judged_by))
        elif markdown:
            from tbcli.gates.reports import as_markdown

            output.result(as_markdown(verdicts, label))
        else:
            output.results(verdict_lines(verdicts, sys.stdout))
    _exit_with(verdicts, label)


def _told_apart(run: str | None, words: list[str], store: RunStore) -> tuple[str | None, list[str]]:
    """Return the run that was named, None for every run of a sweep, and the conditions."""
    from tbcli.gates import is_condition

    if run and store.sweep and is_condition(run) and all(run != one.name for one in store.each()):
        return None, [run, *words]
    return run, words


def _find_baseline(store: RunStore, reference: str, output: Output) -> Summary:
    """Return the one run that a reference names.

    Raises:
        ConfigError: It names several.
    """
    from tbcli.cli.summaries import summaries_of

    first, *others = summaries_of(find_places(store, [reference], output, decides=True), output)
    if others:
        raise ConfigError(
            f"--baseline {reference!r} matches {len(others) + 1} runs", hint="`tbcli runs PATH` lists those in a path"
        )
    return first


def _judge_all(
    summaries: Sequence[Summary],
    conditions: Sequence[Gate],
    baseline: Summary | None,
    fields: Sequence[Field],
    tolerance: Tolerance,
    output: Output,
) -> list[tuple[Summary, list[Verdict]]]:
    """Return the verdicts on each run, and say which metrics a baseline gates if none were named."""
    from tbcli.gates import judge, judge_against
    from tbcli.runs.comparable import notes_on_differences

    said: set[str] = set()
    checked = []
    for summary in summaries:
        verdicts = judge(summary, conditions)
        if baseline is not None:
            for note in notes_on_differences([(one.label, [one]) for one in (summary, baseline)]):
                output.warn(note)
            if not fields and (sentence := _what_is_gated(summary, baseline)) not in said:
                said.add(sentence)
                output.say(sentence)
            verdicts += judge_against(summary, baseline, fields, tolerance)
        for verdict in verdicts:
            if verdict.warning and verdict.outcome == "passed":
                output.warn(f"{summary.label}: {verdict.gate} passes, but the {verdict.warning}")
        checked.append((summary, verdicts))
    return checked


def _what_is_gated(summary: Summary, baseline: Summary) -> str:
    """Return a sentence on which metrics are gated as none were named, and which are not and why."""
    from tbcli.gates import gated_by
    from tbcli.naming.matching import listed

    gated = gated_by(baseline, summary)
    left_out = [f"{name} ({why})" for name, why in gated.left_out.items()]
    return f"gated by {printable(baseline.label)}: {printable(listed([str(field) for field in gated.fields]))}" + (
        f"; left out: {printable(listed(left_out))}" if left_out else ""
    )


def settle_gates(expressions: Sequence[str], config: Config) -> list[Gate]:
    """Return what `train --check` judges at the end, as far as that is known before the data are.

    Raises:
        ConfigError: An expression does not follow the grammar, is a name alone, or compares a number with a word.
        NotFound: The training will have nothing of that name.
    """
    from tbcli.gates import parse_conditions

    gates = [gate for expression in expressions for gate in parse_conditions(expression)]
    if gates:
        from tbcli.training.request import expect, expected_summary

        expected = expect(config)
        if expected.is_complete:
            require_known(gates, expected_summary(config, expected))
    return gates


def require_known(gates: Sequence[Gate], expected: Summary) -> None:
    """Check that a training will have all that gates ask for.

    Raises:
        ConfigError: A gate compares a number with a word.
        NotFound: It will have nothing of that name.
    """
    from tbcli.gates import failure_of, judge, names_asked

    # What recorders write is known by them alone; all their tags have a slash.
    known = [gate for gate in gates if not any(_is_tag(field.name) for field in names_asked(gate))]
    missing = [each for each in judge(expected, known) if each.outcome == "missing"]
    failure = failure_of(missing, "this training")
    if failure:
        raise failure


def _is_tag(name: str) -> bool:
    return "/" in name or name.startswith(("epoch_", "batch_"))


def check_trained(run: Run, gates: Sequence[Gate], output: Output) -> None:
    """Judge a run that has just been trained, with the verdicts on stderr: stdout is for the run's id.

    Raises:
        CheckFailed: A gate failed.
        NotFound: The run has no such metric.
    """
    from tbcli.cli.render.check import verdict_lines
    from tbcli.cli.summaries import summaries_of_place
    from tbcli.gates import judge

    verdicts = judge(summaries_of_place(run, output)[0], gates)
    for line in verdict_lines(verdicts, sys.stderr):
        output.say(line)
    _exit_with(verdicts, run.label)


def _exit_with(verdicts: Sequence[Verdict], label: str) -> None:
    from tbcli.gates import failure_of

    failure = failure_of(verdicts, label)
    if failure:
        raise failure


def _require_something_to_judge(
    conditions: Sequence[Gate], fields: Sequence[Field], baseline: str | None, tolerance: str | None, run: str
) -> None:
    from tbcli.gates import is_condition

    if baseline is not None:
        return
    if tolerance is not None:
        raise ConfigError("--tolerance needs --baseline", hint="`--baseline REF` names the run to compare with")
    if fields:
        raise ConfigError(f"{str(fields[0])!r} has no comparison; write e.g. {fields[0]}<0.1", hint=_EXAMPLE)
    if not conditions and is_condition(run):
        raise ConfigError(
            f"no run is named before the condition {run!r}", hint=f"`tbcli check latest {shlex.quote(run)}`, or best"
        )
    if not conditions:
        raise ConfigError("no conditions to check", hint=_EXAMPLE)


def _say_if_training(found: Run | LogDirectory, output: Output) -> None:
    from tbcli.runs import Run

    if isinstance(found, Run) and found.is_live():
        output.say(f"{printable(found.label)} is still training: only the epochs so far are checked")


def _write_junit(path: Path, verdicts: Sequence[Verdict], label: str) -> None:
    from tbcli.gates.reports import as_junit
    from tbcli.runs.files import named_file

    try:
        with named_file(path) as file:
            file.write(as_junit(verdicts, label).encode())
    except OSError as error:
        raise ConfigError(
            f"cannot write {str(path)!r}: {error.strerror or error}",
            hint="`--junit FILE` in a writable directory",
        ) from error
