from __future__ import annotations

from pathlib import Path

import pytest

from tbcli.runs import LogDirectory
from tbcli.runs.names import distinct_names
from tests.fakes import make_run


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a"], ["a"]),
        (["x/a", "y/b"], ["a", "b"]),
        (["x/v", "y/v", "z"], ["x/v", "y/v", "z"]),
        (["p/x/v", "q/x/v", "q/y/v"], ["p/x/v", "q/x/v", "y/v"]),
        (["x", "y", "x/a", "b/x"], ["root/x", "y", "a", "b/x"]),
        (["x", "w/x/v", "y/v"], ["x", "w/x/v", "y/v"]),  # x/v would be a run inside x too
    ],
)
def test_names_are_short_and_no_two_are_the_same_or_one_in_another(paths: list[str], names: list[str]) -> None:
    assert distinct_names([LogDirectory(Path(path).name, Path("/root") / path) for path in paths]) == names


def test_the_top_of_everything_has_a_name_too() -> None:
    assert distinct_names([LogDirectory("", Path("/"))]) == ["logs"]
    assert distinct_names([]) == []


def test_a_run_is_called_by_its_id(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    assert distinct_names([run, LogDirectory("v", tmp_path / "v")]) == [run.id, "v"]
