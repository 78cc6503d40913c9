"""``tbcli compare``: runs side by side, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_run
from tbcli.cli.listing import require_one_form
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, with_common_options
from tbcli.cli.output import Output, printable
from tbcli.cli.places import OfSweep, find_places, list_own_runs, store_of
from tbcli.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from tbcli.comparison import Comparison
    from tbcli.runs import LogDirectory, Run, RunStore
    from tbcli.runs.summary import Summary

COMPARISON_PANEL = "Comparison"


@with_common_options
def compare(
    common: Common,
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN RUN...",
            help="latest, best, an id or its beginning, a name, or a path: the runs in it. With --group-by: all runs.",
            autocompletion=complete_run,
        ),
    ] = None,
    sweep: OfSweep = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Compare with this run. [default: the first]",
            rich_help_panel=COMPARISON_PANEL,
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Compare means of groups. `seed` groups runs that differ only in their seed; any other key by value.",
            rich_help_panel=COMPARISON_PANEL,
        ),
    ] = None,
    code: Annotated[
        bool,
        typer.Option(
            "--code",
            help="Show how the scripts of two runs differ, and git's diffs; see `tbcli run`.",
            rich_help_panel=COMPARISON_PANEL,
        ),
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="CSV, one row per metric and run.", rich_help_panel=OUTPUT_PANEL)
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown.", rich_help_panel=OUTPUT_PANEL)] = False,
    as_json: Json = False,
) -> None:
    """Compare runs: metrics at best and last epoch, and the settings that differ.

    `tbcli help metrics` lists which metrics are better when low or high; [direction] in
    tbcli.toml says it for others. Deviations are sample standard deviations (n - 1). Groups are of
    runs that have finished; others are named.
    """
    require_one_form(csv=as_csv, markdown=markdown, json=as_json)
    if code:
        require_one_form(
            code=code, csv=as_csv, markdown=markdown, baseline=baseline is not None, group_by=bool(group_by)
        )
    config = common.settle()
    store, output = store_of(config, sweep), common.output
    if code:
        from tbcli.cli.render.code_comparison import compare_code

        compare_code(find_places(store, list(runs or ()), output), output, as_json=as_json)
        return
    comparison = _compared(store, list(runs or ()), baseline, group_by or "", output)
    _show(comparison, group_by, output, as_csv, markdown, as_json)
    if len(comparison.sides) == 2 and not group_by:
        _say_of_code([side.members[0].id for side in comparison.sides], store, output)


def _say_of_code(ids: Sequence[str], store: RunStore, output: Output) -> None:
    """Say so where both runs kept their scripts, and these differ."""
    from tbcli.runs.source import compare_sources, read_source, source_directory

    runs = [run for run in map(store.load, ids) if run is not None and source_directory(run).is_dir()]
    try:
        differs = len(runs) == 2 and bool(compare_sources(*map(read_source, runs)))
    except NotFound:
        return  # damaged
    if differs:
        output.say(f"the code differs: `tbcli compare {' '.join(ids)} --code` shows how")


def _compared(
    store: RunStore, references: list[str], baseline: str | None, group_by: str, output: Output
) -> Comparison:
    """Return the runs side by side, or groups of those that have finished.

    Raises:
        ConfigError: These are too few to compare, or the baseline is in no group.
    """
    from tbcli.comparison import compare_sides
    from tbcli.grouping import Side, group_finished

    summaries, judged_by = _summaries(store, references, baseline, output, all_runs=bool(group_by or store.sweep))
    if not group_by:
        if len(summaries) < 2:
            raise ConfigError(
                f"only one run to compare: {summaries[0].label}" if summaries else "no runs to compare",
                hint="`tbcli compare latest best`: at least two runs",
            )
        sides = [Side(summary.label, (summary,)) for summary in summaries]
        return compare_sides(sides, summaries.index(judged_by))
    groups = group_finished(summaries, group_by)
    if baseline is None and judged_by in groups.left_out:
        judged_by = groups.sides[0].members[0]
    if judged_by in groups.left_out:
        raise ConfigError(
            f"--baseline {baseline!r} is {judged_by.unfinished}, and groups are of runs that have finished",
            hint="`--baseline` a finished run of the group to compare with",
        )
    base = next(i for i, side in enumerate(groups.sides) if judged_by in side.members)
    comparison = compare_sides(groups.sides, base, grouped_by=group_by)
    return replace(comparison, notes=(*groups.notes, *comparison.notes), left_out=groups.left_out)


def _summaries(
    store: RunStore, references: list[str], baseline: str | None, output: Output, *, all_runs: bool
) -> tuple[list[Summary], Summary]:
    """Return the runs, each once, and the one that is the baseline."""
    from tbcli.cli.summaries import summaries_of

    found: list[Run | LogDirectory] = find_places(store, references, output)
    if all_runs and not references:
        found = [*list_own_runs(store, output)]
    summaries = summaries_of(found, output)
    base = summaries_of(find_places(store, [baseline], output), output) if baseline is not None else summaries
    distinct = {summary.id: summary for summary in (*summaries, *base)}
    if not distinct:
        raise ConfigError("no runs to compare", hint="`tbcli compare latest best`: at least two runs")
    if baseline is not None and len(base) != 1:
        raise ConfigError(
            f"--baseline {baseline!r} matches {len(base)} runs", hint="one run: `tbcli runs PATH` lists those in a path"
        )
    return list(distinct.values()), distinct[base[0].id]


def _show(
    comparison: Comparison, group_by: str | None, output: Output, as_csv: bool, markdown: bool, as_json: bool
) -> None:
    from tbcli.cli.render.comparison import as_markdown_lines, as_table_lines
    from tbcli.cli.render.comparison_document import as_csv_lines, as_document
    from tbcli.naming.matching import listed

    bare = [printable(comparison.sides[position].label) for position in comparison.unconfigured]
    if 0 < len(bare) < len(comparison.sides):
        output.say(f"settings are compared without {listed(bare)}, which logged none")
    for note in comparison.notes:
        output.warn(note)
    if as_json:
        output.document(as_document(comparison, group_by))
    elif as_csv:
        output.results(as_csv_lines(comparison))
    elif markdown:
        output.results(as_markdown_lines(comparison))
    else:
        output.results(as_table_lines(comparison))
