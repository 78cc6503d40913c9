"""Patches for TensorBoard's plugins: traces below linked runs are listed, projector vectors are read anew."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from typing import Any


def list_traces_behind_links(loader: Any) -> Any:
    """Return a plugin's loader; if it is the profile plugin's, traces below linked runs are listed like others.

    The plugin of the package xprof looks for traces by itself, without following links. It opens them by their path,
    links or not, so only its list has to be made longer.
    """
    load = loader.load

    def loaded(context: Any) -> Any:
        plugin = load(context)
        if hasattr(plugin, "generate_runs"):
            plugin.generate_runs = lambda: _listed(plugin)
        return plugin

    loader.load = loaded
    return loader


def _listed(plugin: Any) -> Iterator[str]:
    """Yield the plugin's names of traces: the directory below the log directory, a slash, the trace's own name."""
    listed = type(plugin).generate_runs
    yield from listed(plugin)
    for link in _linked_directories(plugin.logdir):
        elsewhere = copy.copy(plugin)  # other threads go on asking the plugin itself
        elsewhere.logdir = link.path
        for trace in listed(elsewhere):
            yield f"{link.name}/{trace}"


def _linked_directories(logdir: object) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(str(logdir)) as entries:
            return [entry for entry in entries if entry.is_symlink() and entry.is_dir()]
    except OSError:  # not there yet, or not local
        return []


def read_vectors_anew(loader: Any) -> Any:
    """Return a plugin's loader; what TensorBoard's projector would remember, it then reads for every page.

    The projector remembers the vectors of one run until those of another are asked for, however often training
    rewrites them, while their labels and predictions come fresh from disk: the two would not belong together.
    """
    load = loader.load

    def loaded(context: Any) -> Any:
        plugin = load(context)
        if hasattr(plugin, "tensor_cache"):
            plugin.tensor_cache = _NoMemory()
        return plugin

    loader.load = loaded
    return loader


class _NoMemory:
    """Answers like the projector's ``LRUCache``, and keeps nothing."""

    def get(self, key: object) -> None:
        """Return None: it is not here."""

    def set(self, key: object, value: object) -> None:
        """Forget it."""
