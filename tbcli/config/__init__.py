"""What was asked: one frozen configuration object, in sections, settled from layers.

Its names are loaded when they are first used: `--help` needs few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbcli.config.configuration import (
        DIRECTIONS,
        SECTION_HELP,
        SETTINGS,
        Config,
        declared,
        hyperparameters,
        json_schema,
    )
    from tbcli.config.layers import load_config, variable_of
    from tbcli.config.paths import PathsConfig
    from tbcli.config.recipes import RECIPES, recipe_values
    from tbcli.config.said import Said, merged
    from tbcli.config.sections import (
        FIGURE_FORMATS,
        FIGURE_THEMES,
        FIRST_FREE_PORT,
        LOAD_FAST,
        OPTIMIZERS,
        PRECISIONS,
        REPLACING,
        SAVE_FORMATS,
        SCHEDULES,
        DataConfig,
        ModelConfig,
        PlotConfig,
        RecordConfig,
        ServeConfig,
        SweepConfig,
        TrainConfig,
    )
    from tbcli.config.setting import PANELS, Setting

__all__ = [
    "DIRECTIONS", "FIGURE_FORMATS", "FIGURE_THEMES", "FIRST_FREE_PORT", "LOAD_FAST", "OPTIMIZERS", "PANELS",
    "PRECISIONS", "RECIPES", "REPLACING", "SAVE_FORMATS", "SCHEDULES", "SECTION_HELP", "SETTINGS", "Config",
    "DataConfig", "ModelConfig", "PathsConfig", "PlotConfig", "RecordConfig", "Said", "ServeConfig", "Setting",
    "SweepConfig", "TrainConfig", "declared", "hyperparameters", "json_schema", "load_config", "merged",
    "recipe_values", "variable_of",
]  # fmt: skip

_HOMES = (
    "setting",
    "said",
    "paths",
    "recipes",
    "sections",
    "configuration",
    "layers",
)  # cheap ones first


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in __all__:
        for home in _HOMES:
            module = import_module(f"tbcli.config.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
