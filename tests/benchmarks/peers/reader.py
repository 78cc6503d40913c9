"""``reader.py LOGDIR POINTS MODE [FILE]``: our reader; the CPU seconds of the reading alone go to the file.

Modes: ``read`` without the cache, ``first`` with an empty one, ``again`` from it, ``reduced`` in bounded memory.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tbcli.readers import clear_cache, read_scalars

logdir, expected, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if mode == "first":
    clear_cache()
began = time.process_time()
scalars = read_scalars(logdir, cache=mode in ("first", "again"), buckets=1000 if mode == "reduced" else 0)
seconds = time.process_time() - began
if len(sys.argv) > 4:
    with Path(sys.argv[4]).open("a") as file:
        file.write(f"{mode} {seconds}\n")
assert not scalars.damage
assert mode == "reduced" or len(scalars) == expected, (len(scalars), expected)
