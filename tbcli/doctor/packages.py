"""Installed packages by their metadata: what is missing, what does not go together, which plugins TensorBoard loads."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.doctor.findings import Finding
from tbcli.doctor.system import System, is_plain_file, pip

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PLUGINS = "tensorboard_plugins"  # the group of entry points
SHOWN = ("tbcli", "tensorflow", "keras", "tensorboard", "tensorboard-data-server", "numpy", "protobuf", "typer", "rich",
         "matplotlib", "xprof", "jax", "torch")  # fmt: skip
_ROOTS = ("tbcli", "tensorflow", "keras", "tensorboard", "tf-keras")
# Packages that put different files into one directory: the last one installed has written over the others.
_RIVALS = (
    ("tensorboard", ("tensorboard", "tb-nightly", "tensorflow-tensorboard")),  # tensorflow/tensorboard#2919
    (
        "tensorflow",
        (
            "tensorflow",
            "tensorflow-cpu",
            "tensorflow-gpu",
            "tensorflow-rocm",
            "intel-tensorflow",
            "tf-nightly",
            "tf-nightly-cpu",
        ),
    ),
    ("keras", ("keras", "keras-nightly")),
)


class Packages:
    """What is installed.

    Args:
        path: Directories to look into; None for those of this process.
    """

    def __init__(self, path: Sequence[str] | None = None) -> None:
        self._path = path
        self._found: dict[str, metadata.Distribution] = {}
        found = metadata.distributions() if path is None else metadata.distributions(path=list(path))
        for distribution in found:
            name = distribution.metadata["Name"]
            if name:  # a half-removed one has none
                self._found.setdefault(_plain(name), distribution)

    def version(self, name: str) -> str:
        """Return the version of a package, ``""`` where it is not installed."""
        found = self._found.get(_plain(name))
        return (found.version or "") if found else ""

    def requirements(self, name: str, extra: str = "") -> list[Requirement]:
        """Return what a package needs here; with an extra, only what that adds."""
        from packaging.requirements import InvalidRequirement, Requirement

        found = self._found.get(_plain(name))
        needed = []
        for text in (found.requires or []) if found else []:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            marker = requirement.marker
            plainly = marker is None or marker.evaluate({"extra": ""})
            if plainly if not extra else not plainly and marker is not None and marker.evaluate({"extra": extra}):
                needed.append(requirement)
        return needed

    def wanted_python(self, name: str) -> str:
        """Return the versions of Python that a package is for, ``""`` where it does not say."""
        found = self._found.get(_plain(name))
        return str(found.metadata["Requires-Python"] or "") if found else ""

    def plugins(self) -> list[tuple[str, metadata.EntryPoint]]:
        """Return package and entry point of each plugin of TensorBoard."""
        return [
            (distribution.metadata["Name"], point)
            for distribution in self._found.values()
            for point in distribution.entry_points
            if point.group == PLUGINS
        ]

    def file(self, name: str, inside: str) -> Path | None:
        """Return where a file of a package lies, or would lie; None where the package is not installed."""
        found = self._found.get(_plain(name))
        return Path(str(found.locate_file(inside))) if found else None

    def can_find(self, module: str) -> bool:
        """Say whether a module is there, without importing it or its parents."""
        path = self._path
        for name in module.split("."):
            spec = PathFinder.find_spec(name, path)
            if spec is None:
                return False
            path = spec.submodule_search_locations
            if path is None:
                return True  # a module; what follows may be made when it is imported
        return True


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def is_unmet(requirement: Requirement, version: str) -> bool:
    """Say whether a requirement is not met by a version, ``""`` for a package that is missing."""
    return not version or not requirement.specifier.contains(version, prereleases=True)


def versions(packages: Packages) -> dict[str, str]:
    """Return the versions that matter, Python's first."""
    known = {name: packages.version(name) for name in SHOWN}
    return {"python": platform.python_version(), **{name: version for name, version in known.items() if version}}


def check_packages(system: System) -> tuple[dict[str, str], list[Finding]]:
    """Return the versions, and what is wrong with the packages that are installed."""
    packages = Packages(system.packages)
    findings = [
        *_unmet(packages),
        *_wrong_python(packages),
        *_incompatible(packages),
        *_rivals(packages),
        *_plugins(packages),
    ]
    server = packages.file("tensorboard-data-server", "tensorboard_data_server/bin/server")
    if server is not None and not is_plain_file(server):
        findings.append(
            Finding(
                level="note",
                name="no-fast-reader",
                where="tensorboard-data-server",
                what="the package tensorboard-data-server has no server for this platform",
                why="TensorBoard reads logs with its slow reader: 1,000 runs take 45 s instead of 6",
                fix=pip("install", "--force-reinstall", "tensorboard-data-server"),
            )
        )
    return versions(packages), findings


