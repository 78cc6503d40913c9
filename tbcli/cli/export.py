"""``tbcli export``: scalars as CSV, JSON or Parquet, or a slimmed copy of the event files."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.completing import complete_metric
from tbcli.cli.options import OUTPUT_PANEL, Common, Json, RunsArgument, with_common_options
from tbcli.cli.output import Output, abandon_stdout, counted_bytes, for_eyes, is_terminal, leads_to_stdout, printable
from tbcli.cli.places import NoCache, OfSweep, Verify, places_asked, store_of
from tbcli.errors import ConfigError

if TYPE_CHECKING:
    from tbcli.exporting import Table
    from tbcli.readers import Damage
    from tbcli.runs import LogDirectory, Run

WHAT_PANEL = "What"


@with_common_options
def export(
    common: Common,
    runs: RunsArgument = None,
    sweep: OfSweep = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="csv, json, parquet or tensorboard. [default: from the extension of --out, else csv]",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    wide: Annotated[
        bool,
        typer.Option("--wide", help="One row per step, one column per metric.", rich_help_panel=OUTPUT_PANEL),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="File, or - for stdout; with --format tensorboard a directory, new or empty. [default: -]",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None,
    as_json: Json = False,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            autocompletion=complete_metric,
            help="Metric, tag or glob to export. Without '/' a glob matches metric names; with '/' it matches run/tag. "
            "Repeatable. [default: all]",
            rich_help_panel=WHAT_PANEL,
        ),
    ] = None,
    verify: Verify = False,
    no_cache: NoCache = False,
) -> None:
    """Write the scalars of a run, or of any log directory, as CSV, JSON, Parquet or event files.

    Without a run, the latest; with --sweep all of that sweep. Columns: run, metric, step, wall_time (seconds since
    1970), value. Values that are not numbers are nan, inf or -inf in CSV and null in JSON. Event files get scalars and
    texts only.
    """
    config = common.settle()
    from tbcli.exporting import TENSORBOARD, chosen_form, read_places

    target = None if out is None or str(out) == "-" else out
    form = chosen_form(_said(format_, as_json=as_json), target)
    if form == TENSORBOARD and wide:
        raise ConfigError("--wide has no effect on --format tensorboard", hint="leave it out")
    to_stdout = target is None or leads_to_stdout(target)
    if form == "parquet" and to_stdout and is_terminal(sys.stdout):
        raise ConfigError("refusing to write Parquet to a terminal", hint="`--out FILE.parquet`, or `> FILE.parquet`")
    places = places_asked(store_of(config, sweep), runs or [], common.output)
    if form == TENSORBOARD and target is not None:
        _write_copy(places, metric or (), target, common.output, verify=verify, cache=not no_cache)
        return
    table = read_places(places, metric or (), verify=verify, cache=not no_cache)
    _tell(common.output, table.damage, table.superseded, table.left_out)
    if target is None or to_stdout:
        _to_stdout(table, form, wide=wide)
    else:
        _to_file(table, form, target, wide=wide)
        common.output.result(printable(str(target)))


def _said(form: str | None, *, as_json: bool) -> str | None:
    if as_json and form not in (None, "json"):
        raise ConfigError(f"--json conflicts with --format {form}", hint="leave one of them out")
    return "json" if as_json else form


def _tell(output: Output, damage: Iterable[Damage], superseded: int, left_out: Iterable[str] = ()) -> None:
    from tbcli.cli.render.damage import warn_of_damage

    for sentence in left_out:
        output.warn(sentence)
    warn_of_damage(output, damage)
    if superseded:
        output.say(f"{superseded:,} points are left out: the run wrote them again after it was resumed")


class _Eyes(io.BytesIO):
    """A terminal as a file of bytes, which shows control characters and does not obey them."""

    def write(self, content: Any) -> int:
        sys.stdout.write(for_eyes(bytes(content).decode(errors="replace"), sys.stdout))
        return len(content)


def _to_stdout(table: Table, form: str, *, wide: bool) -> None:
    from tbcli.exporting import write_table

    try:
        write_table(table.series, form, _Eyes() if is_terminal(sys.stdout) else sys.stdout.buffer, wide=wide)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has seen enough; the app leaves quietly
    except OSError as error:
        abandon_stdout()
        raise ConfigError(f"cannot write to stdout: {error.strerror}", hint="make room where the output goes") from None


def _to_file(table: Table, form: str, out: Path, *, wide: bool) -> None:
    from tbcli.exporting import write_table
    from tbcli.runs.files import named_file

    try:
        with named_file(out) as file:
            write_table(table.series, form, file, wide=wide)
    except BrokenPipeError:
        raise  # as on stdout
    except OSError as error:
        raise _unwritable(out, error) from error


def _write_copy(
    places: list[Run | LogDirectory], patterns: Iterable[str], out: Path, output: Output, *, verify: bool, cache: bool
) -> None:
    from tbcli.exporting import copy_places

    try:
        copy = copy_places(places, tuple(patterns), out, verify=verify, cache=cache)
    except OSError as error:
        raise _unwritable(out, error) from error
    _tell(output, copy.damage, copy.superseded)
    texts = f" and {copy.texts:,} texts" if copy.texts else ""
    output.say(f"{copy.series:,} series{texts}, {counted_bytes(copy.bytes)}")
    output.result(printable(str(out)))


def _unwritable(out: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot write {str(out)!r}: {error.strerror or error}", hint="`--out` where there is room and you may write"
    )
