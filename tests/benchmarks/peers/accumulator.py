"""``accumulator.py LOGDIR POINTS``: TensorBoard's EventAccumulator with everything kept, each run in turn."""

from __future__ import annotations

import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

top, expected = Path(sys.argv[1]), int(sys.argv[2])
found = 0
total = 0.0
for directory in sorted({path.parent for path in top.rglob("*tfevents*")}):
    reader = EventAccumulator(str(directory), size_guidance={"scalars": 0, "tensors": 0})
    reader.Reload()
    tags = reader.Tags()
    for tag in tags["scalars"]:
        points = reader.Scalars(tag)
        found += len(points)
        total += sum(point.value for point in points)
    for tag in tags["tensors"]:
        if reader.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            tensors = reader.Tensors(tag)
            found += len(tensors)
            total += sum(float(make_ndarray(point.tensor_proto)) for point in tensors)
assert found == expected, (found, expected)
