"""``frames.py LOGDIR POINTS``: tbparse, which makes a Pandas frame of a log directory."""

from __future__ import annotations

import sys

from tbparse import SummaryReader

reader = SummaryReader(sys.argv[1], event_types={"scalars", "tensors"})
found = len(reader.scalars)
found += (
    int((reader.tensors["value"].map(lambda value: getattr(value, "size", 1)) == 1).sum()) if len(reader.tensors) else 0
)
assert found >= int(sys.argv[2]), (found, sys.argv[2])
