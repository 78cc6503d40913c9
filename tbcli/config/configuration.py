"""The whole configuration, and every setting by its key."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, NamedTuple

from tbcli.config.checks import chart_problem
from tbcli.config.paths import PathsConfig
from tbcli.config.recipes import RECIPE, recipe_values
from tbcli.config.sections import (
    REPLACING,
    CleanConfig,
    DataConfig,
    ModelConfig,
    PlotConfig,
    RecordConfig,
    ServeConfig,
    SweepConfig,
    TrainConfig,
)
from tbcli.config.setting import Setting, declared_settings, guess, spoken
from tbcli.errors import ConfigError

DIRECTIONS = ("min", "max")
_REPLACES = "train.replaces"


class Free(NamedTuple):
    """A section whose keys are the user's own.

    Args:
        help: What the section is about.
        example: A line of it.
        declaration: Of any of its keys.
    """

    help: str
    example: str
    declaration: Setting


FREE: Mapping[str, Free] = {
    "charts": Free(
        "Charts of your own in TensorBoard's Custom Scalars: a title, and the metrics in it, named as everywhere. "
        "TensorBoard draws a metric of every directory that has it: `loss` draws `val_loss` too. A curve with a band: "
        '`["value: NAME", "lower: NAME", "upper: NAME"]`.',
        'Overfit = ["loss", "val_loss"]',
        Setting(key="", default=(), help="Metrics of a chart.", problem=chart_problem),
    ),
    "direction": Free(
        "Which values of a metric are better, min or max, where its name does not tell.",
        'nll = "min"',
        Setting(
            key="", default="", help="Whether smaller (min) or larger (max) values of a metric are better.",
            choices=DIRECTIONS,
        ),
    ),
}  # fmt: skip
"""The sections whose keys are free: titles of charts, metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that was asked, shared by all commands: frozen, so a change is a copy.

    Example:
        >>> import tbcli
        >>> config = tbcli.Config().updated({"train.epochs": 3, "model.dropout": 0.2})
        >>> config.train.epochs
        3
        >>> tbcli.Config().train.epochs == config.train.epochs
        False
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    record: RecordConfig = field(default_factory=RecordConfig)
    plot: PlotConfig = field(default_factory=PlotConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    clean: CleanConfig = field(default_factory=CleanConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    charts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Title of a chart to the metrics in it."""
    direction: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Metric name to ``min`` or ``max``, which of its values are better; overrules what its name says."""

    def __post_init__(self) -> None:
        for section in FREE:
            for name, value in getattr(self, section).items():
                declared(f"{section}.{name}").check(value)

    def updated(self, settings: Mapping[str, object], typed: Mapping[str, str] | None = None) -> Config:
        """Return a copy with ``{"section.key": value}`` changed; a value of None means 'not said'.

        A recipe replaces the values that are still the defaults. What is said of the optimizer also replaces that of a
        compiled model, the default too: `train.replaces` remembers it.

        Args:
            settings: What to change.
            typed: What the user wrote for a key, which errors then name.

        Raises:
            ConfigError: A key is unknown, or a value is of the wrong type or not allowed.
        """
        by_section: dict[str, dict[str, Any]] = {}
        said = {**self._prefilled(settings, typed or {}), **settings}
        for key, value in {_REPLACES: self._replaced_by(said), **said}.items():
            if value is not None:
                section, _, name = key.partition(".")
                settled = declared(key).settle(value, (typed or {}).get(key, ""))
                by_section.setdefault(section, {})[name] = settled
        free: dict[str, Any] = {name: {**getattr(self, name), **by_section.pop(name, {})} for name in FREE}
        changed = {name: replace(getattr(self, name), **new) for name, new in by_section.items()}
        return replace(self, **free, **changed)

    def value(self, key: str) -> Any:
        """Return the value of a setting, given as ``section.name``."""
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)

    def _prefilled(self, settings: Mapping[str, object], typed: Mapping[str, str]) -> dict[str, object]:
        """Return what a recipe among the settings puts in place of defaults."""
        if settings.get(RECIPE) is None:
            return {}
        values = recipe_values(declared(RECIPE).settle(settings[RECIPE], typed.get(RECIPE, "")))
        return {key: value for key, value in values.items() if self.value(key) == declared(key).default}

    def _replaced_by(self, said: Mapping[str, object]) -> tuple[str, ...]:
        """Return what replaces that of a compiled model, with what is said now."""
        return tuple(name for name in REPLACING if name in self.train.replaces or said.get(f"train.{name}") is not None)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain sections of plain values, fit for JSON; what is secret is left empty."""
        import json

        plain: dict[str, dict[str, Any]] = json.loads(json.dumps(asdict(self)))  # tuples become lists
        for each in SETTINGS.values():
            if each.secret:
                plain[each.key.partition(".")[0]][each.name] = each.default
        return plain

    def as_toml(self, *, commented: bool = False) -> str:
        """Return TOML text that can be fed back with ``--config``, with comments that say what each setting is."""
        from tbcli.config.toml import to_toml

        comments = {key: self._comment(each) for key, each in SETTINGS.items()} if commented else {}
        if commented:
            comments |= {name: f"{section.help} Such as {section.example}" for name, section in FREE.items()}
        return to_toml(self.as_dict(), comments)

    def _comment(self, setting: Setting) -> str:
        """Return what a setting is and, where a recipe has a value for it, whether this is the one."""
        recipe, values = self.train.recipe, recipe_values(self.train.recipe)
        if setting.key not in values:
            return setting.comment
        wanted = values[setting.key]
        origin = "From" if self.value(setting.key) == wanted else f"Instead of {spoken(wanted)} from"
        return f"{setting.comment} {origin} recipe {recipe}."


SETTINGS: Mapping[str, Setting] = types.MappingProxyType(
    {
        each.key: each
        for section in fields(Config)
        if section.name not in FREE
        for each in declared_settings(section.default_factory)  # type: ignore[arg-type] # the section's class
    }
)
"""Every setting by its key, in the order of the sections; those of free sections are not among them."""


SECTION_HELP = {
    section.name: FREE[section.name].help if section.name in FREE else str(section.default_factory.__doc__)
    for section in fields(Config)
}
"""What each section is about."""


def declared(key: str) -> Setting:
    """Return the declaration of a setting.

    Raises:
        ConfigError: There is no such setting.
    """
    section, _, name = key.partition(".")
    if section in FREE and name:
        return FREE[section].declaration._replace(key=key)
    if key not in SETTINGS:
        raise ConfigError(f"unknown setting {key!r}", hint=guess(key, SETTINGS))
    return SETTINGS[key]


def hyperparameters() -> dict[str, Setting]:
    """Return the settings that are hyperparameters, by the name of their column: ``model``, ``learning_rate``, ..."""
    return {each.word: each for each in SETTINGS.values() if each.hyperparameter}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of settings."""
    properties: dict[str, Any] = {}
    for section in fields(Config):
        group: Any = section.default_factory
        if section.name in FREE:
            free = FREE[section.name].declaration.schema
            del free["default"]
            properties[section.name] = {"type": "object", "additionalProperties": free}
        else:
            known = {each.name: each.schema for each in declared_settings(group)}
            properties[section.name] = {"type": "object", "properties": known, "additionalProperties": False}
        properties[section.name]["description"] = SECTION_HELP[section.name]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of tbcli: tbcli.toml, [tool.tbcli] of pyproject.toml, or a file given with --config",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
