"""Runs the named benchmarks, or all: each module of this package with a ``bench()`` function is one."""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys

import tests.benchmarks

HARNESS = ("__main__", "corpus", "measure", "peers")


def main(wanted: list[str]) -> None:
    known = [module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__) if module.name not in HARNESS]
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; known: {', '.join(known)}")
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}")
    for name in wanted or known:
        importlib.import_module(f"tests.benchmarks.{name}").bench()


if __name__ == "__main__":
    main(sys.argv[1:])
