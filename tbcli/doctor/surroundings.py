"""What is set around a training and changes it: Keras' file, environment variables, the home directory, the locale."""

from __future__ import annotations

import json
import locale
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tbcli.doctor.findings import Finding, Level
from tbcli.doctor.machine import usable_cores
from tbcli.doctor.system import System, is_plain_file, set_aside

# Variable, values that change nothing, level, what it does.
_VARIABLES: tuple[tuple[str, tuple[str, ...], Level, str], ...] = (
    ("TF_USE_LEGACY_KERAS", ("0", "false"), "warning", "tf.keras is then Keras 2, of the package tf-keras"),
    (
        "TF_ENABLE_ONEDNN_OPTS",
        ("1", "true"),
        "note",
        "without oneDNN results differ in the last digits, and training on the processor is slower",
    ),
    ("TF_DETERMINISTIC_OPS", ("0", "false"), "note", "operations are deterministic and slower in every training"),
    ("TF_CUDNN_DETERMINISTIC", ("0", "false"), "note", "cuDNN is deterministic and slower in every training"),
    ("NVIDIA_TF32_OVERRIDE", ("1",), "note", "matrix products on the graphics card are computed without TF32"),
    ("TF_XLA_FLAGS", (), "note", "it changes which operations XLA compiles, and so the last digits"),
    ("XLA_FLAGS", (), "note", "it changes how XLA compiles, and so the last digits"),
    (
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
        ("upb", "cpp"),
        "warning",
        "Protobuf in Python is many times slower: `serve` and reading logs take long",
    ),
)
_THREADS = (
    ("TF_NUM_INTRAOP_THREADS", "TensorFlow computes with no more threads"),
    ("OMP_NUM_THREADS", "libraries that use OpenMP compute with no more threads"),
)
_KERAS = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}
_OTHERS = ("KERAS_BACKEND", "KERAS_HOME", "CUDA_VISIBLE_DEVICES")
_EPSILON = 1e-7


def check_surroundings(system: System) -> tuple[dict[str, Any], list[Finding]]:
    """Return what is set, and what of it changes results or speed."""
    names = [each[0] for each in _VARIABLES] + [name for name, _ in _THREADS] + [*_OTHERS]
    path = keras_file(system)
    facts = {
        "variables": {name: system.environ[name] for name in names if name in system.environ},
        "keras_json": str(path) if path and is_plain_file(path) else None,
    }
    findings = [*_keras(system, path), *_variables(system), *_threads(system), *_home(system), *_locale(system)]
    return facts, findings


def keras_file(system: System) -> Path | None:
    """Return where Keras looks for its settings."""
    home = system.environ.get("KERAS_HOME")
    if home:
        return Path(home, "keras.json")
    home = system.environ.get("HOME")
    return Path(home, ".keras", "keras.json") if home else None


def _keras(system: System, path: Path | None) -> Iterator[Finding]:
    said = system.environ.get("KERAS_BACKEND")
    if said not in (None, "", "tensorflow"):
        yield _ignored("KERAS_BACKEND", f"KERAS_BACKEND is {said!r}", "unset KERAS_BACKEND")
    if path is None or not is_plain_file(path):
        return
    try:
        settings = json.loads(path.read_text())
        if not isinstance(settings, dict):
            raise ValueError
    except (OSError, ValueError):
        yield Finding(
            level="note",
            name="keras-settings-unreadable",
            where=str(path),
            what=f"{path} is not valid JSON",
            why="Keras takes its defaults instead, and says nothing",
            fix=set_aside(path),
        )
        return
    for key, usual in _KERAS.items():
        if settings.get(key, usual) != usual:
            yield _ignored(str(path), f"{path} sets {key} to {settings[key]!r}", set_aside(path))
    epsilon = settings.get("epsilon", _EPSILON)
    if epsilon != _EPSILON:
        yield Finding(
            level="warning",
            name="keras-settings",
            where=str(path),
            what=f"{path} sets epsilon to {epsilon!r}, not {_EPSILON:g}",
            why="it is a part of losses and optimizers: results differ from those on other machines",
            fix=set_aside(path),
        )


def _ignored(where: str, what: str, fix: str) -> Finding:
    why = "`tbcli train` takes no notice, but scripts under `tbcli run`, and other programs that load its models, do"
    return Finding(level="note", name="keras-settings", what=what, why=why, fix=fix, where=where)


def _variables(system: System) -> Iterator[Finding]:
    for name, harmless, level, why in _VARIABLES:
        value = system.environ.get(name, "")
        if value and value.lower() not in harmless:
            yield Finding(
                level=level,
                name="environment-variable",
                where=name,
                what=f"{name} is set to {value!r}",
                why=why,
                fix=f"unset {name}",
            )


def _threads(system: System) -> Iterator[Finding]:
    cores = usable_cores()
    for name, why in _THREADS:
        value = system.environ.get(name, "")
        if value.isdecimal() and 0 < int(value) < cores:
            yield Finding(
                level="note",
                name="threads-limited",
                where=name,
                what=f"{name} is {value}; there are {cores} cores",
                why=why,
                fix=f"unset {name}",
            )


def _home(system: System) -> Iterator[Finding]:
    home = system.environ.get("HOME")
    if not home or not os.path.isdir(home):  # noqa: PTH112
        yield Finding(
            level="note",
            name="no-home",
            where="HOME",
            what=f"HOME is {home!r}, which is no directory" if home else "HOME is not set",
            why="Keras' settings and caches have no place there; large logs are read anew each time",
            fix="export HOME=DIR",
        )


def _locale(system: System) -> Iterator[Finding]:
    said = next((system.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if system.environ.get(name)), "")
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.lower().replace("-", "") not in ("utf8", "cp65001"):
        yield Finding(
            level="note",
            name="locale-not-utf8",
            where=said or "LANG",
            what=f"the locale {said!r} writes text as {encoding}",
            why="names of runs with other letters are shown with escapes, and other programs may fail on them",
            fix="export LC_ALL=C.UTF-8",
        )
