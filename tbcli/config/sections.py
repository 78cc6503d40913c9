"""The sections of the configuration: every setting with its default, and what values it takes."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_type_hints

from tbcli.config.setting import coerced, did_you_mean, require_choice, require_range
from tbcli.errors import ConfigError

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
SAVE_FORMATS = ("keras", "h5", "savedmodel", "tflite")
FIGURE_FORMATS = ("png", "svg", "pdf")
FIGURE_THEMES = ("light", "dark")
LOAD_FAST = ("auto", "true", "false")
FIRST_FREE_PORT = -1
DIRECTIONS = ("min", "max")
DIRECTION = "direction."  # of the one section whose keys are free: metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What to learn from."""

    source: str = "mnist"
    validation_split: float = 0.1  # share of the training samples held out; 0 for none
    limit_samples: int = 0  # use only so many training (and at most so many test) samples; 0 for all

    def __post_init__(self) -> None:
        if not 0 <= self.validation_split < 1:
            raise ConfigError(
                f"data.validation_split must be at least 0 and below 1, got {self.validation_split!r}",
                hint="0.1 holds out a tenth of the training samples, 0 none",
            )
        require_range("data.limit_samples", self.limit_samples, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What learns."""

    name: str = "cnn"
    dropout: float = 0.3  # share of the penultimate features dropped in training

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ConfigError(
                f"model.dropout must be at least 0 and below 1, got {self.dropout!r}",
                hint="0.3 is the default, 0 is off",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How long and how fast to learn, and what to keep."""

    name: str = ""
    note: str = ""
    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 2e-3  # the peak, where a schedule moves it
    optimizer: str = "adam"
    schedule: str = "cosine"
    warmup: float = 0.05  # share of all steps in which the cosine schedule rises to its peak
    weight_decay: float = 0.004  # adamw only
    momentum: float = 0.9  # sgd only
    patience: int = 0  # stop after so many epochs without a better `monitor`; 0 is off
    monitor: str = "val_loss"
    seed: int = 0
    deterministic: bool = False
    precision: str = "auto"
    steps_per_epoch: int = 0  # 0 is the whole set
    steps_per_execution: int = 0  # optimizer steps between two looks at callbacks; 0 chooses
    save_formats: tuple[str, ...] = ("keras",)

    def __post_init__(self) -> None:
        require_range("train.epochs", self.epochs, 1)
        require_range("train.batch_size", self.batch_size, 1)
        require_range("train.learning_rate", self.learning_rate, 0, open_ends=True)
        require_choice("train.optimizer", self.optimizer, OPTIMIZERS)
        require_choice("train.schedule", self.schedule, SCHEDULES)
        require_range("train.warmup", self.warmup, 0, 1)
        require_range("train.weight_decay", self.weight_decay, 0)
        require_range("train.momentum", self.momentum, 0, 1)
        require_range("train.patience", self.patience, 0)
        require_range("train.seed", self.seed, 0, 2**32 - 1)
        require_choice("train.precision", self.precision, PRECISIONS)
        require_range("train.steps_per_epoch", self.steps_per_epoch, 0)
        require_range("train.steps_per_execution", self.steps_per_execution, 0)
        for name in self.save_formats:
            require_choice("train.save_formats", name, SAVE_FORMATS)
        for key, text in (("name", self.name), ("monitor", self.monitor)):
            if not text.isprintable() or len(text) > 100:
                raise ConfigError(
                    f"train.{key} must be one printable line of at most 100 characters, got {text[:40]!r}",
                    hint="a longer text fits in `--note`",
                )
        if self.name in ("latest", "best") or self.name.startswith(("latest~", "best:")):
            raise ConfigError(f"train.name cannot be {self.name!r}", hint="that word refers to a run by its rank")
        if "/" in self.name or "." in self.name:
            # A reference with a slash or a dot is a path: such a name could never be used.
            raise ConfigError(f"train.name cannot hold a slash or a dot, got {self.name!r}", hint="use - or _ instead")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConfig:
    """What training leaves in TensorBoard, and how often."""

    recorders: str = "standard"  # a level and names, `-name` removes: "full,-samples"
    every: str = "1"  # epochs between two records; "histograms=5" for one recorder
    log_every: int = 0  # optimizer steps between two points of the batch curves; 0 is off
    profile: str = ""  # "20:30" traces the steps from 20 to 30
    projector_points: int = 2000
    limit_samples: int = 10_000  # evidence of an epoch comes from at most so many validation samples
    backward_every: int = 8  # optimizer steps between two looks at gradients; every step with log_every
    samples: int = 25  # sample predictions shown as one grid

    def __post_init__(self) -> None:
        require_range("record.log_every", self.log_every, 0)
        require_range("record.projector_points", self.projector_points, 1)
        require_range("record.limit_samples", self.limit_samples, 1)
        require_range("record.backward_every", self.backward_every, 1)
        require_range("record.samples", self.samples, 1, 400)
        _ = self.profile_steps, self.cadence

    @property
    def profile_steps(self) -> tuple[int, int] | None:
        """The optimizer steps between which to trace, or None when it was not asked for."""
        if not self.profile:
            return None
        start, _, stop = self.profile.partition(":")
        if not (start.isdecimal() and stop.isdecimal() and 1 <= int(start) < int(stop)):
            raise ConfigError(
                f"record.profile must be START:STOP, got {self.profile!r}",
                hint="`--profile 20:30` traces ten steps; START is at least 1, for the first step is compilation",
            )
        return int(start), int(stop)

    @property
    def cadence(self) -> dict[str, int]:
        """Epochs between two records for each recorder named; the key ``""`` holds for all others."""
        cadence = {"": 1}
        for part in filter(None, (part.strip() for part in self.every.split(","))):
            name, equals, number = part.rpartition("=")
            if not number.isdecimal() or int(number) < 1 or (equals and not name):
                raise ConfigError(
                    f"record.every must be N or NAME=N, got {part!r}",
                    hint="`--record-every 2` or `--record-every histograms=5`",
                )
            cadence[name] = int(number)
        return cadence


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotConfig:
    """How figures look."""

    automatic: bool = True  # `train` leaves figures behind
    dpi: int = 120
    smooth: float = 0.0  # weight of the past in TensorBoard's smoothing
    format: str = "png"
    size: str = ""  # "6.5x4": width by height in inches; "" is automatic
    theme: str = "light"

    def __post_init__(self) -> None:
        require_range("plot.dpi", self.dpi, 20, 1200)
        if not 0 <= self.smooth < 1:
            raise ConfigError(
                f"plot.smooth must be at least 0 and below 1, got {self.smooth!r}",
                hint="0.6 is TensorBoard's usual, 0 is off",
            )
        require_choice("plot.format", self.format, FIGURE_FORMATS)
        require_choice("plot.theme", self.theme, FIGURE_THEMES)
        _ = self.inches

    @property
    def inches(self) -> tuple[float, float] | None:
        """Width and height of a figure, or None when its content decides."""
        if not self.size:
            return None
        found = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", self.size.strip().lower())
        sides = tuple(map(float, found.groups())) if found else ()
        if not sides or not all(1 <= side <= 100 for side in sides):
            raise ConfigError(
                f"plot.size must be WxH in inches, from 1 to 100, got {self.size!r}", hint="such as `--size 6.5x4`"
            )
        return sides[0], sides[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """Where TensorBoard listens and how it reads."""

    host: str = "localhost"
    port: int = FIRST_FREE_PORT  # -1 is 6006 or the next free one, 0 any free one
    reload_interval: float = 2.0  # seconds between two looks for new data
    load_fast: str = "auto"
    path_prefix: str = ""
    window_title: str = ""
    without_tensorflow: bool = True  # start without importing TensorFlow where that loses nothing
    timeout_seconds: float = 60.0  # how long to wait for the first answer

    def __post_init__(self) -> None:
        require_range("serve.port", self.port, FIRST_FREE_PORT, 65535)
        require_range("serve.reload_interval", self.reload_interval, 0, open_ends=True)
        require_choice("serve.load_fast", self.load_fast, LOAD_FAST)
        require_range("serve.timeout_seconds", self.timeout_seconds, 0, open_ends=True)
        if not self.host or self.host.strip() != self.host:
            raise ConfigError(f"serve.host cannot be {self.host!r}", hint="a name or an address, such as localhost")
        if self.path_prefix and (self.path_prefix[0] != "/" or not set(self.path_prefix).isdisjoint(" ?#%\\")):
            raise ConfigError(
                f"serve.path_prefix cannot be {self.path_prefix!r}", hint="a path from the root, such as /tensorboard"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathsConfig:
    """Where runs live: three roots in a workspace, each movable alone."""

    workspace: str = "."
    logdir: str = ""  # "" is <workspace>/logs
    plots_dir: str = ""
    models_dir: str = ""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that was asked, shared by all commands."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    record: RecordConfig = field(default_factory=RecordConfig)
    plot: PlotConfig = field(default_factory=PlotConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    direction: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Metric name to ``min`` or ``max``, which of its values are better; overrules what its name says."""

    def __post_init__(self) -> None:
        for name, value in self.direction.items():
            require_choice(DIRECTION + name, value, DIRECTIONS)

    def updated(self, settings: Mapping[str, object]) -> Config:
        """Return a copy with ``{"section.key": value}`` changed; a value of None means 'not said'.

        Raises:
            ConfigError: A key is unknown, or a value is of the wrong type or out of range.
        """
        by_section: dict[str, dict[str, object]] = {}
        for key, value in settings.items():
            if value is None:
                continue
            section, name = known_key(key)
            by_section.setdefault(section, {})[name] = coerced(key, value, SETTINGS.get(key, str))
        direction: Any = {**self.direction, **by_section.pop("direction", {})}
        changed = {name: replace(getattr(self, name), **new) for name, new in by_section.items()}
        return replace(self, direction=direction, **changed)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain sections of plain values, fit for JSON."""
        plain: dict[str, dict[str, Any]] = json.loads(json.dumps(asdict(self)))  # tuples become lists
        return plain

    def as_toml(self) -> str:
        """Return TOML text that can be fed back with ``--config``."""
        lines: list[str] = []
        for section, values in self.as_dict().items():
            lines.append(f"[{section}]")
            lines.extend(f"{_toml_key(key)} = {_toml(value)}" for key, value in values.items())
            lines.append("")
        return "\n".join(lines)


def _toml(value: object) -> str:
    # JSON's strings, numbers, booleans and lists of strings are TOML's too; but TOML forbids a raw DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml(key)


def _setting_types() -> dict[str, Any]:
    sections = ((name, kind) for name, kind in get_type_hints(Config).items() if f"{name}." != DIRECTION)
    return {f"{section}.{name}": kind for section, group in sections for name, kind in get_type_hints(group).items()}


SETTINGS: Mapping[str, Any] = types.MappingProxyType(_setting_types())
"""Every setting as ``section.key``, with its type."""


def known_key(key: str) -> tuple[str, str]:
    """Return section and name of a setting.

    Raises:
        ConfigError: There is no such setting.
    """
    if key.startswith(DIRECTION) and key != DIRECTION:
        return "direction", key.removeprefix(DIRECTION)
    if key not in SETTINGS:
        raise ConfigError(f"unknown setting {key!r}", hint=did_you_mean(key, SETTINGS))
    section, _, name = key.partition(".")
    return section, name
