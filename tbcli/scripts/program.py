"""What ``python`` would run: a file, a directory or an archive with a ``__main__.py``, or a module."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from tbcli.errors import ConfigError, DoesNotFit, NotFound

SCRIPT, PLACE, MODULE = "script", "place", "module"
_LIBRARIES = ("site-packages", "dist-packages")


class Program:
    """A program as Python's command line names it.

    Args:
        kind: `SCRIPT`, `PLACE` (a directory or an archive) or `MODULE`.
        name: As it was typed.
    """

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.file = os.path.join(os.getcwd(), name)  # dots and links stay, as in `__file__`
        self.directory = _directory(kind, name)
        self.top = os.path.realpath(self.directory)
        self._spec: ModuleSpec | None = None
        self._source: bytes | None = None

    @property
    def shown(self) -> str:
        """What a person calls it: the name of the file, the directory or the module."""
        return self.name if self.kind == MODULE else os.path.basename(os.path.abspath(self.name))

    def enter(self, arguments: list[str]) -> ModuleType:
        """Set ``sys.argv``, ``sys.path`` and ``__main__`` as Python does, and return the new ``__main__``."""
        sys.argv = [self.name, *arguments]
        if not sys.flags.safe_path or self.kind == PLACE:
            sys.path.insert(0, self.directory)
        main = ModuleType("__main__")
        names = main.__dict__
        names.update(__builtins__=sys.modules["builtins"], __annotations__={}, __cached__=None)
        sys.modules["__main__"] = main
        if self.kind == SCRIPT:
            names.update(__file__=self.file, __loader__=SourceFileLoader("__main__", self.file))
        else:
            self._spec = spec = self._found()
            self.file = str(spec.origin)
            names.update(__file__=spec.origin, __loader__=spec.loader, __spec__=spec, __cached__=spec.cached)
            names["__package__"] = spec.parent if self.kind == MODULE else ""
            if self.kind == MODULE:
                sys.argv[0] = self.file
        return main

    def _found(self) -> ModuleSpec:
        """Return the spec of what is run in a place or by its module's name.

        Raises:
            SystemExit: There is no such module.
        """
        if self.kind == PLACE:
            spec, missing = PathFinder.find_spec("__main__", [self.directory]), "__main__"
        else:
            spec, missing = _find_module(self.name)
        if spec is None or spec.loader is None:
            raise SystemExit(f"{sys.executable}: No module named {missing}")
        return spec

    def code(self, constants: Any = None) -> CodeType:
        """Return the compiled program; `constants` are ``{name: value}`` to set in it, of a script alone."""
        if self._spec is not None:
            code = self._spec.loader.get_code(self._spec.name)  # type: ignore[union-attr]
            assert isinstance(code, CodeType)
            return code
        source = self.source()
        if constants:
            from tbcli.scripts.constants import with_constants

            source = with_constants(source, self.file, constants)  # type: ignore[assignment]
        return compile(source, self.file, "exec", dont_inherit=True)

    def source(self) -> bytes:
        """Return the text of what is run as it was when it was first asked for; nothing where only code is there."""
        if self._source is None:
            if self._spec is not None:
                text = self._spec.loader.get_source(self._spec.name)  # type: ignore[union-attr]
                self._source = (text or "").encode()
            else:
                with open(self.file, "rb") as file:
                    self._source = file.read()
        return self._source

    @property
    def relative(self) -> str:
        """The file that is run, relative to the program's directory."""
        return os.path.relpath(self.file, self.directory) if self.kind == MODULE else os.path.basename(self.file)

    def owns(self, file: object) -> bool:
        """Say whether a module's file belongs to the program, and not to an installed library or to Python."""
        if not isinstance(file, str) or not file.endswith(".py"):
            return False
        path = os.path.realpath(file)
        if path == os.path.realpath(self.file):
            return True
        top = self.top if self.top.endswith(os.sep) else self.top + os.sep
        if not path.startswith(top) or path.startswith(os.path.dirname(os.path.realpath(os.__file__)) + os.sep):
            return False
        return not set(path[len(top) :].split(os.sep)) & {*_LIBRARIES}


def _find_module(name: str) -> tuple[ModuleSpec | None, str]:
    """Return the spec of a module, or of what is run of a package, and what is missing where there is none."""
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            return None, error.name
        raise
    if spec is None or spec.submodule_search_locations is None:
        return spec, name
    return find_spec(f"{name}.__main__"), f"{name}.__main__; {name!r} is a package and cannot be directly executed"


def _directory(kind: str, name: str) -> str:
    """Return what Python puts first into ``sys.path``."""
    if kind == MODULE:
        return os.getcwd()
    return os.path.dirname(os.path.realpath(name)) if kind == SCRIPT else os.path.join(os.getcwd(), name)


def find_program(name: str) -> Program:
    """Return the script, directory or archive of a path.

    Raises:
        NotFound: There is none, or it has no ``__main__.py``.
        ConfigError: It cannot be read.
        DoesNotFit: It is a notebook.
    """
    if os.path.isdir(name):
        if os.path.isfile(os.path.join(name, "__main__.py")):
            return Program(PLACE, name)
        raise NotFound(f"{name!r} is a directory without a __main__.py", hint=_scripts_in(name))
    if not os.path.exists(name):
        raise NotFound(f"no script {os.path.abspath(name)!r}", hint=_near(name))
    if not os.access(name, os.R_OK):
        raise ConfigError(f"no permission to read {os.path.abspath(name)!r}", hint="`chmod +r` lets it be read")
    if name.endswith(".ipynb"):
        raise DoesNotFit(
            f"{name!r} is a notebook, not a script",
            hint=f"`jupyter nbconvert --to script {name}`, or `callbacks=[tbcli.Callback()]` in the notebook",
        )
    return Program(PLACE if _is_archive(name) else SCRIPT, name)


def _is_archive(path: str) -> bool:
    import zipfile

    return os.path.isfile(path) and zipfile.is_zipfile(path)


def _scripts_in(directory: str) -> str:
    names = sorted(name for name in os.listdir(directory) if name.endswith(".py"))[:5]
    if not names:
        return "name a script: `tbcli run train.py`"
    paths = [os.path.normpath(os.path.join(directory, name)) for name in names]
    return "name a script: " + ", ".join(f"`tbcli run {path}`" for path in paths)


def _near(path: str) -> str:
    """Return what to try where a script is not there."""
    from tbcli.naming.matching import nearest

    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        return f"there is no directory {os.path.abspath(directory)!r} either"
    names = [name for name in os.listdir(directory) if name.endswith(".py")]
    guess = nearest(os.path.basename(path), names)
    if guess:
        return f"did you mean {os.path.join(os.path.dirname(path), guess)!r}?"
    more = f", such as {sorted(names)[0]!r}" if names else ""
    return f"name a Python script{more}; a relative path is relative to the current directory"
