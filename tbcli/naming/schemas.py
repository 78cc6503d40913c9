"""The ``schema`` number of JSON documents that commands print: raised when an old reader would misread the new form.

A document that only gains a key keeps its number.
"""

METRICS = 2  # `runs`, `plot`, `compare`, `check`, `export`: since 2 a foreign series has one name in all of them
OTHERS = 1  # `data`, `clean`, `serve`, `train --audit`, texts
SWEEP = 1  # `sweep.json`, and `sweep --json`
