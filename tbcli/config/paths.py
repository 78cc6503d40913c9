"""The section of paths, which every command has: it loads without the others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tbcli.config.setting import Section, setting

_NOWHERE = Path("/nonexistent")  # the home of an account that has none: nothing is kept there

TRASH = ".tbcli-trash"
"""The directory beside a root to which `tbcli clean` moves what it removes."""


def cache_home() -> Path:
    """Return where whatever can be made again is kept: ``$XDG_CACHE_HOME/tbcli``, with ``~/.cache`` as the default."""
    said = Path(os.environ.get("XDG_CACHE_HOME", ""))
    home = said if said.is_absolute() else expanded("~/.cache")
    return (home if home.is_absolute() else _NOWHERE) / "tbcli"


def expanded(path: str) -> Path:
    """Return a path with ``~`` replaced by a home directory; where that is not known it stays, as in a shell."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - `Path.expanduser` raises a RuntimeError


@dataclass(frozen=True, slots=True, kw_only=True)
class PathsConfig(Section):
    """Where runs are kept: three roots in a workspace, each of which can be placed elsewhere."""

    workspace: str = setting(
        ".", "Directory that holds logs, plots and models.", flag="--workspace", panel="Everywhere", metavar="DIR"
    )
    logdir: str = setting(
        "", "Root of the runs' logs.", meaning="<workspace>/logs", flag="--logdir", aliases=("log-dir",),
        panel="Everywhere", metavar="DIR",
    )  # fmt: skip
    plots_dir: str = setting(
        "", "Root of the figures.", meaning="<workspace>/plots", flag="--plots-dir", panel="Everywhere", metavar="DIR"
    )
    models_dir: str = setting(
        "", "Root of the saved models.", meaning="<workspace>/models", flag="--models-dir", panel="Everywhere",
        metavar="DIR",
    )  # fmt: skip

    @property
    def logs(self) -> Path:
        """The root of the runs' logs."""
        return Path(self.logdir) if self.logdir else Path(self.workspace) / "logs"

    @property
    def plots(self) -> Path:
        """The root of the runs' figures."""
        return Path(self.plots_dir) if self.plots_dir else Path(self.workspace) / "plots"

    @property
    def models(self) -> Path:
        """The root of the runs' saved models."""
        return Path(self.models_dir) if self.models_dir else Path(self.workspace) / "models"
