"""A script under ``tbcli run`` sees and does what it sees and does under ``python``."""

from __future__ import annotations

import signal
import zipfile
from pathlib import Path

import pytest

from tests.scripts.processes import PYTHON, TBCLI_RUN, Ended, run

LOOKS = """
import os, sys
print(__name__, __file__, __doc__, __package__, __spec__ and __spec__.name, __annotations__)
print(type(__builtins__).__name__)
print(sys.argv, sys.path, os.getcwd(), os.environ.get("COLUMNS"))
print(sys.modules["__main__"].__dict__ is globals(), "tbcli" in dir(), input())
import warnings
warnings.warn("as usual")
if __name__ == "__main__":
    print("main")
    sys.stderr.write("loud\\n")
    sys.exit(len(sys.argv))
"""
POOL = """
import multiprocessing, pickle, sys, atexit
class Point:
    def __init__(self, x): self.x = x
def double(point): return Point(point.x * 2)
if __name__ == "__main__":
    atexit.register(print, "at exit")
    print(pickle.loads(pickle.dumps(Point(3))).x)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print([point.x for point in pool.map(double, [Point(1), Point(2)])])
"""
ENDINGS = {
    "returns": "print('done')",
    "exits": "import sys; sys.exit(3)",
    "exits with a text": "import sys; sys.exit('no data')",
    "raises": "def f():\n    raise ValueError('x')\nf()",
    "raises from": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('x') from error",
    "does not parse": "x = (\n",
    "is interrupted": "raise KeyboardInterrupt",
    "leaves at once": "import os; os._exit(4)",
    "kills itself": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "own hook": "import sys\nsys.excepthook = lambda *a: print(a[1], a[2].tb_frame.f_code.co_name)\nraise OSError(1)",
    "in a thread": "import threading, time\nthreading.Timer(0.05, print, ['thread']).start()",
    "exits in a fork": "import os, sys\nif os.fork() == 0:\n    sys.exit(print('child'))\nos.wait(); print('parent')",
    "fails to import": "import argparse, no_such_module",
}


def both(where: Path, *words: str, typed: str = "") -> tuple[Ended, Ended]:
    return run(PYTHON, *words, where=where, typed=typed), run(TBCLI_RUN, *words, where=where, typed=typed)


def test_it_sees_the_same_names_arguments_and_paths(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "look.py").write_text('"""Doc."""' + LOOKS)
    (tmp_path / "link.py").symlink_to("inside/look.py")
    (tmp_path / "inside" / "__main__.py").symlink_to("look.py")
    for name in ("inside/look.py", "link.py", "./inside//../inside/look.py", str(tmp_path / "link.py"), "./inside/"):
        words = [name, "--help", "--", "-x", "--name", "n", "--set", "a=1", "", "é"]
        python, ours = both(tmp_path, *words, typed="typed\n")
        assert python.code == 10
        assert ours.own == python
        said = f"\ntbcli: nothing was recorded: {Path(name).name} called no fit of keras.Model\n"
        assert said in ours.err


def test_a_directory_an_archive_and_a_module_run_too(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__main__.py").write_text("from helper import x\nprint(x)\n" + LOOKS)
    (tmp_path / "pkg" / "helper.py").write_text("x = 1")
    (tmp_path / "pkg" / "tool.py").write_text(LOOKS)
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.write(tmp_path / "pkg" / "__main__.py", "__main__.py")
        archive.write(tmp_path / "pkg" / "helper.py", "helper.py")
    for words in (["pkg", "a"], ["app.pyz"], ["-m", "pkg.tool", "-m"]):
        python, ours = both(tmp_path, *words, typed="typed\n")
        assert ours.own == python, words
    for name in ("nowhere", "nowhere.tool", "json"):
        python, ours = both(tmp_path, "-m", name)
        assert (ours.code, ours.out, "No module named" in ours.err) == (1, "", "No module named" in python.err)


def test_what_main_defines_is_pickled_and_known_to_spawned_processes(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(POOL)
    python, ours = both(tmp_path, "pool.py")
    assert python.out == "3\n[2, 4]\nat exit\n"
    assert ours.own == python


@pytest.mark.parametrize("ending", ENDINGS)
def test_it_ends_as_under_python(tmp_path: Path, ending: str) -> None:
    (tmp_path / "script.py").write_text(ENDINGS[ending])
    python, ours = both(tmp_path, "script.py")
    assert ours.own == python
    assert ours.err.count("nothing was recorded") == (ending not in ("leaves at once", "kills itself"))
    if ending == "is interrupted":
        assert ours.code == -signal.SIGINT


def test_options_of_python_hold_for_the_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys; print(sys.flags.optimize, sys.flags.dev_mode, sys._xoptions)")
    words = ("-O", "-X", "dev", "-X", "mine=1")
    python = run((*PYTHON, *words), "script.py", where=tmp_path)
    ours = run((*PYTHON, *words, "-m", "tbcli", "run"), "script.py", where=tmp_path)
    assert ours.out == python.out == "1 True {'dev': True, 'mine': '1'}\n"
