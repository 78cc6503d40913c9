"""Scripts in the manner of public Keras examples: the same under ``tbcli run`` as under ``python``, a run per fit."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tbcli.config import PathsConfig
from tbcli.runs import RunStore
from tests.scripts.processes import PYTHON, TBCLI_RUN, Ended, run
from tests.scripts_of_others import HERE, SCRIPTS

FITS = {"keras_tuner_search": 2, "random_search": 3, "transfer_learning": 3}
_TIMES = re.compile(r"\d+[mu]?s(?:/step|/epoch)?")
_PICTURES = re.compile(r".*[\b\r]")  # progress of Keras


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_it_prints_the_same_weights_and_every_fit_is_recorded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_DETERMINISTIC_OPS", "1")  # else a busy machine may add in another order
    if name == "keras_tuner_search" and not find_spec("keras_tuner"):
        pytest.skip("needs keras_tuner")
    script = str(HERE / f"{name}.py")
    python = run(PYTHON, script, where=tmp_path)
    ours = run(TBCLI_RUN, "--record", "full", script, where=tmp_path)
    assert said(ours) == said(python)
    assert python.out.splitlines()[-1].startswith("weights ")
    runs = RunStore(PathsConfig(workspace=str(tmp_path))).list()
    assert [each.status() for each in runs] == ["finished"] * FITS.get(name, 1), ours.err
    assert all(each.record["script"] == f"{name}.py" for each in runs)
    assert not [each.record["recording"]["failed"] for each in runs if each.record["recording"]["failed"]]


def said(ended: Ended) -> tuple[int, list[str]]:
    """Return the exit code and what was printed, without how long it took."""
    return ended.code, [_TIMES.sub("", _PICTURES.sub("", line)) for line in ended.out.split("\n")]
