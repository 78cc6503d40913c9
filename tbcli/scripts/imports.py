"""Be told when a module has been imported, without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Then = Callable[[Any], None]


class ImportWatch:
    """A finder in front of the others that finds nothing itself, and acts when an awaited module is there.

    Args:
        awaited: ``{name of a module: what to do with it once it has been imported}``; these must not raise.
    """

    def __init__(self, awaited: dict[str, Then]) -> None:
        self._awaited = dict(awaited)

    def install(self) -> None:
        """Act on what is there already, and wait for the rest."""
        for name in [name for name in self._awaited if name in sys.modules]:
            self._awaited.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find, with a loader that acts once at its end."""
        if name not in self._awaited:
            return None
        for finder in sys.meta_path:
            found = None if finder is self else finder.find_spec(name, path, target)
            if found is not None:
                self._follow(found)
                return found
        return None

    def _follow(self, spec: ModuleSpec) -> None:
        """Let a spec's loader act after it has executed the module; the loader stays what it is."""
        loader: Any = spec.loader
        if loader is None or not hasattr(loader, "exec_module"):
            return
        execute = loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            if module.__name__ == spec.name and spec.name in self._awaited:
                loader.__dict__.pop("exec_module", None)
                self._awaited.pop(spec.name)(module)

        loader.exec_module = execute_and_act
