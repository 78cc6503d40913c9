"""The layers a configuration is settled from, weakest first.

Defaults, ``tbcli.toml`` of the workspace (or ``[tool.tbcli]`` of its ``pyproject.toml``), ``--config FILE``,
``TBCLI_*`` environment variables, ``--set section.key=value``, named flags.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tbcli.config.sections import DIRECTION, SETTINGS, Config, known_key
from tbcli.config.setting import did_you_mean
from tbcli.errors import ConfigError

WORKSPACE_FILE = "tbcli.toml"
_PATHS = ("paths.workspace", "paths.logdir", "paths.plots_dir", "paths.models_dir")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"no configuration file {str(path)!r}", hint="`--config` takes a TOML file or a run's config.json"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {str(path)!r}: {error}", hint="it must be a readable UTF-8 text file") from None


def _parsed(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    try:
        if path.suffix == ".json":
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


def _flattened(document: Mapping[str, Any], origin: str) -> dict[str, object]:
    settings: dict[str, object] = {}
    for section, values in document.items():
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"{origin}: {section!r} stands outside a section",
                hint="settings live in [data], [model], [train], [record], ...",
            )
        for name, value in (_dotted(values) if section == "direction" else values).items():
            key = f"{section}.{name}"
            try:
                known_key(key)
                if value is None:
                    raise ConfigError(f"{key} cannot be null", hint="leave the line out to keep the default")
            except ConfigError as error:
                raise ConfigError(f"{origin}: {error.message}", hint=error.hint) from None
            settings[key] = value
    return settings


def _dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return names of metrics as they were meant: TOML reads ``eval.nll = "min"`` as a table in a table."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(_dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value})
    return flat


def _workspace_layer(workspace: Path) -> tuple[str, dict[str, object]]:
    """Return the workspace file's name and settings; its relative paths are relative to the workspace."""
    own, shared = workspace / WORKSPACE_FILE, workspace / "pyproject.toml"
    if own.is_file():
        origin, document = str(own), _parsed(own)
    elif shared.is_file() and "[tool.tbcli" in _read_text(shared):
        origin, document = str(shared), _parsed(shared).get("tool", {}).get("tbcli", {})
    else:
        return "", {}
    settings = _flattened(document, origin)
    if "paths.workspace" in settings:
        raise ConfigError(
            f"{origin}: paths.workspace cannot be set in the workspace itself",
            hint="use `--workspace` or TBCLI_WORKSPACE",
        )
    for key in _PATHS[1:]:
        if settings.get(key):
            settings[key] = str(workspace / str(settings[key]))
    return origin, settings


_ENVIRONMENT_ALIASES = {
    "TBCLI_WORKSPACE": "paths.workspace",
    "TBCLI_LOGDIR": "paths.logdir",
    "TBCLI_PLOTS_DIR": "paths.plots_dir",
    "TBCLI_MODELS_DIR": "paths.models_dir",
}


_ENVIRONMENT_DIRECTION = "TBCLI_DIRECTION_"


def _environment_layer(environ: Mapping[str, str]) -> dict[str, object]:
    names = {"TBCLI_" + key.replace(".", "_").upper(): key for key in SETTINGS} | _ENVIRONMENT_ALIASES
    settings: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith("TBCLI_") or not text:
            continue
        if variable.startswith(_ENVIRONMENT_DIRECTION) and variable != _ENVIRONMENT_DIRECTION:
            settings[DIRECTION + variable.removeprefix(_ENVIRONMENT_DIRECTION).lower()] = text
            continue
        if variable not in names:
            raise ConfigError(f"unknown environment variable {variable}", hint=did_you_mean(variable, names))
        settings[names[variable]] = text
    return settings


def _assignments(pairs: Iterable[str]) -> dict[str, object]:
    settings: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set takes section.key=value, got {pair!r}", hint="such as `--set train.epochs=3`")
        known_key(key.strip())
        settings[key.strip()] = value
    return settings


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
        flags: Named flags as ``{"section.key": value}``; None means 'not said'.
        environ: Where ``TBCLI_*`` variables are looked up; the process environment unless given.

    Raises:
        ConfigError: A file cannot be read, a key is unknown, or a value does not fit; the message names where it stood.
    """
    named: list[tuple[str, dict[str, object]]] = []
    if file is not None:
        path = Path(file)
        named.append((file, _flattened(_parsed(path), file)))
    named.append(("the environment", _environment_layer(os.environ if environ is None else environ)))
    named.append(("--set", _assignments(assignments)))
    named.append(("", {key: value for key, value in (flags or {}).items() if value is not None}))
    # The workspace is settled first, for its own file is the weakest layer.
    workspace = next((layer["paths.workspace"] for _, layer in reversed(named) if "paths.workspace" in layer), ".")
    config = Config()
    for origin, layer in [_workspace_layer(Path(str(workspace))), *named]:
        try:
            config = config.updated(layer)
        except ConfigError as error:
            prefix = f"{origin}: " if origin and layer else ""
            raise ConfigError(f"{prefix}{error.message}", hint=error.hint) from None
    return config
