"""From a setting to a `Dataset`. Importing the room is cheap; what a source needs is imported with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbcli.config import DataConfig
from tbcli.errors import NotFound
from tbcli.loading import load_object
from tbcli.naming.matching import did_you_mean

if TYPE_CHECKING:
    from tbcli.data.dataset import Dataset

SOURCES = {
    "mnist": "tbcli.data.mnist:load_mnist",
}
"""Name -> ``module:function`` from a `DataConfig` to a `Dataset`; one file a kind of source."""


def require_source(name: str) -> str:
    """Return where the loader of a source stands, without importing it.

    Raises:
        NotFound: No source answers to the name.
    """
    if name not in SOURCES:
        raise NotFound(f"no data {name!r}", hint=did_you_mean(name, SOURCES))
    return SOURCES[name]


def load_dataset(config: DataConfig) -> Dataset:
    """Load what ``--data`` names.

    Raises:
        NotFound: No source answers to the name, or its file is not there.
        DoesNotFit: The data are damaged, or too few for what was asked.
    """
    dataset: Dataset = load_object(require_source(config.source))(config)
    return dataset
