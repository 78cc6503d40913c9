"""Fault each file operation of a scenario in turn, and look at what is left; a process of its own, with `disk.c` in it.

Everything is imported once; each point is a fork that works in a copy of the same workspace.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.scenarios import SCENARIOS, Scenario, look_at

WAYS = {"b": "killed before", "a": "killed after", "h": "killed halfway", "f": "disk full from", "e": "I/O error at"}
_SOURCE = Path(__file__).with_name("disk.c")


@dataclass(frozen=True)
class Point:
    """What came of one fault; ``code`` is that of the process, negative where it was killed."""

    way: str
    operation: str
    code: int
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"{WAYS[self.way]} {self.operation} (exit {self.code}): {'; '.join(self.problems)}"


def points_of(scenario: str, directory: Path) -> list[Point]:
    """Return what came of each fault in a scenario, tried in a directory of the test's own."""
    library = directory / "disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.points", scenario, str(directory)],
        env={**os.environ, "LD_PRELOAD": str(library), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Point(**json.loads(line)) for line in done.stdout.splitlines()]


def main() -> None:
    """Print each point of the scenario as a line of JSON."""
    scenario, place = SCENARIOS[sys.argv[1]], Path(sys.argv[2])
    template, workspace = place / "template", place / "workspace"
    template.mkdir()
    workspace.symlink_to(template)  # what is written down names the place where the copies will be
    _in_child(lambda: scenario.prepare(workspace))  # the owner of what it makes is a process that is gone
    workspace.unlink()
    for point in _points(scenario, template, workspace):
        print(json.dumps(asdict(point)), flush=True)  # noqa: T201


def _points(scenario: Scenario, template: Path, workspace: Path) -> Iterator[Point]:
    code, operations = _faulted(scenario, template, workspace, 0, "b")
    assert code == 0, (code, operations)
    yield Point("b", "nothing", code, tuple(look_at(workspace, scenario)))
    for way in WAYS:
        for number, operation in enumerate(operations, 1):
            if not _is_telling(way, operation, is_last=number == len(operations)):
                continue
            code, _ = _faulted(scenario, template, workspace, number, way)
            problems = list(look_at(workspace, scenario))
            if code not in scenario.codes:
                problems.append("a traceback" if code == _TRACEBACK else f"exit code {code}")
            yield Point(way, f"{operation.replace(str(workspace), '')} [{number}]", code, tuple(problems))


_TRACEBACK = 99


def _is_telling(way: str, operation: str, *, is_last: bool) -> bool:
    """Say whether a fault is not like another: to die after one operation is to die before the next."""
    match way:
        case "a":
            return is_last
        case "h":
            return operation.startswith("write")
        case "f":
            return not operation.startswith(("unlink", "rmdir", "rename"))
        case _:
            return True


def _faulted(scenario: Scenario, template: Path, workspace: Path, number: int, way: str) -> tuple[int, list[str]]:
    """Act in a fresh copy with a fault at one operation; return the exit code and the operations."""
    shutil.rmtree(workspace, ignore_errors=True)
    shutil.copytree(template, workspace, symlinks=True)
    reading, writing = os.pipe()

    def act() -> int:
        os.close(reading)
        ctypes.CDLL(None).disk_arm(os.fsencode(workspace), number, ord(way), writing)
        return scenario.act(workspace)

    child = _fork(act)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as pipe:
        operations = pipe.read().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), operations


def _in_child(act: Callable[[], int | None]) -> None:
    assert os.waitpid(_fork(act), 0)[1] == 0


def _fork(act: Callable[[], int | None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            code = act() or 0
        except BaseException:  # noqa: BLE001 - shown, and an exit code of its own
            traceback.print_exc()
            code = _TRACEBACK
        os._exit(code)
    return child


if __name__ == "__main__":
    main()
