"""Chosen runs as one log directory: a temporary directory of links, made outside them all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tbcli.errors import ServingFailed
from tbcli.runs import LogDirectory, Run


@contextmanager
def as_logdir(chosen: Sequence[Run | LogDirectory], otherwise: Path) -> Iterator[Path]:
    """Yield one absolute directory where TensorBoard finds the chosen runs by their names; `otherwise` for none.

    Links keep the names ``<run>/train``, the hyperparameters' sessions and the fast reader, all of which
    ``--logdir_spec`` or a run's own directory would lose.

    Raises:
        ServingFailed: No temporary directory can be made outside the chosen ones.
    """
    if not chosen:
        yield otherwise.absolute()
        return
    if is_root_of_runs(chosen):
        yield chosen[0].logs.absolute()  # as `tensorboard --logdir` shows it
        return
    targets = link_names(chosen)
    directory = _outside(list(targets.values()))
    try:
        for name, target in targets.items():
            (directory / name).symlink_to(target, target_is_directory=True)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)  # removes links, follows none


def shown_places(chosen: Sequence[Run | LogDirectory], otherwise: Path) -> dict[str, Path]:
    """Return ``{TensorBoard's name: directory}`` of what `as_logdir` shows; the name of a root itself is ``"."``."""
    if not chosen or is_root_of_runs(chosen):
        return {".": chosen[0].logs if chosen else otherwise}
    return link_names(chosen)


def is_root_of_runs(chosen: Sequence[Run | LogDirectory]) -> bool:
    """Say whether this is one foreign directory that has only others with event files below it."""
    return len(chosen) == 1 and isinstance(chosen[0], LogDirectory) and not _has_events(chosen[0].logs)


def link_names(chosen: Sequence[Run | LogDirectory]) -> dict[str, Path]:
    """Return ``{name: resolved directory}``, each directory once, each name made distinct by a number."""
    names: dict[str, Path] = {}
    for item in chosen:
        path = item.logs.resolve()
        if path in names.values():
            continue
        wanted = (item.id if isinstance(item, Run) else item.name) or "logs"
        name, number = wanted, 2
        while name in names:
            name, number = f"{wanted}-{number}", number + 1
        names[name] = path
    return names


def _has_events(directory: Path) -> bool:
    return any("tfevents" in entry.name for entry in directory.iterdir())


def _outside(targets: Sequence[Path]) -> Path:
    # A link to one of its own parents makes TensorBoard list the same runs forty levels deep.
    for base in (tempfile.gettempdir(), "/var/tmp", "/dev/shm"):  # noqa: S108 - mkdtemp below makes it ours alone
        resolved = Path(base).resolve()
        if any(resolved.is_relative_to(target) for target in targets):
            continue
        try:
            return Path(tempfile.mkdtemp(prefix="tbcli-serve-", dir=resolved))
        except OSError:
            continue
    raise ServingFailed(
        "cannot create a temporary directory outside the chosen runs",
        hint="set TMPDIR to a writable directory with free space, outside of them",
    )
