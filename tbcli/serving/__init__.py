"""Runs to a TensorBoard URL: the port first, then the log directory, then the server."""

from tbcli.serving.guard import settle_token
from tbcli.serving.launcher import Server, launch
from tbcli.serving.links import as_logdir, shown_places
from tbcli.serving.ports import reserve
from tbcli.serving.samples import settle_samples
from tbcli.serving.signals import StopSignals
from tbcli.serving.survey import nearest_runs, survey

__all__ = [
    "Server",
    "StopSignals",
    "as_logdir",
    "launch",
    "nearest_runs",
    "reserve",
    "settle_samples",
    "settle_token",
    "shown_places",
    "survey",
]
