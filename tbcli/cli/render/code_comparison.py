"""What differs in the code of two runs, as a diff for a person or a pipe, and as one document."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, printable, styled
from tbcli.errors import ConfigError
from tbcli.naming import schemas
from tbcli.runs.run import Run
from tbcli.runs.source import compare_sources, read_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbcli.runs.run import LogDirectory
    from tbcli.runs.source import FileDifference, SourceCode

_STYLES = {"+++": "bold", "---": "bold", "@@": "cyan", "+": "green", "-": "red"}


def compare_code(places: Sequence[Run | LogDirectory], output: Output, *, as_json: bool) -> None:
    """Show how the code of two runs differs.

    Raises:
        ConfigError: These are not two runs.
        NotFound: One of them keeps no source.
    """
    runs = [place for place in places if isinstance(place, Run)]
    if len(runs) != 2 or len(places) != 2:
        raise ConfigError(f"--code compares two runs, got {len(places)}", hint="`tbcli compare latest~1 latest --code`")
    first, second = map(read_source, runs)
    found = compare_sources(first, second)
    for run, source in zip(runs, (first, second), strict=True):
        for name, reason in source.left_out.items():
            output.warn(f"of {name}, run {run.label} does not keep all: {reason}")
    if as_json:
        output.document(_document(runs, (first, second), found))
        return
    if not found:
        output.say("the code of both runs is the same")
    if first.commit != second.commit:
        output.say(f"commits {first.commit[:12] or 'none'} and {second.commit[:12] or 'none'}")
    output.results([_painted(line) for each in found for line in each.lines])


def _painted(line: str) -> str:
    shown = "\t".join(map(printable, line.split("\t")))
    style = next((style for start, style in _STYLES.items() if line.startswith(start)), "")
    return styled(shown, style, sys.stdout) if style else shown


def _document(runs: Sequence[Run], sources: Sequence[SourceCode], found: Sequence[FileDifference]) -> dict[str, object]:
    """Return the differences for JSON; keys are only ever added."""
    return {
        "schema": schemas.OTHERS,
        "runs": [
            {"id": run.id, "label": run.label, "script": each.script, "commit": each.commit or None}
            for run, each in zip(runs, sources, strict=True)
        ],
        "files": [{"path": each.path, "status": each.status, "diff": "\n".join(each.lines)} for each in found],
    }
