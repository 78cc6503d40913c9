"""A tag is spelt in one file: nobody else writes one down, and TensorBoard can show every one of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import tbcli
from tbcli.naming import tags

PACKAGE = Path(tbcli.__file__).parent
FAMILIES = [value for name, value in vars(tags).items() if name.isupper() and "/" in value]
TAGS = re.compile(rf"(?:{'|'.join(map(re.escape, FAMILIES))}|{tags.EPOCH}(?:loss|accuracy)|{tags.BATCH}loss)")


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings of a file that are no docstrings; nothing of the many files with no tag anywhere."""
    source = path.read_text()
    if not TAGS.search(source):
        return
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


def test_no_other_file_spells_a_tag() -> None:
    spelt = [
        f"{path.relative_to(PACKAGE)}:{line}: {text!r}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "naming"
        for line, text in texts_of(path)
        if TAGS.match(text)
    ]
    assert not spelt, "take these from tbcli.naming.tags:\n" + "\n".join(spelt)


def test_tags_are_lower_case_paths_and_none_is_spelt_twice() -> None:
    values = [value for name, value in vars(tags).items() if name.isupper()]
    assert [value for value in values if not re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]*)?", value)] == []
    assert len(set(values)) == len(values)
