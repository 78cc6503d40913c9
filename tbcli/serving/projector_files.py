"""TensorBoard's projector kept within the directories it shows: what a configuration there says is not trusted.

A projector configuration names files: vectors, metadata, a sprite, bookmarks and a TensorFlow checkpoint. Those outside
of its directory, those that are no regular files and those too large to be read in one piece are left out, with a
warning; what is left is shown. One broken configuration leaves the others as they are.
"""

from __future__ import annotations

import copy
import math
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tbcli.config.paths import expanded
from tbcli.serving.survey import MOST_CONFIG_BYTES, PROJECTOR_CONFIG

MOST_ASSET_BYTES = 256 << 20
"""Size of the largest file, and of the largest tensor of a checkpoint, that one request may have read."""

_STATE = "checkpoint"  # the file in which TensorFlow keeps the name of the latest one
_STATE_PATH = re.compile(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
_ASSETS = str(Path("plugins", "org_tensorflow_tensorboard_projector"))
Warn = Callable[[str], None]


def keep_projector_within(loader: Any, warn: Warn) -> Any:
    """Return a plugin's loader; if it is the projector's, what it reads stays within the log directories.

    Args:
        loader: Of any plugin.
        warn: Told of every path that is left out.
    """
    load = loader.load

    def loaded(context: Any) -> Any:
        plugin = load(context)
        if hasattr(plugin, "_augment_configs_with_checkpoint_info"):
            if "://" in str(plugin.logdir):
                _keep_checkpoints_within(plugin, warn)
            else:
                plugin._update_configs = _Configurations(plugin, warn).update
        return plugin

    loader.load = loaded
    return loader


def _keep_checkpoints_within(plugin: Any, warn: Warn) -> None:
    """Leave out what names checkpoints outside of a log directory that is not local; other files are refused anyway."""
    read = plugin._read_latest_config_files

    def vetted(pairs: Any) -> tuple[dict[str, Any], dict[str, str]]:
        configs, paths = read(pairs)
        for name, config in list(configs.items()):
            said = config.model_checkpoint_path
            if said and (not said.startswith(f"{plugin.logdir.rstrip('/')}/") or ".." in said.split("/")):
                warn(f"{paths[name]!r}: model_checkpoint_path {said!r} lies outside of the log directory; left out")
                del configs[name], paths[name]
        return configs, paths

    plugin._read_latest_config_files = vetted


@dataclass(frozen=True, slots=True)
class _Vetted:
    """A configuration that may be shown, None where there is none; valid while the state of the files is the same."""

    config: Any
    files: tuple[Path, ...]
    state: tuple[object, ...]

    @property
    def is_current(self) -> bool:
        return self.state == _state_of(self.files)


class _Configurations:
    """What stands in the place of the projector's own search for configurations."""

    def __init__(self, plugin: Any, warn: Warn) -> None:
        self._plugin = plugin
        self._warn = warn
        self._known: dict[tuple[str, str], _Vetted] = {}

    def update(self) -> None:
        """Find the configurations, and complete those that are new or changed."""
        from tensorboard.context import RequestContext

        plugin = self._plugin
        listed = plugin.data_provider.list_runs(RequestContext(), experiment_id="")
        runs = {run.run_name: os.path.join(plugin.logdir, run.run_name) for run in listed}  # noqa: PTH118 - as it does
        known = {place: self._vetted(*place) for place in _places({**runs, ".": plugin.logdir})}
        self._known = known
        shown = {name: (directory, each.config) for (name, directory), each in known.items() if each.config}
        plugin._run_paths = runs
        plugin._configs, plugin.config_fpaths = (
            {name: config for name, (_, config) in shown.items()},
            {name: os.path.join(directory, PROJECTOR_CONFIG) for name, (directory, _) in shown.items()},  # noqa: PTH118
        )

    def _vetted(self, name: str, directory: str) -> _Vetted:
        before = self._known.get((name, directory))
        if before and before.is_current:
            return before
        reading = _Reading(Path(directory), Path(self._plugin.logdir))
        config = reading.config()
        state = _state_of(reading.files)  # of before the vectors are read
        if config is not None:
            config = self._completed(name, directory, config, reading)
        for problem in reading.problems:
            self._warn(problem)
        return _Vetted(config, tuple(reading.files), state)

    def _completed(self, name: str, directory: str, config: Any, reading: _Reading) -> Any:
        """Return the configuration with the shapes of its tensors; None where none is left, or they cannot be read."""
        alone = copy.copy(self._plugin)  # other requests go on with what is known
        alone._configs = {name: config}
        alone.config_fpaths = {name: os.path.join(directory, PROJECTOR_CONFIG)}  # noqa: PTH118
        self._plugin.readers.pop(name, None)
        reader = alone._get_reader_for_run(name)
        if reader:
            self._plugin.readers[name] = _CappedReader(reader)
        try:
            alone._augment_configs_with_checkpoint_info()
        except Exception as error:  # noqa: BLE001 - whatever the content of somebody's files makes it raise
            reading.refuse("", f"its tensors cannot be read: {error}")
            return None
        return alone._configs.get(name)


class _CappedReader:
    """A checkpoint's reader that does not know tensors which are too large to be sent."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Return names and shapes of those that can be shown."""
        shapes = self._reader.get_variable_to_shape_map()
        return {name: shape for name, shape in shapes.items() if 8 * math.prod(shape) <= MOST_ASSET_BYTES}

    def has_tensor(self, name: str) -> bool:
        """Say whether one can be shown."""
        return name in self.get_variable_to_shape_map()

    def get_tensor(self, name: str) -> Any:
        """Return its values."""
        return self._reader.get_tensor(name)


class _Reading:
    """One directory's configuration as it is read; `files` are those it depends on, `problems` what was left out."""

    def __init__(self, directory: Path, logdir: Path) -> None:
        self.files: list[Path] = [directory / PROJECTOR_CONFIG]
        self.problems: list[str] = []
        self._directory = directory
        self._logdir = logdir
        self._bytes_left = MOST_ASSET_BYTES  # of vectors, which are all read to learn their shapes

    def refuse(self, what: str, why: str) -> None:
        """Note what is left out."""
        place = str(self._directory / PROJECTOR_CONFIG)
        self.problems.append(f"projector configuration {place!r}: {f'{what} ' if what else ''}{why}; left out")

    def config(self) -> Any:
        """Return what may be shown of it, None for nothing."""
        config = self._parsed()
        if config is None:
            return None
        has_tensors = bool(list(self._keep_within(config.embeddings)))
        checkpoint = self._checkpoint(config.model_checkpoint_path)
        config.model_checkpoint_path = checkpoint
        return config if has_tensors or checkpoint else None

    def _parsed(self) -> Any:
        from google.protobuf import text_format
        from tensorboard.plugins.projector import ProjectorConfig

        path = self.files[0]
        if not os.path.lexists(path):
            return ProjectorConfig()  # a checkpoint may lie there all the same
        problem = _problem_of(path, self._directory, MOST_CONFIG_BYTES)
        if problem:
            return self.refuse("", problem)
        try:
            return text_format.Parse(path.read_text(encoding="utf-8"), ProjectorConfig())
        except (OSError, ValueError, text_format.ParseError) as error:
            return self.refuse("", f"does not parse: {error}")

    def _keep_within(self, embeddings: Any) -> Iterator[str]:
        """Take out what may not be read; yield the tensor files that are left."""
        for embedding in list(embeddings):
            for field, owner in (
                ("metadata_path", embedding),
                ("bookmarks_path", embedding),
                ("image_path", embedding.sprite),
            ):
                said = getattr(owner, field)
                if said and not self._may_read(field, said, MOST_ASSET_BYTES):
                    owner.ClearField(field)
            if not embedding.tensor_path:
                continue
            if not self._may_read("tensor_path", embedding.tensor_path, self._bytes_left):
                embeddings.remove(embedding)
                continue
            self._bytes_left -= self.files[-1].stat().st_size
            embedding.tensor_name = embedding.tensor_name or Path(embedding.tensor_path).name
            yield embedding.tensor_path

    def _may_read(self, field: str, said: str, most: int) -> bool:
        self.files.append(_asset_path(self._directory, said))
        problem = describe_asset_problem(self._directory, said, most)
        if problem:
            self.refuse(f"{field} {said!r}", problem)
        return not problem

    def _checkpoint(self, said: str) -> str:
        """Return the path of the checkpoint to read, ``""`` for none: the one that is said, else the latest."""
        home = self._directory.parent.parent if str(self._directory).endswith(_ASSETS) else self._directory
        if said:
            return self._inside(said, home, [Path(), home], f"model_checkpoint_path {said!r}")
        if not _uses_tensorflow():
            return ""
        places = [home]
        if home.parent.resolve().is_relative_to(self._logdir.resolve()):
            places.append(home.parent)  # as the projector does
        for place in places:
            self.files.append(place / _STATE)
            latest = _latest_in(place)
            if latest:
                return self._inside(latest, place, [place], f"the checkpoint {latest!r} of {str(place / _STATE)!r}")
        return ""

    def _inside(self, said: str, home: Path, bases: Iterable[Path], what: str) -> str:
        """Return a checkpoint's prefix as an absolute path if all its files lie in `home`."""
        for base in bases:
            prefix = base.absolute() / expanded(said)
            if "://" not in said and _lies_in(prefix, home):
                files = _files_of(prefix)
                if all(_lies_in(file, home) and file.is_file() for file in files) and (files or base == home):
                    return str(prefix.parent.resolve() / prefix.name)
        self.refuse(what, "lies outside of its directory")
        return ""


def _places(runs: dict[str, str]) -> list[tuple[str, str]]:
    """Return names and directories where configurations may lie; of one name the last counts."""
    assets = ((name, os.path.join(path, _ASSETS)) for name, path in runs.items())  # noqa: PTH118
    return [*runs.items(), *(place for place in assets if os.path.isdir(place[1]))]  # noqa: PTH112


def describe_asset_problem(directory: Path, said: str, most: int = MOST_ASSET_BYTES) -> str:
    """Return why a file that a configuration names is left out, as ``is missing``; ``""`` where it is shown.

    Args:
        directory: Where the configuration lies.
        said: The file's name there.
        most: Bytes that it may have.
    """
    path = _asset_path(directory, said)
    return "is missing" if not os.path.lexists(path) else _problem_of(path, directory, most)


def _asset_path(directory: Path, said: str) -> Path:
    return directory / expanded(said)


def _problem_of(path: Path, directory: Path, most: int) -> str:
    if not _lies_in(path, directory):
        return "lies outside of its directory"
    try:
        facts = path.stat()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not stat.S_ISREG(facts.st_mode):
        return "is no regular file"
    return f"is too large: {facts.st_size >> 20} MB of at most {most >> 20}" if facts.st_size > most else ""


def _lies_in(path: Path, directory: Path) -> bool:
    try:
        return path.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links; a null character
        return False


def _files_of(prefix: Path) -> list[Path]:
    try:
        return [prefix.with_name(name) for name in os.listdir(prefix.parent) if name.startswith(prefix.name)]  # noqa: PTH208
    except OSError:
        return []


def _latest_in(directory: Path) -> str:
    state = directory / _STATE
    if not os.path.lexists(state) or _problem_of(state, directory, MOST_CONFIG_BYTES):
        return ""
    try:
        found = _STATE_PATH.search(state.read_text(errors="replace"))
    except OSError:
        return ""
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _uses_tensorflow() -> bool:
    from tensorboard.plugins.projector import projector_plugin

    return bool(projector_plugin.tf.__version__ != "stub")


def _state_of(files: Iterable[Path]) -> tuple[object, ...]:
    return tuple(_facts_of(file) for file in files)


def _facts_of(file: Path) -> object:
    try:
        facts = file.stat()
        return file.resolve(), facts.st_ino, facts.st_size, facts.st_mtime_ns
    except (OSError, RuntimeError, ValueError):
        return os.path.lexists(file)
