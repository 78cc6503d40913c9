"""What a run records of its data, of package versions and of git."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tbcli.config import Config
from tbcli.data.dataset import Dataset
from tbcli.data.fingerprint import fingerprints, scale_of
from tbcli.runs.summary import ARGUMENTS
from tbcli.usercode import named_values

_PACKAGES = ("tbcli", "tensorflow", "keras", "tensorboard", "numpy")


def argument_facts(config: Config) -> dict[str, dict[str, object]]:
    """Return the arguments of data and model, which only some runs have; of equal names the data's is told apart."""
    data, model = named_values(config.data.args), named_values(config.model.args)
    arguments = {**{f"data.{name}" if name in model else name: value for name, value in data.items()}, **model}
    return {ARGUMENTS: arguments} if arguments else {}


def dataset_facts(dataset: Dataset) -> dict[str, object]:
    """Return what a run says of its data: by this runs are compared, and its saved model is asked again."""
    return {
        "data": dataset.name,
        "task": dataset.task.name,
        "evaluation_data": fingerprints(dataset),
        "class_names": list(dataset.class_names),
        "input_shape": list(dataset.input_shape),
        "inputs": scale_of(dataset),
        **({"columns": [asdict(column) for column in dataset.columns]} if dataset.columns else {}),
    }


def package_versions(*more: str) -> dict[str, str]:
    """Return the versions that shape a result, of these packages too, without importing them."""
    versions = {"python": platform.python_version()}
    for name in dict.fromkeys((*_PACKAGES, *more)):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # run from a checkout that is not installed
    return versions


def git_state(directory: Path) -> dict[str, object] | None:
    """Return ``{"commit", "dirty"}`` of the checkout a directory is in, or None outside one."""
    try:
        commit = _git(directory, "rev-parse", "HEAD")
        dirty = bool(_git(directory, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": dirty}


def _git(directory: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed words
        ["git", "-C", str(directory), *words],  # noqa: S607 - the user's own git
        capture_output=True,
        text=True,
        timeout=5,
        check=True,
    )
    return done.stdout.strip()
