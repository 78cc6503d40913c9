"""Patches for TensorBoard's plugins.

Traces below linked runs are listed and no others are opened, projector vectors are read anew, and a plugin that raises
is left out. The slow reader passes over what is no regular file.
"""

from __future__ import annotations

import copy
import os
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

from tbcli.errors import describe_error


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
            apps = getattr(plugin, "get_plugin_apps", dict)
            plugin.get_plugin_apps = lambda: {route: _within(app) for route, app in apps().items()}
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


def _within(application: Any) -> Any:
    """Return one of the profile plugin's applications that opens no trace outside of the log directory."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        # Both of these paths are opened wherever they lead; in names a directory may be hidden.
        query = urllib.parse.parse_qsl(str(environ.get("QUERY_STRING", "")))
        if any(key in ("session_path", "run_path") or _leads_out(value) for key, value in query):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"traces are shown by their names\n"]
        return application(environ, start_response)

    return answer


def _leads_out(name: str) -> bool:
    return name.startswith(("/", "~")) or ".." in name.replace("\\", "/").split("/")


def _linked_directories(logdir: object) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(str(logdir)) as entries:
            return [entry for entry in entries if entry.is_symlink() and entry.is_dir()]
    except OSError:  # not there yet, or not local
        return []


def show_all_histograms(plugin: Any, most: int) -> Any:
    """Return a plugin, or the loader of the histograms', which then shows so many steps, not 51 of them."""
    if getattr(plugin, "plugin_name", "") != "histograms":
        return plugin
    from tensorboard.backend.application import make_plugin_loader

    loader = make_plugin_loader(plugin)
    load = loader.load

    def loaded(context: Any) -> Any:
        histograms = load(context)
        histograms.SAMPLE_SIZE = most
        return histograms

    loader.load = loaded
    return loader


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


def leave_out_if_broken(loader: Any, described: str, warn: Callable[[str], None], taken: set[str]) -> Any:
    """Return a plugin's loader that says when the plugin raises, and from then on leaves it out.

    Args:
        loader: The plugin's own.
        described: The plugin and its package, for the warning.
        warn: Told what is left out.
        taken: Names of the plugins that are there already; this one's is added.
    """
    load = loader.load
    broken: list[BaseException] = []

    def loaded(context: Any) -> Any:
        plugin = load(context)
        if plugin is not None:
            plugin.get_plugin_apps()  # TensorBoard asks again, and would not say what went wrong
            if plugin.plugin_name in taken:
                raise ValueError(f"there is another plugin {plugin.plugin_name!r}")
            taken.add(plugin.plugin_name)
        return plugin

    def forgiving(question: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def ask(subject: Any) -> Any:
            if broken:
                return None
            try:
                return question(subject)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code
                broken.append(error)
                warn(f"{described} failed and is left out: {describe_error(error)}")
                return None

        return ask

    loader.load = forgiving(loaded)
    loader.define_flags = forgiving(loader.define_flags)
    loader.fix_flags = forgiving(loader.fix_flags)
    return loader


def read_regular_files_alone() -> None:
    """Let TensorBoard's slow reader pass over pipes and directories named like event files; a pipe would stop it."""
    from tensorboard.backend.event_processing import io_wrapper

    is_events_file = io_wrapper.IsSummaryEventsFile
    if getattr(is_events_file, "is_ours", False):
        return

    def is_regular_events_file(path: str) -> bool:
        return bool(is_events_file(path)) and ("://" in path or os.path.isfile(path))  # noqa: PTH113 - may be a URL

    is_regular_events_file.is_ours = True  # type: ignore[attr-defined]
    io_wrapper.IsSummaryEventsFile = is_regular_events_file
