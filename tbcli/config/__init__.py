"""What was asked: one frozen configuration object, in sections, settled from layers."""

from __future__ import annotations

from tbcli.config.configuration import (
    DIRECTIONS,
    SECTION_HELP,
    SETTINGS,
    Config,
    declared,
    hyperparameters,
    json_schema,
)
from tbcli.config.layers import Said, load_config, merged, variable_of
from tbcli.config.recipes import RECIPES, recipe_values
from tbcli.config.sections import (
    FIGURE_FORMATS,
    FIRST_FREE_PORT,
    LOAD_FAST,
    OPTIMIZERS,
    PANELS,
    PRECISIONS,
    SAVE_FORMATS,
    SCHEDULES,
    DataConfig,
    ModelConfig,
    PathsConfig,
    PlotConfig,
    RecordConfig,
    ServeConfig,
    TrainConfig,
)
from tbcli.config.setting import Setting

__all__ = [
    "DIRECTIONS",
    "FIGURE_FORMATS",
    "FIRST_FREE_PORT",
    "LOAD_FAST",
    "OPTIMIZERS",
    "PANELS",
    "PRECISIONS",
    "RECIPES",
    "SAVE_FORMATS",
    "SCHEDULES",
    "SECTION_HELP",
    "SETTINGS",
    "Config",
    "DataConfig",
    "ModelConfig",
    "PathsConfig",
    "PlotConfig",
    "RecordConfig",
    "Said",
    "ServeConfig",
    "Setting",
    "TrainConfig",
    "declared",
    "hyperparameters",
    "json_schema",
    "load_config",
    "merged",
    "recipe_values",
    "variable_of",
]  # fmt: skip
