from __future__ import annotations

from pathlib import Path

import pytest

from tbcli.errors import NotFound
from tbcli.runs.source import SourceCode, compare_sources, read_source, write_source
from tests.fakes import make_run


def test_what_is_written_is_read(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    source = SourceCode(
        "train.py", {"train.py": b"x = 1\n", "pkg/net.py": b"\xff"}, "abc", b"diff", {"big.py": "too big"}
    )
    write_source(run, source)
    assert read_source(run) == source
    assert (run.logs / "source" / "pkg" / "net.py").read_bytes() == b"\xff"


def test_a_run_without_source_or_with_a_damaged_one_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with pytest.raises(NotFound, match="keeps no source"):
        read_source(run)
    write_source(run, SourceCode("train.py", {"train.py": b"x"}))
    (run.logs / "source" / "train.py").unlink()
    with pytest.raises(NotFound, match="is damaged"):
        read_source(run)


def test_the_script_comes_first_and_gits_diff_last() -> None:
    old = SourceCode("a.py", {"a.py": b"x = 1\ny = 2\n", "net.py": b"n", "same.py": b"s"}, "c", b"+1\n")
    new = SourceCode("b.py", {"b.py": b"x = 1\ny = 3\n", "same.py": b"s", "abc.py": b"new"}, "c", b"")
    found = compare_sources(old, new)
    assert [(each.path, each.status) for each in found] == [
        ("b.py", "changed"), ("abc.py", "added"), ("net.py", "removed"), ("git.diff", "removed"),
    ]  # fmt: skip
    assert found[0].lines == ("--- a/a.py", "+++ b/b.py", "@@ -1,2 +1,2 @@", " x = 1", "-y = 2", "+y = 3")


def test_equal_sources_do_not_differ_and_a_renamed_script_does() -> None:
    one = SourceCode("a.py", {"a.py": b"x"})
    assert compare_sources(one, one) == []
    assert compare_sources(one, SourceCode("b.py", {"b.py": b"x"}))[0].lines == ("--- a/a.py", "+++ b/b.py")
