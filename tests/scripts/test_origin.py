"""Runs of a script know what made them; whoever makes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tbcli.config import Config, load_config
from tbcli.origin import set_origin
from tbcli.runs import RunStore
from tbcli.runs.source import read_source
from tbcli.scripts.arguments import ArgumentEar
from tbcli.scripts.program import SCRIPT, Program
from tbcli.scripts.script_origin import ScriptOrigin
from tests.scripts.processes import TBCLI_RUN, run

Cli = Callable[..., Result]


@pytest.fixture
def script(workspace: Path) -> Iterator[ScriptOrigin]:
    """The origin of a process that runs a script with an argument and a constant."""
    (workspace / "train.py").write_text("epochs = 3\n")
    program = Program(SCRIPT, "train.py")
    ear = ArgumentEar(["--lr", "0.1"], program.owns)
    ear.heard = {"lr": 0.1, "layers": [8, 4]}
    settings = Config().updated({"train.name": "mine", "direction.top5": "max", "plot.automatic": False}).as_dict()
    yield ScriptOrigin(program, ear, {"settings": settings, "constants": ["epochs=5"], "ids": str(workspace / "ids")})
    set_origin(None)


def made(origin: ScriptOrigin) -> Any:
    config = origin.config()
    return RunStore(config.paths, config.direction).create(config, {"model": "theirs"})


def test_every_run_has_the_arguments_the_source_and_tells_its_id(
    script: ScriptOrigin, workspace: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    runs = [made(script), made(script)]
    assert runs[0].record["arguments"] == {"lr": 0.1, "layers": [8, 4], "epochs": 5}
    assert (runs[0].record["script"], runs[0].record["model"]) == ("train.py", "theirs")
    assert read_source(runs[1]).files == {"train.py": b"epochs = 3\n"}
    assert (workspace / "ids").read_text() == f"{runs[0].id}\n{runs[1].id}\n"
    script.conclude()
    assert capfd.readouterr().err == f"tbcli: run {runs[0].id}\ntbcli: run {runs[1].id}\n"


def test_what_a_fork_records_is_recorded(script: ScriptOrigin, capfd: pytest.CaptureFixture[str]) -> None:
    child = os.fork()
    if child == 0:
        made(script)
        script.conclude()
        os._exit(0)
    os.waitpid(child, 0)
    script.conclude()
    assert "nothing was recorded" not in capfd.readouterr().err


def test_the_settings_are_those_of_the_start_wherever_the_script_goes(
    script: ScriptOrigin, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = script.config()
    assert (config.train.name, config.direction, config.plot.automatic) == ("mine", {"top5": "max"}, False)
    assert config.paths.workspace == "."
    (workspace / "inside").mkdir()
    monkeypatch.chdir(workspace / "inside")
    assert Path(script.config().paths.workspace) == workspace
    assert made(script).logs.parent.resolve() == workspace / "logs"


def test_arguments_are_asked_for_by_name(script: ScriptOrigin, cli: Cli, workspace: Path) -> None:
    first = made(script)
    script._ear.heard["lr"] = 0.5
    second = made(script)
    set_origin(None)
    for each in (first, second):
        each.update(status="finished", metrics={"val_loss": {"best": 0.1, "best_epoch": 1, "last": 0.1}})
    assert cli("runs", "--columns", "lr,arguments.epochs,layers", "--csv").stdout.splitlines()[1:] == [
        '0.1,5,"8,4"',
        '0.5,5,"8,4"',
    ]
    assert cli("runs", "--where", "lr>0.2", "--columns", "id", "--csv").stdout.splitlines()[1:] == [second.id]
    compared = json.loads(cli("compare", first.id, second.id, "--json").stdout)
    assert {"key": "arguments.lr", "values": {first.id: "0.1", second.id: "0.5"}} in compared["settings"]
    shown = cli("runs", second.id).stdout
    assert "arguments.lr" in shown
    assert "train.py" in shown
    assert cli("check", second.id, "arguments.lr=0.5 and script=train.py").exit_code == 0


def test_a_setting_of_the_run_comes_before_an_argument_of_its_name(script: ScriptOrigin, cli: Cli) -> None:
    one = made(script)
    set_origin(None)
    assert one.record["arguments"]["epochs"] == 5
    asked = cli("runs", "--columns", "epochs,train.epochs,arguments.epochs", "--csv").stdout.splitlines()[1]
    assert asked.endswith(",5,5")


FAKE_KERAS = """
class Model:
    def fit(self, x=None, callbacks=None):
        print("fit", x, callbacks)
        return x
"""


def test_a_fault_of_ours_never_ends_their_training(tmp_path: Path) -> None:
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text(FAKE_KERAS)
    (tmp_path / "train.py").write_text(
        "import keras\nprint(*(keras.Model().fit(1, callbacks=['theirs']) for _ in '12'))"
    )
    done = run(TBCLI_RUN, "train.py", where=tmp_path)
    assert (done.code, done.out) == (0, "fit 1 ['theirs']\n" * 2 + "1 1\n")
    assert done.err.count("this fit is not recorded") == 1


def test_a_script_without_keras_loads_neither_it_nor_much_of_ours(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("import sys; print(*sys.modules)")
    loaded = set(run(TBCLI_RUN, "plain.py", where=tmp_path).out.split())
    unwanted = {
        "tensorflow",
        "keras",
        "numpy",
        "typer",
        "rich",
        "pathlib",
        "inspect",
        "argparse",
        "tbcli.runs",
        "tbcli.config",
    }
    assert loaded.isdisjoint(unwanted)
    assert os.environ.get("TBCLI") is None
    argv = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    bare = set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    assert len(loaded - bare) < 60


def test_every_kind_of_setting_comes_through_to_the_script(workspace: Path) -> None:
    (workspace / "train.py").touch()
    (workspace / "tbcli.toml").write_text(
        '[charts]\n"My own" = ["loss", "val_loss"]\n[direction]\n"eval.top5" = "max"\n'
        '[record]\nevery = "auto,samples=2"\n[train]\nsave_formats = ["keras", "h5"]\nnote = "a, b"\n'
    )
    asked = load_config(flags={"train.recipe": "fast", "paths.logdir": "elsewhere"})
    plan = json.loads(json.dumps({"settings": asked.as_dict(), "constants": [], "ids": None}))
    program = Program(SCRIPT, "train.py")
    try:
        assert ScriptOrigin(program, ArgumentEar([], program.owns), plan).config() == asked
    finally:
        set_origin(None)
