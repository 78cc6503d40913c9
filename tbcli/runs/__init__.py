"""The only room that knows how a run looks on disk."""

from tbcli.runs.run import LogDirectory, Run
from tbcli.runs.store import RunStore, list_runs

__all__ = ["LogDirectory", "Run", "RunStore", "list_runs"]
