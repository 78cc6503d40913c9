"""What a shell is offered behind an option or in place of a run. Nothing heavy is loaded, and nothing fails aloud."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

from tbcli.cli.typed import SAID
from tbcli.config.setting import Setting
from tbcli.errors import TbcliError

if TYPE_CHECKING:
    from tbcli.runs import RunStore

NAMED = 200  # the newest runs, whose names are offered
_NEEDS_NO_QUOTES = re.compile(r"[\w+,@%^=:-]+")
# No help texts beside the words, here and below: Typer would load Rich to draw them.


def completion_of(setting: Setting) -> Callable[[str], list[str]] | None:
    """Return what offers the choices of a setting, or the words it knows; None where any text will do."""
    if setting.key == "record.recorders":
        return complete_recorders
    return offer(setting.named_choices or setting.words) if setting.choices or setting.words else None


def offer(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what offers words, or those that stand at ``module:name``."""

    def complete(incomplete: str) -> list[str]:
        from tbcli.loading import load_object

        return _beginning(load_object(words) if isinstance(words, str) else words, incomplete)

    return complete


def offer_list(words: str) -> Callable[[str], list[str]]:
    """Return what offers the words that stand at ``module:name``, behind the last comma of a list too."""

    def complete(incomplete: str) -> list[str]:
        said, comma, last = incomplete.rpartition(",")
        return [said + comma + word for word in offer(words)(last)]

    return complete


def complete_recorders(incomplete: str) -> list[str]:
    """Offer levels and recorders, behind the last comma of a list too."""
    from tbcli.recorders.registry import LEVELS, known_recorders

    said, comma, last = incomplete.rpartition(",")
    minus = "-" if last.startswith("-") else ""
    words = [*([] if minus else [*LEVELS, "help"]), *(minus + name for name in known_recorders())]
    return [said + comma + word for word in _beginning(words, last)]


def complete_assignment(incomplete: str) -> list[str]:
    """Offer the keys of ``--set``, and behind ``=`` the words of that setting."""
    from tbcli.config import DIRECTIONS, SETTINGS

    key, equals, value = incomplete.partition("=")
    if not equals:
        return _beginning([f"{known}=" for known in SETTINGS], incomplete)
    if key in SETTINGS:
        complete = completion_of(SETTINGS[key])
        return [f"{key}={word}" for word in complete(value)] if complete else []
    return [f"{key}={word}" for word in _beginning(DIRECTIONS, value)] if key.startswith("direction.") else []


def complete_varied(incomplete: str) -> list[str]:
    """Offer the settings that can vary, and behind ``=`` the choices of one, behind the last comma too."""
    from tbcli.config import SETTINGS

    known = {each.word: each for each in SETTINGS.values() if each.key.partition(".")[0] in ("data", "model", "train")}
    word, equals, values = incomplete.partition("=")
    if not equals:
        return _beginning([f"{name}=" for name in known], incomplete)
    said, comma, last = values.rpartition(",")
    complete = completion_of(known[word]) if word in known else None
    return [f"{word}={said}{comma}{choice}" for choice in complete(last)] if complete else []


def complete_kind(incomplete: str) -> list[str]:
    """Offer the kinds of figures, behind the last comma of a list too."""
    from tbcli.figures.kinds import ACROSS, ALL, NAMES

    said, comma, last = incomplete.rpartition(",")
    return [said + comma + word for word in _beginning([*NAMES, *ACROSS, ALL], last)]


def complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the words that name runs by rank, run ids, newest first, and names that need no quotes.

    Behind ``clean --restore`` and ``--purge`` they are those of the trash.
    """
    from tbcli.runs.ids import looks_like_id

    try:
        store = _store(context)
        if context.params.get("restore") or context.params.get("purge"):
            from tbcli.runs.cleaning.trash import Trash

            trashed = [*reversed(Trash(store).list())]
            names = [one.name for one in trashed if _NEEDS_NO_QUOTES.fullmatch(one.name)]
            return _beginning(dict.fromkeys([*(one.id for one in trashed), *names]), incomplete)
        ids = [name for name in reversed(store.ids()) if looks_like_id(name)]
        meant = _beginning(ids, incomplete)
        called = () if incomplete and meant else dict.fromkeys(_names(store, ids[:NAMED]))  # each is a file to read
    except (TbcliError, OSError):
        return []
    return _beginning(["latest", "best", *meant, *called], incomplete)


def complete_live_run(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the ids of the runs that are training, and their names that need no quotes."""
    try:
        store = _store(context)
        live = [run for run in map(store.load, list(reversed(store.ids()))[:NAMED]) if run and run.is_live()]
    except (TbcliError, OSError):
        return []
    names = dict.fromkeys(run.name for run in live if _NEEDS_NO_QUOTES.fullmatch(run.name))
    return _beginning([*(run.id for run in live), *names], incomplete)


def complete_metric(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the metrics of the runs that were named, or of the latest."""
    from tbcli.runs import Run
    from tbcli.runs.run_summary import metrics_of
    from tbcli.runs.summary import LEARNING_RATE

    words: dict[str, None] = {}
    try:
        store = _store(context)
        for reference in _references(context):
            place = store.find_any(reference, lambda _: None)
            if isinstance(place, Run):
                words.update(dict.fromkeys([*metrics_of(place), LEARNING_RATE]))
    except (TbcliError, OSError):
        return []
    return _beginning(words, incomplete)


def complete_sweep(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the names of sweeps, the newest first."""
    from tbcli.config import load_config
    from tbcli.sweeps.directory import sweep_names

    try:
        names = sweep_names(load_config(flags=context.meta.get(SAID, {})).paths)
    except (TbcliError, OSError):
        return []
    return _beginning(["latest", *(name for name in reversed(names) if _NEEDS_NO_QUOTES.fullmatch(name))], incomplete)


def _references(context: typer.Context) -> list[str]:
    said = [context.params.get(name) for name in ("runs", "run")]
    named = [name for value in said for name in ([value] if isinstance(value, str) else value or ())]
    return named or ["latest"]


def _store(context: typer.Context) -> RunStore:
    from tbcli.config import load_config
    from tbcli.runs.store import RunStore

    said: dict[str, Any] = context.params
    flags = context.meta.get(SAID, {})
    return RunStore(load_config(file=said.get("config"), assignments=tuple(said.get("set_") or ()), flags=flags).paths)


def _names(store: RunStore, ids: Iterable[str]) -> Iterable[str]:
    for each in ids:
        run = store.load(each)
        name = run.record.get("name") if run else ""
        if isinstance(name, str) and _NEEDS_NO_QUOTES.fullmatch(name):
            yield name


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def complete_config(context: typer.Context, incomplete: str) -> list[str]:
    """Offer files of settings and directories; to `tbcli train` also the runs that it can repeat."""
    runs = complete_run(context, incomplete) if context.info_name == "train" else []
    return [*runs, *_files(incomplete, (".toml", ".json"))]


def complete_script(incomplete: str) -> list[str]:
    """Offer Python files, and directories to look into."""
    return _files(incomplete, (".py",))


def _files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    from pathlib import Path

    before, slash, _ = incomplete.rpartition("/")
    try:
        entries = sorted(Path(before + slash or ".").iterdir())
    except OSError:
        return []
    words = [f"{before}{slash}{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
    shown = [word for word in words if word.endswith((*endings, "/")) and not word.rsplit("/", 2)[-1].startswith(".")]
    return _beginning(shown, incomplete)
