"""The layers a configuration is settled from, weakest first.

Defaults, the recipe, ``tbcli.toml`` of the workspace (or ``[tool.tbcli]`` of its ``pyproject.toml``),
``--config FILE``, ``TBCLI_*`` environment variables, ``--set section.key=value``, named flags.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tbcli.config.configuration import FREE, SETTINGS, Config, declared
from tbcli.config.paths import expanded
from tbcli.config.recipes import RECIPE
from tbcli.config.said import Layer, Said, merged
from tbcli.config.setting import guess
from tbcli.errors import ConfigError

_MOST_BYTES = 1 << 24  # more than any file of settings has
WORKSPACE_FILE = "tbcli.toml"
_PATHS = ("paths.workspace", "paths.logdir", "paths.plots_dir", "paths.models_dir")


def _read_text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            return _read_stream(path).decode()
        if path.stat().st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, f"it has more than {_MOST_BYTES:,} bytes")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"no configuration file {str(path)!r}", hint="`--config` takes a TOML file or a run's config.json"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror or error if isinstance(error, OSError) else error
        raise ConfigError(f"cannot read {str(path)!r}: {what}", hint="it must be a readable UTF-8 text file") from None


def _read_stream(path: Path) -> bytes:
    """Return what comes out of a pipe or a terminal; of a pipe that nobody writes to nothing is awaited."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        os.set_blocking(handle, True)
        content = file.read(_MOST_BYTES + 1)
    if not content:
        raise OSError(errno.ENODATA, "it is empty, or nobody writes to it")
    if len(content) > _MOST_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {_MOST_BYTES:,} bytes")
    return content


def _parsed(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    try:
        if path.suffix == ".json":
            import json

            document = json.loads(text)
        else:
            import tomllib

            document = tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(
            f"{str(path)!r} does not parse: {error}", hint="`tbcli train --print-config` prints a valid one"
        ) from None
    if not isinstance(document, dict):
        raise ConfigError(f"{str(path)!r} holds no sections", hint="`tbcli train --print-config` prints a valid one")
    return document


def _file_layer(path: str, document: Mapping[str, Any]) -> Layer:
    layer: Layer = {}
    for section, values in document.items():
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"{path}: {section!r} stands outside a section",
                hint="settings live in [data], [model], [train], [record], ...",
            )
        for name, value in (_dotted(values) if section in FREE else values).items():
            key = f"{section}.{name}"
            try:
                declared(key)
            except ConfigError as error:
                raise ConfigError(f"{path}: {error.message}", hint=error.hint) from None
            if value is None:
                raise ConfigError(f"{path}: {key} cannot be null", hint="leave the line out to keep the default")
            layer[key] = Said(value, f"{path}: {key}")
    return layer


def _dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return free names as they were meant: TOML reads ``eval.nll = "min"`` as a table in a table."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(_dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value})
    return flat


def _workspace_layer(workspace: Path) -> Layer:
    """Return the settings of the workspace's file; its relative paths are relative to the workspace."""
    own, shared = workspace / WORKSPACE_FILE, workspace / "pyproject.toml"
    if own.is_file():
        origin, document = str(own), _parsed(own)
    elif shared.is_file() and "[tool.tbcli" in _read_text(shared):
        origin, document = str(shared), _parsed(shared).get("tool", {}).get("tbcli", {})
    else:
        return {}
    layer = _file_layer(origin, document)
    if "paths.workspace" in layer:
        raise ConfigError(
            f"{origin}: paths.workspace cannot be set in the workspace itself",
            hint="use `--workspace` or TBCLI_WORKSPACE",
        )
    for key in _PATHS[1:]:
        if key in layer and layer[key].value:
            layer[key] = Said(str(workspace / str(layer[key].value)), layer[key].typed)
    return layer


def variable_of(key: str) -> str:
    """Return the environment variable that sets a setting."""
    return "TBCLI_" + key.replace(".", "_").upper()


def _environment_layer(environ: Mapping[str, str]) -> Layer:
    names = {variable_of(key): key for key in SETTINGS} | {
        "TBCLI_" + key.partition(".")[2].upper(): key for key in _PATHS
    }
    free = {variable_of(f"{section}."): f"{section}." for section in FREE}
    said: list[tuple[str, Said]] = []
    for variable, text in environ.items():
        if not variable.startswith("TBCLI_") or not text:
            continue
        key = names.get(variable)
        for prefix, section in free.items():
            if key is None and variable.startswith(prefix) and variable != prefix:
                key = section + variable.removeprefix(prefix).lower()
        if key is None:
            raise ConfigError(f"unknown environment variable {variable}", hint=guess(variable, names))
        said.append((key, Said(text, variable)))
    return merged(said)