def _unmet(packages: Packages) -> Iterator[Finding]:
    """Yield what tbcli, or a plugin of TensorBoard, needs and does not find, however far down."""
    waiting = [*_ROOTS, *(name for name, _ in packages.plugins())]
    seen: set[str] = set()
    while waiting:
        owner = _plain(waiting.pop(0))
        if owner in seen:
            continue
        seen.add(owner)
        for requirement in packages.requirements(owner):
            version = packages.version(requirement.name)
            waiting.append(requirement.name)
            if is_unmet(requirement, version):
                needed = f"{requirement.name}{requirement.specifier}"
                yield Finding(
                    level="error" if not version and owner == "tbcli" else "warning",
                    name="package-version" if version else "package-missing",
                    where=requirement.name,
                    what=f"{owner} {packages.version(owner)} needs {needed}; "
                    + (f"{requirement.name} {version} is installed" if version else "it is not installed"),
                    why=f"{owner} is not made for that version: it may fail, or compute something else"
                    if version
                    else f"{owner} fails where it imports it",
                    fix=pip("install", needed),
                )


def _wrong_python(packages: Packages) -> Iterator[Finding]:
    for name in _ROOTS:
        wanted = packages.wanted_python(name)
        if wanted and not _is_in(platform.python_version(), wanted):
            yield Finding(
                level="warning",
                name="python-version",
                where=name,
                what=f"{name} {packages.version(name)} is for Python {wanted}; this is {platform.python_version()}",
                why="it was not tested with that version, and may fail",
                fix=pip("install", "--upgrade", name),
            )


def _incompatible(packages: Packages) -> Iterator[Finding]:
    """Yield combinations that fail although the packages' own requirements allow them."""
    tensorflow, numpy = packages.version("tensorflow"), packages.version("numpy")
    if _is_in(tensorflow, "<2.18") and _is_in(numpy, ">=2"):
        yield Finding(  # tensorflow/tensorflow#102743
            level="error",
            name="numpy-too-new",
            where="numpy",
            what=f"TensorFlow {tensorflow} was compiled for NumPy 1; NumPy {numpy} is installed",
            why="`import tensorflow` fails, or crashes",
            fix=pip("install", "--upgrade", "tensorflow>=2.21"),
        )
    tensorboard, setuptools = packages.version("tensorboard"), packages.version("setuptools")
    if _is_in(tensorboard, "<2.21") and _is_in(setuptools, ">=82"):
        yield Finding(  # tensorflow/tensorboard#7064
            level="error",
            name="pkg-resources-missing",
            where="setuptools",
            what=f"TensorBoard {tensorboard} imports pkg_resources, which setuptools {setuptools} does not have",
            why="TensorBoard fails to start: No module named 'pkg_resources'",
            fix=pip("install", "--upgrade", "tensorboard>=2.21"),
        )


def _is_in(version: str, range_: str) -> bool:
    """Say whether a version lies in a range; no version lies in none."""
    from packaging.specifiers import SpecifierSet

    return bool(version) and SpecifierSet(range_).contains(version, prereleases=True)


def _rivals(packages: Packages) -> Iterator[Finding]:
    for directory, names in _RIVALS:
        installed = [name for name in names if packages.version(name)]
        if len(installed) > 1:
            listed = " and ".join(f"{name} {packages.version(name)}" for name in installed)
            yield Finding(
                level="warning",
                name="packages-overlap",
                where=directory,
                what=f"{listed} are both installed into the directory {directory!r}",
                why="the one installed last wrote over files of the other: a mixture of two versions runs",
                fix=f"{pip('uninstall', '-y', *installed)} && {pip('install', installed[0])}",
            )


def _plugins(packages: Packages) -> Iterator[Finding]:
    """Yield plugins of TensorBoard that stop it, or that it leaves out."""
    owners: dict[str, list[str]] = {}
    for package, point in packages.plugins():
        owners.setdefault(point.name, []).append(package)
        if not packages.can_find(point.module):
            yield Finding(  # one unguarded load() in TensorBoard's own start
                level="warning",
                name="plugin-broken",
                where=package,
                what=f"the TensorBoard plugin {point.name!r} of {package} names the module {point.module!r}, "
                "which is not there",
                why="`tensorboard` fails to start; `tbcli serve` leaves the plugin out",
                fix=pip("install", "--force-reinstall", package),
            )
    for name, packs in owners.items():
        if len(packs) > 1:
            yield Finding(  # tensorflow/tensorboard#3443
                level="warning",
                name="plugins-collide",
                where=name,
                what=f"{' and '.join(packs)} both install a TensorBoard plugin named {name!r}",
                why=f"`tensorboard` stops with 'Duplicate plugins for name {name}'",
                fix=pip("uninstall", "-y", *packs[1:]),
            )
