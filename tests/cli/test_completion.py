from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tbcli.config import PathsConfig
from tbcli.runs import RunStore
from tbcli.runs.cleaning.trash import Trash
from tests.fakes import make_run


def completed(shell: str, line: str, environ: dict[str, str] | None = None) -> list[str]:
    """Return what a shell is offered behind a line, and hold that nothing heavy was loaded for it."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from tbcli.cli.app import main\nsys.argv = ['tbcli']\nmain()\n"
    )
    asked = {
        "_TBCLI_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - (not line.endswith(" "))),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    env = {**os.environ, **asked, **(environ or {})}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    hold_that_nothing_heavy_was_loaded(done.stderr)
    return done.stdout.split("\n")[:-1]


def hold_that_nothing_heavy_was_loaded(stderr: str) -> None:
    loaded = set(stderr.splitlines()[-1].split())
    assert "tbcli.cli.app" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "numpy", "matplotlib", "tensorboard", "rich"})


MANY = """
import os, sys
from tbcli.cli.app import main
sys.argv = ["tbcli"]
for line in sys.stdin.read().split("\\n"):
    words = line.split()
    os.environ.update(COMP_WORDS=line, COMP_CWORD=str(len(words) - (not line.endswith(" "))))
    try:
        main()
    except SystemExit:
        print("\\0", end="")
print(*sys.modules, file=sys.stderr)
"""


def offered(*lines: str, are_light: bool = True) -> list[list[str]]:
    """Return what bash is offered behind each line, all asked of one process, and hold that it stays a light one."""
    env = {**os.environ, "_TBCLI_COMPLETE": "complete_bash"}
    argv = [sys.executable, "-c", MANY]
    done = subprocess.run(argv, input="\n".join(lines), env=env, capture_output=True, text=True, check=True)
    if are_light:
        hold_that_nothing_heavy_was_loaded(done.stderr)
    answers = [answer.split("\n")[:-1] for answer in done.stdout.split("\0")[:-1]]
    assert len(answers) == len(lines)
    return answers


def test_bash_is_offered_run_ids_newest_first(workspace: Path) -> None:
    now = datetime.now(UTC)
    runs = [make_run(workspace, started=now - timedelta(days=days), files=False) for days in (2, 1)]
    (workspace / "logs" / "2026-tutorial").mkdir()
    ids = [runs[1].id, runs[0].id]
    for command in ("plot", "serve", "clean", "runs"):
        answers = offered(*(f"tbcli {command} {begun}" for begun in ("2", "", "la")))
        assert answers == [ids, ["latest", "best", *ids], ["latest"]], command


def test_zsh_and_fish_are_offered_run_ids(workspace: Path) -> None:
    run = make_run(workspace, files=False)
    assert run.id in "".join(completed("zsh", f"tbcli plot {run.id[:4]}"))
    assert completed("fish", f"tbcli plot {run.id[:4]}") == [run.id]


def test_behind_restore_the_runs_of_the_trash_are_offered(workspace: Path) -> None:
    run = make_run(workspace, name="base", files=False)
    make_run(workspace, files=False)
    Trash(RunStore(PathsConfig())).move(run)
    assert completed("bash", "tbcli clean --restore ") == [run.id, "base"]


def test_a_workspace_said_before_is_the_one_completed_from(workspace: Path) -> None:
    run = make_run(workspace / "elsewhere", files=False)
    assert completed("bash", "tbcli plot --workspace elsewhere 2") == [run.id]
    assert completed("bash", "tbcli plot 2", {"TBCLI_WORKSPACE": "elsewhere"}) == [run.id]
    assert completed("bash", "tbcli plot 2") == [""]


def test_a_broken_configuration_offers_nothing_and_says_nothing(workspace: Path) -> None:
    make_run(workspace, files=False)
    (workspace / "tbcli.toml").write_text("[train")
    assert completed("bash", "tbcli plot 2") == [""]


def test_names_of_runs_are_offered_where_they_need_no_quotes(workspace: Path) -> None:
    for name in ("baseline", "two words", "a;b"):
        make_run(workspace, name=name, files=False)
    assert completed("bash", "tbcli runs b") == ["best", "baseline"]
    assert "baseline" in completed("bash", "tbcli runs ")
    assert completed("bash", "tbcli runs two") == [""]


OFFERED = [
    ("tbcli train --optimizer ", ["adam", "adamw", "sgd", "rmsprop"]),
    ("tbcli train --data m", ["mnist"]),
    ("tbcli train --model c", ["cnn"]),
    (
        "tbcli train --monitor v",
        [f"val_{name}" for name in ("loss", "accuracy", "binary_accuracy", "mae", "rmse", "r2")],
    ),
    ("tbcli train --save-format h", ["h5"]),
    ("tbcli train --record li", ["light"]),
    ("tbcli train --record light,hi", ["light,histograms"]),
    ("tbcli train --record full,-proj", ["full,-projector"]),
    ("tbcli train --set train.opt", ["train.optimizer="]),
    ("tbcli train --set train.optimizer=ada", ["train.optimizer=adam", "train.optimizer=adamw"]),
    ("tbcli train --set train.note=", [""]),
    ("tbcli train --set direction.nll=", ["direction.nll=min", "direction.nll=max"]),
    ("tbcli train --learn", ["--learning-rate"]),
    ("tbcli train --nonsense 3 --optimizer r", ["rmsprop"]),
    ("tbcli plot --kind conf", ["confusion"]),
    ("tbcli plot --kind history,mis", ["history,mistakes"]),
    ("tbcli plot --theme ", ["light", "dark"]),
    ("tbcli serve --load-fast ", ["auto", "true", "false"]),
    ("tbcli clean --status fin", ["finished"]),
    ("tbcli clean --slim images,hi", ["images,histograms"]),
    ("tbcli help exit", ["exit-codes"]),
    ("tbcli help sch", ["schema"]),
    ("tbcli sch", ["schema"]),
]


def test_words_that_are_known_are_offered(workspace: Path) -> None:
    lines = [line for line, _ in OFFERED]
    assert dict(zip(lines, offered(*lines, are_light=False), strict=True)) == dict(OFFERED)


def test_metrics_of_the_runs_that_were_named_are_offered(workspace: Path) -> None:
    make_run(workspace, name="first")
    make_run(workspace, name="second", record={"metrics": {"mae": 1.0}})
    answers = {
        "tbcli plot second --metric m": ["mae"],
        "tbcli plot first --metric m": [""],
        "tbcli plot first --metric val": ["val_loss", "val_accuracy"],
        "tbcli plot first --metric lear": ["learning_rate"],
        "tbcli export first --metric l": ["loss", "learning_rate"],
        "tbcli plot nothing --metric l": [""],
    }
    assert dict(zip(answers, offered(*answers), strict=True)) == answers


def test_sweeps_and_what_can_vary_are_offered(workspace: Path) -> None:
    directory = workspace / ".tbcli" / "sweeps" / "first"
    directory.mkdir(parents=True)
    (directory / "sweep.json").write_text("{}")
    names, again, words, values = offered(
        "tbcli runs --sweep f", "tbcli sweep --resume ", "tbcli sweep learning_r", "tbcli sweep optimizer=adam,s"
    )
    assert names == ["first"]
    assert again == ["latest", "first"]
    assert words == ["learning_rate="]
    assert values == ["optimizer=adam,sgd"]
