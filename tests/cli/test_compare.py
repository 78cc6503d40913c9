from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.render.comparison import letter_of
from tbcli.config import PathsConfig
from tbcli.runs import RunStore
from tbcli.runs.ids import without_slug
from tbcli.runs.source import SourceCode, write_source
from tests.cli.test_runs import shown_on_a_terminal
from tests.fakes import SOME_MOMENT, make_run
from tests.serving.events import write_scalars

Cli = Callable[..., Result]


@pytest.fixture
def two(workspace: Path) -> tuple[str, str]:
    a = make_run(workspace, name="a", val_accuracy=0.98, settings={"train.seed": 1})
    b = make_run(workspace, name="b", val_accuracy=0.99, settings={"train.seed": 2, "train.epochs": 3})
    return a.id, b.id


def test_two_runs_stand_side_by_side(cli: Cli, two: tuple[str, str]) -> None:
    result = cli("compare", "a", "b")
    legend, metrics, settings = result.stdout.rstrip("\n").split("\n\n")
    assert legend.splitlines() == [f"A  a ({without_slug(two[0])})  baseline", f"B  b ({without_slug(two[1])})"]
    lines = [line.split() for line in metrics.splitlines()]
    assert lines[0] == ["METRIC", "AT", "A", "B", "B", "-", "A", "%", "BETTER"]
    assert ["val_accuracy", "best", "0.9800", "@3", "0.9900", "@3", "+0.0100", "+1.02", "B"] in lines
    assert ["test_loss", "-", "0.0800", "0.0800", "0", "+0.00", "-"] in lines
    assert [line.split() for line in settings.splitlines()] == [
        ["SETTING", "A", "B"],
        ["train.epochs", "5", "3"],
        ["train.seed", "1", "2"],
    ]
    assert result.stderr == ""


def test_differences_are_taken_to_the_baseline(cli: Cli, two: tuple[str, str]) -> None:
    document = json.loads(cli("compare", "a", "b", "--baseline", "b", "--json").stdout)
    assert document["baseline"] == two[1]
    row = next(row for row in document["metrics"] if (row["metric"], row["at"]) == ("val_accuracy", "best"))
    assert row["best"] == two[1]
    assert row["values"][0]["difference"] == pytest.approx(-0.01)
    assert row["values"][0]["is_better"] is False
    assert row["values"][1]["difference"] is None


def test_a_baseline_that_is_not_among_the_runs_joins_them(cli: Cli, two: tuple[str, str]) -> None:
    document = json.loads(cli("compare", "a", "--baseline", "b", "--json").stdout)
    assert [side["id"] for side in document["sides"]] == list(two)
    assert document["baseline"] == two[1]


def test_json_says_all_and_has_null_for_nan(cli: Cli, workspace: Path) -> None:
    make_run(workspace, name="a", val_accuracy=math.nan)
    make_run(workspace, name="b")
    document = json.loads(cli("compare", "a", "b", "--json").stdout, parse_constant=pytest.fail)
    assert list(document) == ["schema", "group_by", "baseline", "sides", "metrics", "settings", "left_out", "notes"]
    row = next(row for row in document["metrics"] if (row["metric"], row["at"]) == ("val_accuracy", "best"))
    assert row["values"][0]["value"] is None
    assert list(row["values"][0])[1:] == [
        "value", "epoch", "deviation", "n", "difference", "relative", "is_better", "unit", "tag", "noise",
    ]  # fmt: skip


def test_csv_has_one_row_per_metric_and_run(cli: Cli, two: tuple[str, str]) -> None:
    rows = list(csv.DictReader(cli("compare", "a", "b", "--csv").stdout.splitlines()))
    best = [row for row in rows if (row["name"], row["at"]) == ("val_accuracy", "best")]
    assert [(row["run"], float(row["value"]), row["epoch"], row["is_better"]) for row in best] == [
        (two[0], 0.98, "3", ""),
        (two[1], 0.99, "3", "true"),
    ]
    assert [(row["run"], row["value"]) for row in rows if row["name"] == "train.seed"] == [(two[0], "1"), (two[1], "2")]


