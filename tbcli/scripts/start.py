"""The first file of the process that runs a script: ``python start.py PLAN ARGUMENTS``; nothing imports it."""

from __future__ import annotations

import os
import sys


def start_process() -> None:
    """Run the program that the plan names, with no directory of ours in ``sys.path``."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, os.path.dirname(package))
    from tbcli.scripts.running import run_program

    del sys.path[0]
    if not sys.flags.safe_path:
        del sys.path[0]  # the directory of this file
    run_program(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    start_process()
