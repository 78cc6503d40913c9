"""Whatever stands in a file of settings, in the environment or behind ``--set``: a configuration or a `ConfigError`."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tbcli.config import SETTINGS, load_config
from tbcli.errors import ConfigError
from tests.cli.test_any_words import KNOWN

texts = st.sampled_from([*KNOWN, "true", "1", "1,2", "a=1", "10:20", "1_0", "0x1f", "5m"]) | st.text(max_size=12)
plain = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = plain | st.lists(plain, max_size=3) | st.dictionaries(st.text(max_size=3), plain, max_size=2)
keys = st.sampled_from([*SETTINGS, "direction.loss", "direction.", "train", "nothing.x", ""]) | st.text(max_size=8)


def settled(**layers: Any) -> None:
    """Load a configuration, which can then be written down."""
    with suppress(ConfigError):
        json.dumps(load_config(**layers).as_dict()).encode()


@given(st.lists(st.tuples(keys, texts).map("=".join) | texts, max_size=2))
def test_any_assignment_is_settled_or_refused(workspace: Path, assignments: list[str]) -> None:
    settled(assignments=assignments, environ={})


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), texts, max_size=2))
def test_any_environment_is_settled_or_refused(workspace: Path, said: dict[str, str]) -> None:
    settled(environ={f"TBCLI_{key.replace('.', '_').upper()}": text for key, text in said.items()})


@given(st.dictionaries(keys, values, max_size=2), st.text(max_size=20))
def test_any_file_is_settled_or_refused(workspace: Path, said: dict[str, Any], rest: str) -> None:
    nested: dict[str, Any] = {}
    for key, value in said.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    (workspace / "config.json").write_text(json.dumps(nested))
    settled(file="config.json", environ={})
    tables = [(section, *item) for section, inner in nested.items() for item in inner.items()]
    lines = [f"[{section}]\n{name} = {json.dumps(value)}" for section, name, value in tables]
    (workspace / "tbcli.toml").write_text("\n".join([*lines, rest]), encoding="utf-8", errors="surrogatepass")
    settled(environ={})