def test_markdown_escapes_what_users_wrote(cli: Cli, workspace: Path) -> None:
    make_run(workspace, name="a|b", settings={"train.note": "<i>|"})
    make_run(workspace, name="c")
    lines = cli("compare", "a|b", "c", "--markdown").stdout.splitlines()
    assert lines[0].startswith(r"- **A**: a\|b (")
    assert r'| train.note | \<i\>\| | "" |' in lines
    tables = [line for line in lines if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (8, 4) for line in tables)


def test_replicates_are_one_column_with_their_number(cli: Cli, workspace: Path) -> None:
    for seed, accuracy in ((1, 0.97), (2, 0.98), (3, 0.99)):
        moment = SOME_MOMENT + timedelta(minutes=seed)
        make_run(workspace, started=moment, val_accuracy=accuracy, settings={"train.seed": seed})
    later = SOME_MOMENT + timedelta(hours=1)
    make_run(workspace, started=later, val_accuracy=0.5, settings={"train.seed": 1, "train.learning_rate": 0.5})
    result = cli("compare", "--group-by", "seed")
    legend, metrics, noise, _ = result.stdout.split("\n\n")
    assert noise.startswith("B against A: cannot tell (3 runs against 1 run): loss best, ")
    assert [line.split() for line in legend.splitlines()] == [
        ["A", "learning_rate=0.002", "n=3,", "baseline"],
        ["B", "learning_rate=0.5", "n=1"],
    ]
    assert "0.9800 ± 0.0100" in metrics
    document = json.loads(cli("compare", "--group-by", "seed", "--json").stdout)
    assert document["group_by"] == "seed"
    assert [(side["n"], len(side["runs"])) for side in document["sides"]] == [(3, 3), (1, 1)]
    chosen = json.loads(cli("compare", "latest", "--group-by", "seed", "--json").stdout)
    assert [side["n"] for side in chosen["sides"]] == [1]


def test_what_holds_for_several_groups_is_said_once(cli: Cli, workspace: Path) -> None:
    for number in range(4):
        make_run(workspace, settings={"train.learning_rate": 0.1 * (1 + number)})
    shown = cli("compare", "--group-by", "learning_rate").stdout
    assert shown.count("cannot tell") == 1
    assert "\nB to D against A: cannot tell (1 run each): loss best, " in shown


