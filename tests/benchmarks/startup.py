"""Start-up: what a person waits for before anything happens, against a process that only imports Typer."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.benchmarks.measure import PYTHON, TBCLI, interleaved, report
from tests.fakes import make_run

FLOOR = "import typer"
GOALS = {
    "tbcli --help": 3.0,
    "tbcli --version": 1.6,
    "tbcli runs, 100 runs, terminal": 2.5,
    "tbcli runs, 100 runs, piped": 1.8,
}


def bench() -> None:
    """Measure help, version, listings and completion."""
    with tempfile.TemporaryDirectory() as place:
        hundred, thousand = Path(place, "hundred"), Path(place, "thousand")
        for workspace, count in ((hundred, 100), (thousand, 1000)):
            for i in range(count):
                make_run(workspace, started=datetime.now(UTC) - timedelta(minutes=i), files=False)
        runs = [*TBCLI, "runs", "--workspace", str(hundred)]
        contestants = {
            FLOOR: [PYTHON, "-c", "import typer"],
            "tbcli --version": [*TBCLI, "--version"],
            "tbcli --help": [*TBCLI, "--help"],
            "tbcli runs, 100 runs, piped": runs,
            "tbcli runs, 100 runs, terminal": runs,
            "tbcli runs, 1,000 runs, piped": [*TBCLI, "runs", "--workspace", str(thousand)],
            "completion of a run, 1,000 runs": ["env", *_completing(thousand), *TBCLI],
        }
        costs = interleaved(contestants, rounds=11, terminal=["tbcli --help", "tbcli runs, 100 runs, terminal"])
        report("Start-up", costs, peer=FLOOR, goals=GOALS)


def _completing(workspace: Path) -> list[str]:
    words = f"tbcli plot --workspace {workspace} 2"
    return ["_TBCLI_COMPLETE=complete_bash", f"COMP_WORDS={words}", "COMP_CWORD=4"]
