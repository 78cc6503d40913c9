"""The heavy kinds of evidence, which a run can do without: what `tbcli clean --slim` knows."""

from __future__ import annotations

from collections.abc import Collection

from tbcli.errors import ConfigError
from tbcli.naming.matching import did_you_mean

PLUGINS = {
    "images": {"images"},
    "histograms": {"histograms"},
    "graphs": {
        "graph", "graphs", "graph_keras_model", "graph_run_metadata", "graph_run_metadata_graph", "run_metadata",
        "meta_graph",
    },
    "pr_curves": {"pr_curves"},
    "audio": {"audio"},
    "text": {"text"},
}  # fmt: skip
"""Kinds of values in event files, each with TensorBoard's plugins or the kinds of records that are of it."""
DIRECTORIES = {"projector": ("projector",), "profile": ("plugins", "profile"), "checkpoints": ("checkpoints",)}
"""Kinds of evidence that have directories of their own below a run."""
KINDS = (*PLUGINS, *DIRECTORIES)
STATES = "checkpoints"
DISPENSABLE = (STATES, "profile")
"""What can be taken from a run without changing the files that a resumed training writes on."""


def takes_states(kinds: Collection[str]) -> bool:
    """Return whether the states of a run go, asked for or because they belong to files that will not be whole."""
    return STATES in kinds or any(kind not in DISPENSABLE for kind in kinds)


def parse_kinds(text: str) -> tuple[str, ...]:
    """Return the kinds in a list with commas.

    Raises:
        ConfigError: One is unknown, or there is none.
    """
    kinds = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(f"unknown --slim {kind!r}", hint=did_you_mean(kind, KINDS))
    if not kinds:
        raise ConfigError(f"--slim {text!r} names nothing", hint=f"a list of {', '.join(KINDS)}")
    return kinds
