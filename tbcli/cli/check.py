"""``tbcli check``: gates on what a run reached; the exit code is the answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_run
from tbcli.cli.listing import require_one_form
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, with_common_options
from tbcli.cli.output import Output, padded, printable, styled, wants_colour
from tbcli.errors import ConfigError
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.gates import Condition, Field, Verdict
    from tbcli.runs import LogDirectory, Run
    from tbcli.runs.summary import Summary

GATE_PANEL = "Gates"
STYLES = {"passed": "green", "failed": "red", "missing": "yellow"}
_EXAMPLE = '`tbcli check latest "val_accuracy.best>=0.98"`, or `--baseline best`'


@with_common_options
def check(
    common: Common,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="latest, best, an id, its beginning, a name or a path.", autocompletion=complete_run
        ),
    ],
    gates: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXPR]...", help='Such as "val_accuracy.best>=0.98", "loss<0.1 and epoch<=20".'),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Not worse than this run: in metrics given by name alone, else in validation and test metrics.",
            rich_help_panel=GATE_PANEL,
        ),
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Worse than the baseline by so much will do: 0.5% of its value, or 0.005 (0).",
            rich_help_panel=GATE_PANEL,
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As Markdown, for the summary of a CI job.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JUnit file too.", rich_help_panel=OUTPUT_PANEL)
    ] = None,
    as_json: Json = False,
) -> None:
    """Check what a run reached; leaves with 7 when a gate fails, with 3 when there is no such metric.

    Where one gate fails and another finds no metric, it leaves with 3.
    A metric means its last value, .best its best, .epoch the epoch of that.
    epoch, status, model and every setting can be asked for too; NaN never passes.
    """
    from tbcli.gates import Tolerance, judge, judge_against, parse_gates

    conditions, fields = parse_gates(gates or ())
    _require_something_to_judge(conditions, fields, baseline, tolerance)
    require_one_form(markdown=markdown, json=as_json)
    allowed = Tolerance.parse(tolerance) if tolerance is not None else Tolerance()
    config = common.settle()
    from tbcli.cli.places import find_places
    from tbcli.cli.summaries import summarize_all
    from tbcli.runs import RunStore

    store, output = RunStore(config.paths, config.direction), common.output
    places = find_places(store, [run], output)
    summaries = summarize_all(places, output)
    judged_by = None
    if baseline is not None:
        judged_by, *others = summarize_all(find_places(store, [baseline], output), output)
        if others:
            raise ConfigError(
                f"--baseline {baseline!r} is {len(others) + 1} runs",
                hint="one run: `tbcli runs PATH` lists those in a path",
            )
    verdicts = []
    for summary in summaries:  # each has to pass
        verdicts += judge(summary, conditions)
        if judged_by is not None:
            verdicts += judge_against(summary, judged_by, fields, allowed)
    for place in places:
        _say_if_training(place, output)
    try:
        if junit:
            _write_junit(junit, verdicts, summary.label)
    finally:  # the verdicts are said even where that file cannot be written
        if as_json:
            output.document(_document(summary, judged_by, verdicts))
        elif markdown:
            from tbcli.gates.reports import as_markdown

            output.result(as_markdown(verdicts, summary.label))
        else:
            output.results(verdict_lines(verdicts, sys.stdout))
    _leave(verdicts, summary.label)


def settle_gates(expressions: Sequence[str]) -> list[Condition]:
    """Return what `train --check` is to judge at the end, before anything is trained.

    Raises:
        ConfigError: An expression does not follow the grammar, or is a name alone.
    """
    from tbcli.gates import parse_conditions

    return [condition for expression in expressions for condition in parse_conditions(expression)]


def check_trained(run: Run, conditions: Sequence[Condition], output: Output) -> None:
    """Judge a run that was just trained, and tell a person; stdout stays the run id's.

    Raises:
        CheckFailed: A gate failed.
        NotFound: The run has no such metric.
    """
    from tbcli.cli.summaries import summarize
    from tbcli.gates import judge

    verdicts = judge(summarize(run, output)[0], conditions)
    for line in verdict_lines(verdicts, sys.stderr):
        output.say(line)
    _leave(verdicts, run.label)


def verdict_lines(verdicts: Sequence[Verdict], stream: IO[str]) -> list[str]:
    """Return a line a gate, in colours where the stream wants any: the verdict, what was asked, what the run has."""
    rows = [[verdict.outcome, printable(verdict.gate), printable(verdict.found)] for verdict in verdicts]

    def paint(column: int, cell: str) -> str:
        return styled(cell, STYLES[cell.rstrip()], stream) if column == 0 else cell

    return padded(rows, paint=paint if wants_colour(stream) else None)


def _leave(verdicts: Sequence[Verdict], label: str) -> None:
    from tbcli.gates import failure_of

    failure = failure_of(verdicts, label)
    if failure:
        raise failure


def _require_something_to_judge(
    conditions: Sequence[Condition], fields: Sequence[Field], baseline: str | None, tolerance: str | None
) -> None:
    if baseline is not None:
        return
    if tolerance is not None:
        raise ConfigError(f"--tolerance {tolerance} of what?", hint="it goes with `--baseline REF`")
    if fields:
        raise ConfigError(f"{str(fields[0])!r} is compared with nothing", hint=_EXAMPLE)
    if not conditions:
        raise ConfigError("there is nothing to check", hint=_EXAMPLE)


def _say_if_training(found: Run | LogDirectory, output: Output) -> None:
    from tbcli.runs import Run

    if isinstance(found, Run) and found.is_live():
        output.say(f"{printable(found.label)} is still training: this judges the epochs so far")


def _write_junit(path: Path, verdicts: Sequence[Verdict], label: str) -> None:
    from tbcli.gates.reports import as_junit
    from tbcli.runs.files import named_file

    try:
        with named_file(path) as file:
            file.write(as_junit(verdicts, label).encode())
    except OSError as error:
        raise ConfigError(
            f"cannot write {str(path)!r}: {error.strerror or error}",
            hint="`--junit FILE` where there is room and you may write",
        ) from error


def _document(summary: Summary, baseline: Summary | None, verdicts: Sequence[Verdict]) -> dict[str, object]:
    from tbcli.gates.reports import as_documents

    return {
        "schema": schemas.METRICS,
        "run": summary.id,
        "label": summary.label,
        "baseline": baseline.id if baseline else None,
        "passed": all(verdict.outcome == "passed" for verdict in verdicts),
        "gates": as_documents(verdicts),
    }
