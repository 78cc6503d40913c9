"""What the first of several processes tells the others to train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tbcli.config import Config
from tbcli.data.dataset import Split
from tbcli.errors import ConfigError, DoesNotFit
from tbcli.training.facts import package_versions
from tbcli.training.feed import checksums_of


class Lesson(NamedTuple):
    """What the first process tells the others to train.

    Args:
        config: Its settings.
        data: What its training samples are like.
        plan: Of the training that it goes on with, if it does.
        versions: Of what it runs.
    """

    config: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, int]
    plan: Sequence[Any] | None
    versions: Mapping[str, str]

    @classmethod
    def of(cls, config: Config, split: Split, saved: Mapping[str, Any] | None = None) -> Lesson:
        """Return what is to be told of a training.

        Args:
            config: Its settings.
            split: What it learns from.
            saved: The state that it goes on from, if it does.
        """
        plan = saved["epochs"]["plan"] if saved else None
        return cls(config.as_dict(), checksums_of(split), plan, package_versions())

    @classmethod
    def read(cls, said: Any) -> Lesson:
        """Return what was written.

        Raises:
            ConfigError: The first process runs another version of tbcli, Keras or TensorFlow.
        """
        theirs, ours = dict(said.get("versions") or {}), package_versions()
        for name in ("tbcli", "tensorflow", "keras"):
            if theirs.get(name) != ours.get(name):
                raise ConfigError(
                    f"worker 0 has {name} {theirs.get(name, 'of an older tbcli')}, this one {ours.get(name, 'none')}",
                    hint="install the same versions on all machines",
                )
        return cls(*(said[name] for name in cls._fields))

    @property
    def settings(self) -> Config:
        """The settings, checked."""
        flat = {f"{section}.{name}": value for section, group in self.config.items() for name, value in group.items()}
        return Config().updated(flat)

    def require_same(self, split: Split) -> None:
        """Check that this process learns from the same samples.

        Raises:
            DoesNotFit: It does not.
        """
        ours = checksums_of(split)
        for name, theirs in self.data.items():
            if ours.get(name, theirs) != theirs:
                what = f"{theirs:,} samples there, {ours[name]:,} here" if name == "samples" else f"other {name}"
                raise DoesNotFit(
                    f"the data are not those of worker 0: {what}",
                    hint="all workers need the same files; a data function must give the same each time it is called",
                )
