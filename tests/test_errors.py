"""An exception is told by the one line that says something."""

from __future__ import annotations

import pytest

from tbcli.errors import describe_error, telling_line

GRAPH = (
    "Graph execution error:\n\nDetected at node PyFunc defined at (most recent call last):\n"
    '  File "own.py", line 8, in <module>\n\n{said}\n\n\n\t [[{{{{node PyFunc}}}}]] [Op:__inference_g_6]'
)
RAISED = 'ValueError: my bad\nTraceback (most recent call last):\n\n  File "own.py", line 3, in f\n\nValueError: my bad'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GRAPH.format(said=RAISED), "ValueError: my bad"),
        (GRAPH.format(said="indices[0,0] = 7 is not in [0, 3)"), "indices[0,0] = 7 is not in [0, 3)"),
        ("Graph execution error:", "Graph execution error:"),
        ("\x1b[1mException encountered when calling Dense.call().\x1b[0m\n\nbad shape", "bad shape"),
        ("", "ValueError"),
    ],
)
def test_the_line_that_tells_something_is_found(text: str, line: str) -> None:
    assert telling_line(ValueError(text)) == line


def test_the_kind_leads_unless_it_is_all_there_is() -> None:
    assert describe_error(KeyError("x")) == "KeyError: 'x'"
    assert describe_error(MemoryError()) == "MemoryError"
