"""What was asked: one frozen configuration object, in sections, settled from layers."""

from __future__ import annotations

from tbcli.config.layers import load_config
from tbcli.config.sections import (
    FIGURE_FORMATS,
    FIRST_FREE_PORT,
    LOAD_FAST,
    OPTIMIZERS,
    PRECISIONS,
    SAVE_FORMATS,
    SCHEDULES,
    SETTINGS,
    Config,
    DataConfig,
    ModelConfig,
    PathsConfig,
    PlotConfig,
    RecordConfig,
    ServeConfig,
    TrainConfig,
)
from tbcli.config.setting import did_you_mean

__all__ = [
    "FIGURE_FORMATS", "FIRST_FREE_PORT", "LOAD_FAST", "OPTIMIZERS", "PRECISIONS", "SAVE_FORMATS", "SCHEDULES",
    "SETTINGS", "Config", "DataConfig", "ModelConfig", "PathsConfig", "PlotConfig", "RecordConfig", "ServeConfig",
    "TrainConfig", "did_you_mean", "load_config",
]  # fmt: skip
