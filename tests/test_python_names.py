"""What `import tbcli` offers: seven names, loaded when they are used, documented by examples that run."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import tbcli
from tbcli.errors import ConfigError, NotFound
from tests.fakes import make_run

NAMES = ("Callback", "Config", "Recorder", "list_runs", "plot", "read_scalars", "train")
IN_ORDER = (
    "Config",
    "Recorder",
    "train",
    "list_runs",
    "read_scalars",
    "plot",
    "Callback",
)  # later examples use the run


def loaded_by(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after a line of code."""
    program = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_tbcli_loads_nothing_else() -> None:
    assert loaded_by("import tbcli") - loaded_by("pass") == {"tbcli"}


def test_the_names_are_listed_and_there() -> None:
    assert set(tbcli.__all__) == {*NAMES, "__version__"}
    assert set(NAMES) <= set(dir(tbcli))
    assert all(callable(getattr(tbcli, name)) for name in NAMES if name != "Callback")  # which is one of Keras'
    assert not hasattr(tbcli, "run_all")


def test_no_public_name_is_a_room_or_a_module_of_its_own() -> None:
    rooms = {path.stem for path in Path(tbcli.__file__).parent.iterdir()}
    assert rooms.isdisjoint(NAMES)


def test_no_name_but_train_and_callback_needs_tensorflow_when_it_is_used(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (run.logs / "train" / "events.out.tfevents.1.fake").unlink()
    used = f"tbcli.Recorder; tbcli.train; tbcli.read_scalars({str(run.logs)!r}); tbcli.list_runs({str(tmp_path)!r})"
    assert loaded_by(f"import tbcli; {used}").isdisjoint({"tensorflow", "keras", "matplotlib", "typer", "rich"})


def test_runs_are_those_that_the_workspace_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, files=False)
    assert [found.id for found in tbcli.list_runs(tmp_path)] == [run.id]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tbcli.toml").write_text("[paths]\nlogdir = 'elsewhere'\n")
    assert tbcli.list_runs(str(tmp_path)) == []
    assert tbcli.list_runs(tmp_path / "nowhere") == []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tbcli.toml").unlink()
    assert [found.id for found in tbcli.list_runs()] == [run.id]


def test_plot_takes_one_run_or_several_and_returns_the_files(tmp_path: Path) -> None:
    one, two = make_run(tmp_path, files=False), make_run(tmp_path, files=False, val_accuracy=0.9)
    assert tbcli.plot(one, dpi=40) == [one.plots / "training_history.png"]
    (shared,) = tbcli.plot(iter([one, two]), dpi=40, format="svg")
    assert shared.is_file()
    assert shared.suffix == ".svg"
    assert tbcli.plot([one], out=tmp_path / "own.png", dpi=40, metrics=["loss"]) == [tmp_path / "own.png"]


def test_plot_refuses_what_it_cannot_draw(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no runs to plot"):
        tbcli.plot([])
    run = make_run(tmp_path, files=False)
    with pytest.raises(ConfigError, match=r"plot\.dqi"):
        tbcli.plot(run, dqi=40)
    with pytest.raises(ConfigError, match="confuson"):
        tbcli.plot(run, kind="confuson")
    with pytest.raises(NotFound, match="has no evidence"):
        tbcli.plot(run, kind="confusion")


@pytest.mark.tf
def test_the_examples_in_the_docstrings_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    said: list[str] = []
    for name in IN_ORDER:
        example = doctest.DocTestParser().get_doctest(getattr(tbcli, name).__doc__, {}, name, None, None)
        assert example.examples, f"tbcli.{name} has no example"
        runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
