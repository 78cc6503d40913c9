"""The only room that knows how a run looks on disk."""

from tbcli.runs.run import LogDirectory, Run
from tbcli.runs.store import RunStore

__all__ = ["LogDirectory", "Run", "RunStore"]
