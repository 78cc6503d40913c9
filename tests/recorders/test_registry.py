"""``--record`` and ``--record-every`` say which recorders run, and when."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import tbcli.recorders
from tbcli.config import Config, RecordConfig
from tbcli.errors import ConfigError
from tbcli.recorders import registry
from tbcli.recorders.registry import LEVELS, RECORDERS, chosen_names, level_names
from tbcli.training import train

LIGHT = [name for name, entry in RECORDERS.items() if entry.level == "light"]
STANDARD = [name for name, entry in RECORDERS.items() if entry.level in ("light", "standard")]
HELPERS = {
    "__init__",
    "base",
    "cadence",
    "recording",
    "registry",
    "writer",
    "input_values",
    "labels",
    "markdown",
    "reporting",
}


def chosen(recorders: str, **settings: object) -> list[str]:
    return chosen_names(RecordConfig(recorders=recorders, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("off", []),
        ("", []),
        ("light", LIGHT),
        ("standard", STANDARD),
        ("scalars", ["scalars"]),
        (" histograms , scalars ", ["scalars", "histograms"]),
        ("scalars,scalars", ["scalars"]),
        ("light,histograms", [*LIGHT, "histograms"]),
        ("standard,-samples", [name for name in STANDARD if name != "samples"]),
        ("-samples", [name for name in STANDARD if name != "samples"]),
        ("off,scalars", ["scalars"]),
        ("full,-" + ",-".join(level_names("full")), []),
    ],
)
def test_levels_and_names_choose_the_recorders_in_the_order_of_the_registry(said: str, names: list[str]) -> None:
    assert chosen(said) == [name for name in RECORDERS if name in names]


def test_each_level_holds_the_one_below() -> None:
    sets = [set(level_names(level)) for level in LEVELS]
    assert sets[0] == set()
    for below, above in pairwise(sets):
        assert below <= above


def test_profile_comes_with_its_steps_and_not_without() -> None:
    assert "profile" in chosen("off", profile="2:4")
    with pytest.raises(ConfigError, match="needs the steps"):
        chosen("profile")


@pytest.mark.parametrize(
    ("said", "closest"),
    [("histogram", "histograms"), ("ful", "full"), ("standard,-sampels", "samples"), ("lightly", "light")],
)
def test_a_misspelt_recorder_is_an_error_that_names_the_closest(said: str, closest: str) -> None:
    with pytest.raises(ConfigError, match="unknown recorder") as caught:
        chosen(said)
    assert caught.value.hint == f"did you mean {closest!r}?"


def test_a_word_like_nothing_known_gets_the_list() -> None:
    with pytest.raises(ConfigError) as caught:
        chosen("xyzzy")
    assert caught.value.hint.startswith("known: off, light")


@pytest.mark.parametrize(
    ("every", "cadence"),
    [
        ("1", {"": 1}),
        ("auto", {"": 0}),
        ("", {"": 0}),
        ("2,samples=auto", {"": 2, "samples": 0}),
        ("2", {"": 2}),
        ("histograms=5", {"": 0, "histograms": 5}),
        ("2, histograms=5", {"": 2, "histograms": 5}),
    ],
)
def test_a_cadence_is_for_all_or_for_one(every: str, cadence: dict[str, int]) -> None:
    assert RecordConfig(every=every).cadence == cadence


@pytest.mark.parametrize("every", ["0", "-1", "often", "histograms=", "=3", "histograms=0", "1.5"])
def test_an_impossible_cadence_is_an_error(every: str) -> None:
    with pytest.raises(ConfigError, match=r"record\.every must be auto, N or NAME=N"):
        RecordConfig(every=every)


def test_a_cadence_for_an_unknown_recorder_is_an_error() -> None:
    with pytest.raises(ConfigError, match="unknown recorder 'histogram' in") as caught:
        chosen("standard", every="histogram=5")
    assert "histograms" in caught.value.hint


def test_every_recorder_has_help_and_every_file_of_one_is_registered() -> None:
    assert all(entry.help and entry.level in (*LEVELS, "on request") for entry in RECORDERS.values())
    registered = {entry.target.partition(":")[0].rpartition(".")[2] for entry in RECORDERS.values()}
    files = {file.stem for file in Path(tbcli.recorders.__path__[0]).glob("*.py")}
    assert registered == files - HELPERS


def test_a_packages_recorder_that_does_not_import_is_found_before_a_run_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = registry.RecorderEntry("no_such_package:Recorder", "from the package none", "full")
    monkeypatch.setattr(registry, "known_recorders", lambda: {**registry.RECORDERS, "broken": broken})
    config = Config().updated({"record.recorders": "light,broken", "paths.workspace": str(tmp_path)})
    with pytest.raises(ConfigError, match="recorder 'broken' does not load: ModuleNotFoundError"):
        train(config)
    assert not list(tmp_path.iterdir())
