"""The arguments of functions and networks in all trials, as far as the text of these tells what they take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tbcli.config import Config, declared
from tbcli.errors import ConfigError
from tbcli.models.architectures import ARCHITECTURES, AUTO
from tbcli.naming.matching import did_you_mean
from tbcli.sweeps.space import Dimension, argument_of
from tbcli.usercode import converted, written_parameters

_ARGUMENTS_OF = {"model.name": "model.args", "data.source": "data.args"}
"""What names a function -> the list of its arguments."""
KindOf = Callable[[str, str], type | None]
"""Returns the type of an argument by the setting that is its list, and its name; None where it is not known."""


def kinds_of(dimensions: Sequence[Dimension], config: Config) -> KindOf:
    """Return what tells the type of an argument, by the text of the functions of all trials."""
    known = {
        setting: [_parameters(key, name) for name in _names(key, dimensions, config)]
        for key, setting in _ARGUMENTS_OF.items()
    }

    def kind(setting: str, name: str) -> type | None:
        asked = (parameters for parameters in known[setting] if parameters is None or name in parameters)
        kinds = {parameters[name] if parameters else None for parameters in asked}
        return kinds.pop() if len(kinds) == 1 else None

    return kind


def require_arguments(dimensions: Sequence[Dimension], config: Config) -> None:
    """Check that functions and networks take the arguments of all trials.

    Raises:
        ConfigError: One does not.
    """
    for key, setting in _ARGUMENTS_OF.items():
        for function in _names(key, dimensions, config):
            known = _parameters(key, function)
            if known is not None:
                _require_known(function, known, _argument_names(setting, dimensions, config))
                for name, text in _pairs(setting, dimensions, config):
                    converted(name, text, known[name])
            if key == "model.name":
                _require_dropout(function, known, dimensions, config)


def _parameters(key: str, function: str) -> Mapping[str, type | None] | None:
    is_ours = key == "model.name" and function in ARCHITECTURES
    return written_parameters(ARCHITECTURES[function].body if is_ours else function)


def _names(key: str, dimensions: Sequence[Dimension], config: Config) -> list[str]:
    return [str(value) for value in _values_of(key, dimensions, config)]


def _values_of(key: str, dimensions: Sequence[Dimension], config: Config) -> Sequence[Any]:
    """Return the values of a setting in all trials, of a range its ends."""
    varied = next((each for each in dimensions if each.key == key), None)
    return (config.value(key),) if varied is None else varied.values or (varied.low, varied.high)


def _require_known(function: str, known: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"{function!r} takes no argument {name!r}", hint=did_you_mean(name, list(known)))


def _pairs(setting: str, dimensions: Sequence[Dimension], config: Config) -> Iterator[tuple[str, str]]:
    """Yield the arguments that hold for every trial, each with its text."""
    for value in _values_of(setting, dimensions, config):
        for pair in declared(setting).settle(value):
            name, _, text = pair.partition("=")
            yield name.strip(), text


def _argument_names(setting: str, dimensions: Sequence[Dimension], config: Config) -> list[str]:
    """Return the names of the arguments that any trial gives."""
    listed = [name for name, _ in _pairs(setting, dimensions, config)]
    varied = [argument_of(each.key) for each in dimensions]
    return list(dict.fromkeys([*listed, *(name for one, name in varied if one == setting)]))


def _require_dropout(
    function: str, known: Mapping[str, Any] | None, dimensions: Sequence[Dimension], config: Config
) -> None:
    """Check that the setting ``dropout`` has an effect on a model where it is used."""
    if function not in ARCHITECTURES:
        if function != AUTO and any(each.key == "model.dropout" for each in dimensions):
            raise ConfigError(
                f"dropout varies, and has no effect on {function!r}, which is no network of tbcli's",
                hint="`model_arg.dropout=...`, where the function has such an argument",
            )
    elif known is not None and "dropout" not in known:
        for value in _values_of("model.dropout", dimensions, config):
            if value not in (0, declared("model.dropout").default):
                raise ConfigError(
                    f"model {function!r} has no dropout, got dropout={value:g}",
                    hint="a sweep of its own without dropout",
                )
