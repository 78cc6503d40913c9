"""Train Keras models with TensorBoard filled; list, plot and serve the runs, keep the disk clean.

From Python: `Callback` for a `fit` of yours, `train`, `Config`, `list_runs`, `read_scalars`, `plot` and `Recorder`,
each loaded when it is first used.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # as `typing` says it, whose import costs more than all else here
if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.figures.plotting import plot
    from tbcli.readers import read_scalars
    from tbcli.recorders.base import Recorder
    from tbcli.runs import list_runs
    from tbcli.training import train
    from tbcli.training.callback import Callback

__all__ = ["Callback", "Config", "Recorder", "__version__", "list_runs", "plot", "read_scalars", "train"]

_HOMES = {
    "Callback": "tbcli.training.callback",
    "Config": "tbcli.config",
    "Recorder": "tbcli.recorders.base",
    "list_runs": "tbcli.runs",
    "plot": "tbcli.figures.plotting",
    "read_scalars": "tbcli.readers",
    "train": "tbcli.training",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
