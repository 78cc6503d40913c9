"""What a name in a text becomes, what cannot be imported, and that garbage is looked for again after imports."""

from __future__ import annotations

import gc
import importlib
import json
import sys

import pytest

from tbcli.data import SOURCES
from tbcli.loading import hidden, imports_kept, load_object


def test_a_name_in_a_module_is_found() -> None:
    assert load_object("json:loads") is json.loads


def test_a_dotted_name_is_followed() -> None:
    assert load_object("json:JSONDecoder.decode") is json.JSONDecoder.decode


@pytest.mark.parametrize(
    ("reference", "error"), [("no.such.module:name", ImportError), ("json:nothing", AttributeError)]
)
def test_what_is_not_there_raises(reference: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        load_object(reference)


@pytest.mark.parametrize("reference", SOURCES.values())
def test_every_source_of_data_loads(reference: str) -> None:
    assert callable(load_object(reference))


def test_what_is_hidden_cannot_be_imported_until_it_is_shown_again() -> None:
    sys.modules.pop("colorsys", None)
    with hidden("colorsys", "json"):
        assert importlib.import_module("json") is json  # it was loaded before
        with pytest.raises(ImportError):
            importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").__name__ == "colorsys"


def test_garbage_is_looked_for_again_after_imports() -> None:
    before = gc.get_freeze_count()
    kept = [[] for _ in range(100)]
    with imports_kept():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