def _assignment_layer(pairs: Iterable[str]) -> Layer:
    said: list[tuple[str, Said]] = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals:
            raise ConfigError(f"--set takes section.key=value, got {pair!r}", hint="such as `--set train.epochs=3`")
        declared(key)
        said.append((key, Said(value, f"--set {key}")))
    return merged(said)


def absolute(key: str, value: object, base: Path) -> object:
    """Return what a setting says with its path made absolute, where it may be one; a known name is not a path.

    Args:
        key: The setting.
        value: What was said: a text, or several.
        base: What a relative path is relative to.
    """
    if key not in SETTINGS or not SETTINGS[key].locates:
        return value
    if isinstance(value, (list, tuple)):
        return [absolute(key, each, base) for each in value]
    if not isinstance(value, str) or not value or _is_known(key, value):
        return value
    if SETTINGS[key].kind is tuple and "," in value:
        return [absolute(key, part.strip(), base) for part in value.split(",")]
    place, colon, function = value.rpartition(":")
    if not (colon and place.endswith(".py")):
        place, colon, function = value, "", ""
    path = base.absolute() / expanded(place)
    is_path = colon or "/" in place or os.sep in place or place.startswith("~") or _is_there(path)
    return f"{os.path.normpath(path)}{colon}{function}" if is_path else value


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - `Path.exists` raises where a name is too long


def with_absolute_paths(config: Config) -> Config:
    """Return the settings with their paths made absolute, relative to the current directory."""
    keys = [key for key, setting in SETTINGS.items() if setting.locates]
    return config.updated({key: absolute(key, config.value(key), Path()) for key in keys})


def _is_known(key: str, value: str) -> bool:
    words = SETTINGS[key].words
    if not words:
        return False
    from tbcli.loading import load_object

    return value in load_object(words)


def load_config(
    *,
    file: str | None = None,
    assignments: Iterable[str] = (),
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Settle all layers into one configuration.

    Args:
        file: ``--config``: a TOML file or a run's ``config.json``.
        assignments: ``--set`` pairs, ``section.key=value``.
        flags: Named flags as ``{"section.key": value}``, or `Said` for a value; None means 'not said'.
        environ: Where ``TBCLI_*`` variables are looked up; the process environment unless given.

    Raises:
        ConfigError: A file cannot be read, a key is unknown, or a value does not fit; the message names what was
            written, and where.
    """
    layers: list[Layer] = [_file_layer(file, _parsed(Path(file)))] if file is not None else []
    layers.append(_environment_layer(os.environ if environ is None else environ))
    layers += _typed_layers(assignments, flags or {})
    # The workspace is settled first, for its own file is the weakest layer.
    place = next((layer["paths.workspace"].value for layer in reversed(layers) if "paths.workspace" in layer), ".")
    layers.insert(0, _workspace_layer(Path(str(place))))
    config = Config()
    for chosen in [layer.pop(RECIPE) for layer in layers if RECIPE in layer]:  # the last is the strongest
        config = Config().updated({RECIPE: chosen.value}, {RECIPE: chosen.typed})
    bases = [Path(str(place)), *([Path(file).parent] if file is not None else [])]
    for number, layer in enumerate(layers):
        config = _with_layer(config, layer, bases[number] if number < len(bases) else Path())
    return config


def amended(config: Config, assignments: Iterable[str] = (), flags: Mapping[str, object] | None = None) -> Config:
    """Return a configuration with what was typed changed in it, and nothing else.

    Args:
        config: What holds otherwise.
        assignments: See `load_config`, as for the flags.
        flags: Stronger than the pairs.

    Raises:
        ConfigError: A key is unknown, or a value does not fit.
    """
    for layer in _typed_layers(assignments, flags or {}):
        config = _with_layer(config, layer, Path())
    return config


def _typed_layers(assignments: Iterable[str], flags: Mapping[str, object]) -> list[Layer]:
    said = {key: value for key, value in flags.items() if value is not None}
    named = {key: value if isinstance(value, Said) else Said(value, key) for key, value in said.items()}
    return [_assignment_layer(assignments), named]


def _with_layer(config: Config, layer: Layer, base: Path) -> Config:
    values = {key: absolute(key, said.value, base) for key, said in layer.items()}
    return config.updated(values, {key: said.typed for key, said in layer.items()})
