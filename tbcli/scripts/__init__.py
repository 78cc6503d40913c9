"""Somebody's training script, run as Python runs it, with every ``fit`` of it recorded."""

from __future__ import annotations

import os


def start_file() -> str:
    """Return the file that a new Python starts with to run a script; see `tbcli.scripts.start`."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
