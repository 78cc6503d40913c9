"""What was said of settings in one layer, and the words it was said with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tbcli.errors import ConfigError


class Said(NamedTuple):
    """A value, as text or as a file has it, and what the user wrote for the setting: ``--epochs``, a variable, ..."""

    value: object
    typed: str


Layer = dict[str, Said]


def merged(said: Iterable[tuple[str, Said]]) -> Layer:
    """Return one layer of what was said in turn.

    Raises:
        ConfigError: The same setting was said twice, differently.
    """
    layer: Layer = {}
    for key, new in said:
        old = layer.setdefault(key, new)
        if old is not new and old.value != new.value and _settled(key, old) != _settled(key, new):
            raise ConfigError(
                f"{key} is set twice: {old.typed} is {old.value!r}, {new.typed} is {new.value!r}",
                hint=f"leave out `{old.typed}` or `{new.typed}`" if old.typed != new.typed else "leave out one of them",
            )
    return layer


def _settled(key: str, said: Said) -> Any:
    from tbcli.config.configuration import declared

    return declared(key).settle(said.value, said.typed)
