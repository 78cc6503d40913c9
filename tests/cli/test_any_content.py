"""Whatever stands in the files of a run: no traceback, and a code of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tbcli.cli.app import app
from tbcli.training.continuing.state import Generations
from tests.cli.test_any_words import CODES
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions
from tests.serving.events import write_hparams, write_scalars

READING = [
    line.split()
    for line in (
        "runs", "runs latest", "runs --json", "runs latest --json", "runs --columns all", "runs --where val_loss<1",
        "runs logs", "compare latest latest~1", "compare latest latest~1 --json", "compare --settings",
        "check latest val_loss<1", "check latest loss<1 --baseline latest~1", "export latest", "export latest --json",
        "plot latest --terminal", "plot latest --metric loss --terminal", "plot --group-by seed --terminal",
        "clean --all --dry-run", "clean --damaged --dry-run", "clean --keep-best 1 --metric val_loss --dry-run",
        "clean --restore", "doctor latest", "doctor", "stop latest", "train --resume latest", "predict latest a.png",
        "evaluate latest",
    )
]  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([-1, 1e308, "NaN"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def _with_other_bytes(content: bytes, draw: Callable[..., Any]) -> bytes:
    start = draw(st.integers(0, len(content)))
    stop = draw(st.integers(start, min(len(content), start + 40)) | st.just(len(content)))
    return content[:start] + draw(st.binary(max_size=12)) + content[stop:]


def _with_another_value(content: bytes, draw: Callable[..., Any]) -> bytes:
    document = json.loads(content)
    place = document
    while True:
        key = draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        place[key] = draw(values)
        return json.dumps(document).encode()


def _with_other_cells(content: bytes, draw: Callable[..., Any]) -> bytes:
    rows = [line.split(",") for line in content.decode().splitlines()]
    row = draw(st.sampled_from(rows))
    words = st.sampled_from(["", "nan", "inf", "-1", "1e999", "x", '"', "9" * 30, "epoch", "loss", "\0"])
    row[draw(st.integers(0, len(row) - 1))] = draw(words | st.text(max_size=5))
    return "\n".join(map(",".join, rows)).encode(errors="surrogatepass")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("content")
    for number in range(2):
        run = make_run(workspace, name=f"run {number}", files=False)
        write_scalars(run.logs / "train", {"epoch_loss": [0.5, 0.25], "epoch_accuracy": [0.5, 0.75]})
        write_scalars(run.logs / "validation", {"epoch_loss": [0.6, 0.3]})
        write_hparams(run.logs, batch_size=128)
        keep_evidence(run, predictions(np.arange(40) % 4, 4))
        Generations(run.checkpoints).save(10, {"model": {"weights": np.zeros(3, np.float32), "epoch": 1}})
    return workspace


@given(data=st.data())
def test_any_content_of_any_file_is_answered(place: Path, data: st.DataObject) -> None:
    run = sorted((place / "logs").iterdir())[-1]
    path = data.draw(st.sampled_from(sorted(path for path in run.rglob("*") if path.is_file())))
    changes = [_with_other_bytes]
    changes += {".json": [_with_another_value] * 3, ".csv": [_with_other_cells] * 3}.get(path.suffix, [])
    content = path.read_bytes()
    command = data.draw(st.sampled_from(READING))
    try:
        path.write_bytes(data.draw(st.sampled_from(changes))(content, data.draw))
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            result = CliRunner().invoke(app, command, prog_name="tbcli")
    finally:
        path.write_bytes(content)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in CODES
    is_for_programs = command[0] == "export" or "--json" in command
    assert is_for_programs or not [char for char in result.output if char < " " and char not in "\n\t"]