def test_groups_say_whether_they_differ_by_more_than_noise(cli: Cli, workspace: Path) -> None:
    for number in range(8):
        settings = {"train.seed": number // 2, "train.learning_rate": 0.1 * (1 + number % 2)}
        accuracy = 0.9 + 0.05 * (number % 2) + 0.002 * (number // 2)
        moment = SOME_MOMENT + timedelta(seconds=number)
        make_run(workspace, started=moment, val_accuracy=accuracy, settings=settings, files=False)
    words = ["compare", "--group-by", "learning_rate"]
    shown = cli(*words).stdout
    assert "B against A: differs more than noise would, n 4 and 4: val_accuracy best (p <0.0001), " in shown
    assert "B against A: cannot tell (all runs have the same value): loss best, " in shown
    assert "p: Welch's t-test; of 3 such tests about one in twenty differs by chance alone" in shown
    assert "\n- B against A: differs more than noise would" in cli(*words, "--markdown").stdout
    document = json.loads(cli(*words, "--json").stdout)
    row = next(row for row in document["metrics"] if (row["metric"], row["at"]) == ("val_accuracy", "best"))
    assert row["values"][0]["noise"] is None
    noise = row["values"][1]["noise"]
    assert (noise["verdict"], noise["n"], noise["why"]) == ("differs", [4, 4], "")
    assert noise["told"].startswith("differs more than noise would: p ")
    rows = list(csv.DictReader(cli(*words, "--csv").stdout.splitlines()))
    (told,) = [one for one in rows if one["name"] == "val_accuracy" and one["at"] == "best" and one["noise"]]
    assert (told["noise"], float(told["p"])) == ("differs", noise["p"])


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "no runs to compare"),
        (["a"], 2, "only one run to compare"),
        (["a", "a"], 2, "only one run to compare"),
        (["a", "nobody"], 3, "nobody"),
        (["a", "b", "--group-by", "seedd"], 3, "no run has a setting 'seedd'"),
        (["a", "b", "--csv", "--json"], 2, "do not go together"),
    ],
)
def test_what_cannot_be_compared_is_said(
    cli: Cli, two: tuple[str, str], words: list[str], code: int, told: str
) -> None:
    result = cli("compare", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 2


@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_shows_as_many_runs_a_block_as_fit(workspace: Path, columns: int) -> None:
    names = [f"run number {i} with a name that somebody thought about for quite long" for i in range(6)]
    for i, name in enumerate(names):
        make_run(workspace, name=name, val_accuracy=0.9 + i / 100, settings={"train.note": "n" * 99 * i})
    lines = shown_on_a_terminal(["compare", *names], columns, {"NO_COLOR": "1"})
    assert max(map(len, lines)) <= columns
    blocks = [line for line in lines if line.startswith("METRIC")]
    assert len(blocks) == (3 if columns == 80 else 1)
    assert "\x1b" not in "".join(lines)


def test_a_run_that_wins_has_a_colour_on_a_terminal_alone(cli: Cli, two: tuple[str, str]) -> None:
    shown = "\n".join(shown_on_a_terminal(["compare", "a", "b"], 100))
    assert re.search(r"\x1b\[32m +B\x1b\[0m", shown)
    assert "\x1b" not in cli("compare", "a", "b").stdout


def test_columns_have_names_however_many_there_are() -> None:
    assert [letter_of(i) for i in (0, 25, 26, 27, 52, 702)] == ["A", "Z", "AA", "AB", "BA", "AAA"]


def test_settings_are_left_out_where_one_side_has_none(cli: Cli, two: tuple[str, str], workspace: Path) -> None:
    write_scalars(workspace / "foreign", {"loss": [0.5, 0.3]})
    result = cli("compare", "./foreign", "a")
    assert "SETTING" not in result.stdout
    assert "settings are compared without foreign, which logged none" in result.stderr
    write_scalars(workspace / "other", {"loss": [0.5, 0.4]})
    assert "settings" not in cli("compare", "./foreign", "./other").stderr
    both = cli("compare", "./foreign", "a", "b").stdout
    assert [line.split() for line in both.split("SETTING")[1].splitlines()[1:]] == [
        ["train.epochs", "-", "5", "3"],
        ["train.seed", "-", "1", "2"],
    ]


def test_a_tie_for_the_best_names_all_who_share_it(cli: Cli, two: tuple[str, str], workspace: Path) -> None:
    make_run(workspace, name="c", val_accuracy=0.99)
    lines = [line.split() for line in cli("compare", "a", "b", "c").stdout.splitlines()]
    (row,) = (line for line in lines if line[:2] == ["val_accuracy", "best"])
    assert row[-2:] == ["B,", "C"]
    document = json.loads(cli("compare", "a", "b", "c", "--json").stdout)
    kept = {(row["metric"], row["at"]): row for row in document["metrics"]}
    assert kept["val_accuracy", "best"]["best"] is None
    assert len(kept["val_accuracy", "best"]["tied"]) == 2
    assert kept["loss", "best"]["tied"] == []  # all three are equal


def test_a_key_to_group_by_that_is_misspelt_is_guessed_by_its_end(cli: Cli, two: tuple[str, str]) -> None:
    assert "did you mean 'seed'?" in cli("compare", "--group-by", "sed").stderr
    assert len(cli("compare", "--group-by", "xyzzy").stderr) < 300


def test_a_guessed_direction_is_marked_and_explained(cli: Cli, workspace: Path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        write_scalars(workspace / name, {"quux": [value, value], "fps": [value, value]})
    lines = [line.split() for line in cli("compare", "./a", "./b").stdout.splitlines()]
    assert ["quux", "best", "1.0000", "@1", "2.0000", "@1", "+1.0000", "+100.00", "B", "?"] in lines
    assert ["fps", "last", "1.0000", "2.0000", "+1.0000", "+100.00", "-"] in lines
    assert ["?", "(higher", "is", "better:", "guessed)", "quux"] in lines
    said = cli("compare", "./a", "./b", "--set", "direction.quux=min", "--set", "direction.fps=max").stdout
    assert "guessed" not in said
    document = json.loads(cli("compare", "./a", "./b", "--json").stdout)
    row = next(row for row in document["metrics"] if row["metric"] == "quux")
    assert (row["direction"], row["is_guessed"], row["values"][0]["tag"]) == ("max", True, "quux")


def test_one_path_with_several_runs_compares_them(cli: Cli, workspace: Path) -> None:
    for name in ("version_2", "version_10"):
        write_scalars(workspace / "tree" / name, {"loss": [0.5, 0.3]})
    legend = cli("compare", "tree/").stdout.split("\n\n")[0]
    assert [line.split()[1] for line in legend.splitlines()] == ["tree/version_2", "tree/version_10"]


def test_data_that_differ_are_a_warning(cli: Cli, workspace: Path) -> None:
    make_run(workspace, name="a")
    make_run(workspace, name="b", record={"data": "photos"})
    result = cli("compare", "a", "b")
    assert "warning: the data differ, so the metrics may not be comparable" in result.stderr
    assert json.loads(cli("compare", "a", "b", "--json").stdout)["notes"]


def test_long_names_of_metrics_stay_different_on_a_terminal(workspace: Path) -> None:
    names = [f"losses/head_with_quite_a_long_name_{i}/of_a_network_that_goes_on_and_on" for i in range(3)]
    for run in ("a", "b"):
        write_scalars(workspace / run, {name: [0.5, 0.3] for name in names})
    lines = shown_on_a_terminal(["compare", "./a", "./b"], 80, {"NO_COLOR": "1"})
    assert max(map(len, lines)) <= 80
    first = {line.split()[0] for line in lines if line.startswith(("losses", "…"))}
    assert len(first) == 3


def test_code_shows_what_differs_in_scripts_and_in_gits_diffs(cli: Cli, workspace: Path, two: tuple[str, str]) -> None:
    for name, script, commit in (("a", b"x = 1\n\tlr = 0.1\n", "a" * 40), ("b", b"x = 1\n\tlr = \x1b[31m\n", "b" * 40)):
        run = RunStore(PathsConfig(workspace=str(workspace))).find(name)
        write_source(run, SourceCode("train.py", {"train.py": script}, commit, b"+" + name.encode()))
    result = cli("compare", "a", "b", "--code")
    assert result.stdout == (
        "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n x = 1\n-\tlr = 0.1\n+\tlr = \ufffd[31m\n"
        "--- a/git.diff\n+++ b/git.diff\n@@ -1 +1 @@\n-+a\n++b\n"
    )
    assert result.stderr == "commits aaaaaaaaaaaa and bbbbbbbbbbbb\n"
    document = json.loads(cli("compare", "a", "b", "--code", "--json").stdout)
    assert [(each["path"], each["status"]) for each in document["files"]] == [
        ("train.py", "changed"), ("git.diff", "changed"),
    ]  # fmt: skip
    assert [each["commit"][:1] for each in document["runs"]] == ["a", "b"]
    assert cli("compare", "a", "a", "--code").exit_code == 2
    assert f"`tbcli compare {two[0]} {two[1]} --code`" in cli("compare", "a", "b").stderr
    assert "--code" not in cli("compare", "a", "b", "--group-by", "seed").stderr


def test_code_is_coloured_on_a_terminal(
    cli: Cli, workspace: Path, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        run = RunStore(PathsConfig(workspace=str(workspace))).find(name)
        write_source(run, SourceCode("train.py", {"train.py": name.encode()}))
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31m-a\x1b[0m" in cli("compare", "a", "b", "--code").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["a", "b", "--code"], 3, "keeps no source"),
        (["a", "--code"], 2, "--code compares two runs, got 1"),
        (["a", "b", "--code", "--csv"], 2, "--code and --csv do not go together"),
        (["a", "b", "--code", "--group-by", "seed"], 2, "--code and --group-by do not go together"),
    ],
)
def test_code_needs_two_runs_that_kept_it(
    cli: Cli, two: tuple[str, str], words: list[str], code: int, said: str
) -> None:
    result = cli("compare", *words)
    assert (result.exit_code, said in result.stderr) == (code, True)
