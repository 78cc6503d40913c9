from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import Result

from tbcli.cli.check import check_trained, settle_gates
from tbcli.cli.output import Output
from tbcli.config import Config
from tbcli.errors import CheckFailed, ConfigError
from tests.fakes import make_run
from tests.serving.events import write_scalars

Cli = Callable[..., Result]


def test_conditions_that_hold_exit_with_0(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    result = cli("check", "latest", "val_accuracy.best>=0.98", "loss<0.2 and model=cnn")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["passed", "val_accuracy.best>=0.98", "0.98", "at", "epoch", "3"],
        ["passed", "loss<0.2", "0.1"],
        ["passed", "model=cnn", "cnn"],
    ]
    assert result.stderr == ""


def test_a_condition_that_fails_exits_with_7_and_is_named(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    result = cli("check", "latest", "val_accuracy>0.5", "val_accuracy>0.99")
    assert result.exit_code == 7
    assert "failed  val_accuracy>0.99  0.98" in result.stdout
    happened, hint = result.stderr.splitlines()
    assert happened == f"error: {run.id} fails 1 of 2 gates: val_accuracy>0.99, but it is 0.98"
    assert hint.startswith("try:")


def test_a_metric_that_does_not_exist_exits_with_3_and_the_nearest(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    result = cli("check", "latest", "val_acuracy>0.5", "val_accuracy>0.99")
    assert result.exit_code == 3
    assert "did you mean 'val_accuracy'?" in result.stderr
    assert len(result.stdout.splitlines()) == 2


def test_not_a_number_never_passes(cli: Cli, workspace: Path) -> None:
    make_run(workspace, val_accuracy=math.nan)
    for gate in ("val_accuracy>0", "val_accuracy<1", "val_accuracy!=1", "val_accuracy.best>0", "val_accuracy.epoch<9"):
        assert cli("check", "latest", gate).exit_code == 7


def test_the_run_itself_is_found_as_anywhere(cli: Cli, workspace: Path) -> None:
    make_run(workspace, name="base")
    assert cli("check", "base", "epoch<=20").exit_code == 0
    assert cli("check", "nobody", "epoch<=20").exit_code == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no conditions to check"),
        (["loss"], "has no comparison; write e.g. loss<0.1"),
        (["loss<"], "unexpected"),
        (["loss<1", "--tolerance", "1%"], "--tolerance needs --baseline"),
        (["--baseline", "latest", "--tolerance", "much"], "--tolerance must be a number"),
        (["loss<1", "--markdown", "--json"], "do not go together"),
        (["loss<low"], "is a number"),
    ],
)
def test_wrong_usage_exits_with_2(cli: Cli, workspace: Path, words: list[str], told: str) -> None:
    make_run(workspace)
    result = cli("check", "latest", *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_baseline_gates_what_is_worse_by_more_than_the_tolerance(cli: Cli, workspace: Path) -> None:
    make_run(workspace, name="base", val_accuracy=0.98)
    make_run(workspace, name="new", val_accuracy=0.977)
    assert cli("check", "base", "--baseline", "base").exit_code == 0
    worse = cli("check", "new", "--baseline", "base")
    assert worse.exit_code == 7
    assert "failed  val_accuracy.best>=0.98" in worse.stdout
    assert cli("check", "new", "--baseline", "base", "--tolerance", "0.5%").exit_code == 0
    assert cli("check", "new", "--baseline", "base", "--tolerance", "0.001").exit_code == 7
    alone = cli("check", "new", "val_loss.best", "epoch<9", "--baseline", "base")
    assert (alone.exit_code, len(alone.stdout.splitlines())) == (0, 2)


def test_markdown_is_all_of_stdout(cli: Cli, workspace: Path) -> None:
    make_run(workspace, name="<b>")
    result = cli("check", "latest", "loss<0.01", "--markdown")
    assert result.exit_code == 7
    assert result.stdout.startswith("### 0 of 1 gates passed: \\<b\\> ")
    assert result.stdout.endswith("| `loss<0.01` | 0.1 | ❌ failed |\n")


def test_a_junit_file_is_written_whatever_comes_of_the_gates(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    for gate, code, counted in (("loss<1", 0, ("0", "0")), ("loss<0", 7, ("1", "0")), ("x<0", 3, ("0", "1"))):
        assert cli("check", "latest", gate, "--junit", "gates.xml").exit_code == code
        suite = ElementTree.parse(workspace / "gates.xml").getroot()
        assert (suite.attrib["failures"], suite.attrib["errors"]) == counted


def test_a_junit_file_that_cannot_be_written_is_an_error_after_the_verdicts(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    (workspace / "taken").touch()
    result = cli("check", "latest", "loss<1", "--junit", "taken/gates.xml")
    assert result.exit_code == 2
    assert result.stdout.startswith("passed  loss<1")
    assert "cannot write 'taken/gates.xml'" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_junit_file_gets_its_directory_and_is_written_through_a_link(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    assert cli("check", "latest", "loss<1", "--junit", "out/deep/gates.xml").exit_code == 0
    (workspace / "link.xml").symlink_to("target.xml")
    assert cli("check", "latest", "loss<1", "--junit", "link.xml").exit_code == 0
    assert (workspace / "link.xml").is_symlink()
    for name in ("out/deep/gates.xml", "target.xml"):
        assert ElementTree.parse(workspace / name).getroot().attrib["tests"] == "1"


def test_json_has_stable_keys(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, val_accuracy=math.nan)
    result = cli("check", "latest", "val_accuracy>0", "--json")
    assert result.exit_code == 7
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert {**document, "gates": len(document["gates"]), "runs": len(document["runs"])} == {
        "schema": 2,
        "run": run.id,
        "label": run.id,
        "baseline": None,
        "passed": False,
        "gates": 1,
        "runs": 1,
    }
    assert document["runs"][0]["gates"] == document["gates"]
    assert document["gates"][0]["actual"] is None
    assert document["gates"][0]["outcome"] == "failed"


def test_what_a_user_called_a_run_drives_no_terminal(cli: Cli, workspace: Path) -> None:
    make_run(workspace, record={"name": "\x1b[31mred[/]"})
    result = cli("check", "latest", "name=\x1b[32m", "loss<0")
    assert "\x1b" not in result.stdout + result.stderr
    assert "[/]" in result.stdout


def test_training_can_be_gated_by_the_same_words(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(workspace)
    check_trained(run, settle_gates(["val_accuracy>0.5 and epoch<=3"], Config()), Output())
    with pytest.raises(CheckFailed, match=r"val_accuracy>0\.99"):
        check_trained(run, settle_gates(["val_accuracy>0.99"], Config()), Output())
    told = capsys.readouterr()
    assert told.out == ""
    assert "passed  val_accuracy>0.5" in told.err
    for wrong in ("val_accuracy", "x>", ""):
        with pytest.raises(ConfigError):
            settle_gates([wrong], Config())


def test_a_missing_metric_wins_over_a_failed_gate_and_both_are_counted(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    result = cli("check", run.id, "loss<0", "nothing<1", "val_accuracy>0")
    assert result.exit_code == 3
    happened, _ = result.stderr.splitlines()
    assert happened == f"error: {run.id}: unknown name in 'nothing<1'; of 3 gates 1 is missing and 1 failed"
    assert "3 takes precedence" in " ".join(cli("check", "--help").output.split())


def test_a_name_in_other_letters_is_the_same(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    assert cli("check", "latest", "VAL_ACCURACY>0.5").exit_code == 0
    assert "did you mean 'val_accuracy'?" in cli("check", "latest", "val_acuracy>0.5").stderr


LOWER = ("wer", "cross_entropy", "nll", "fid", "loss")


@pytest.fixture
def good_and_bad(workspace: Path) -> None:
    for name, factor in (("good", 1.0), ("bad", 2.0)):
        values = [factor * (10 - step) for step in range(5)]
        write_scalars(workspace / name, {f"eval/{metric}": values for metric in LOWER})


@pytest.mark.usefixtures("good_and_bad")
def test_twice_the_word_error_rate_is_worse_in_every_command(cli: Cli) -> None:
    result = cli("check", "./bad", "--baseline", "./good")
    assert result.exit_code == 7
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["failed"] * len(LOWER)
    assert (
        "gated by good: val_cross_entropy.best, val_fid.best, val_loss.best, val_nll.best, val_wer.best"
        in (result.stderr.splitlines()[0])
    )
    assert cli("check", "./good", "--baseline", "./bad").exit_code == 0
    compared = json.loads(cli("compare", "./good", "./bad", "--json").stdout)["metrics"]
    assert {row["best"] for row in compared} == {"good"}
    assert {row["values"][0]["tag"] for row in compared} == {f"eval/{metric}" for metric in LOWER}
    listed = cli("runs", ".", "--sort", "eval/wer.best", "--columns", "run,eval/wer.best").stdout
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["good", "bad"]


@pytest.mark.usefixtures("good_and_bad")
def test_every_run_in_a_path_must_pass(cli: Cli, workspace: Path) -> None:
    result = cli("check", ".", "val_wer<15", "--junit", "gates.xml")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["./bad", "./good"]
    suite = ElementTree.parse(workspace / "gates.xml").getroot()
    assert [case.attrib["classname"] for case in suite] == ["./bad", "./good"]
    failed = cli("check", ".", "val_wer<7")
    assert failed.exit_code == 7
    assert ". fails 1 of 2 gates; the first is of ./bad: val_wer<7, but it is 12" in failed.stderr
    document = json.loads(cli("check", ".", "val_wer<7", "--json").stdout)
    assert [(run["run"], run["passed"]) for run in document["runs"]] == [("./bad", False), ("./good", True)]
    assert not document["passed"]


@pytest.mark.usefixtures("good_and_bad")
def test_a_user_turns_a_direction_on_the_command_line_and_in_the_workspace(cli: Cli, workspace: Path) -> None:
    words = ("check", "./bad", "val_wer.best", "--baseline", "./good")
    assert cli(*words).exit_code == 7
    assert cli(*words, "--set", "direction.wer=max").exit_code == 0
    (workspace / "tbcli.toml").write_text('[direction]\nwer = "max"\n')
    turned = cli(*words)
    assert (turned.exit_code, "val_wer.best>=10" in turned.stdout) == (0, True)


def test_a_hint_never_repeats_what_was_typed(cli: Cli, workspace: Path) -> None:
    write_scalars(workspace / "a", {"a.best": [1.0, 3.0], "val/loss": [2.0, 1.0]})
    assert 'put the name in quotes, as it ends in `.best`: "a.best"' in cli("check", "./a", "a.best>1").stderr
    assert cli("check", "./a", '"a.best">1').exit_code == 0
    for words in (("check", "./a", "epochs>1"), ("runs", "./a", "--where", "epochs>1")):
        result = cli(*words)
        assert (result.exit_code, "this log does not tell 'epochs'" in result.stderr) == (3, True)


def test_the_last_epoch_that_a_log_tells_can_be_asked_for(cli: Cli, workspace: Path) -> None:
    write_scalars(workspace / "keras" / "train", {"epoch_loss": [3.0, 2.0, 1.0]})
    write_scalars(workspace / "clock", {"train/loss": [3.0, 2.0], "epoch": [0.5, 1.5]})
    assert cli("check", "./keras", "epochs=3", "epoch=3").exit_code == 0
    assert cli("check", "./clock", "epochs=1.5").exit_code == 0
    (workspace / "log.csv").write_text("epoch,loss,val_loss\n0,3,3\n1,2,2\n2,1,4\n")
    result = cli("check", "./log.csv", "epochs=2", "val_loss.best<3")
    assert (result.exit_code, "2 at epoch 1" in result.stdout) == (0, True)


def test_a_run_that_diverged_is_warned_about_where_its_best_passes(cli: Cli, workspace: Path) -> None:
    write_scalars(workspace / "good", {"val/loss": [3.0, 2.0, 1.0]})
    write_scalars(workspace / "bad", {"val/loss": [3.0, 0.5, math.nan]})
    result = cli("check", "./bad", "val_loss.best<1")
    assert (result.exit_code, "passes, but the last value is nan" in result.stderr) == (0, True)
    result = cli("check", "./bad", "--baseline", "./good")
    assert (result.exit_code, "(last value is nan)" in result.stdout) == (7, True)


def test_a_guess_that_decides_the_exit_code_is_said(cli: Cli, workspace: Path) -> None:
    write_scalars(workspace / "a", {"quux": [1.0, 3.0], "fps": [9.0, 8.0]})
    result = cli("check", "./a", "quux.best>2 or quux<0", "quux>1", "--baseline", "./a")
    assert result.exit_code == 0
    first, second, gated = result.stdout.splitlines()
    assert first.count("(higher is better: guessed)") == 1
    assert "guessed" not in second
    assert gated.endswith("(higher is better: guessed)")
    assert "left out: fps (no direction)" in result.stderr
    assert cli("check", "./a", "lr.best<1").exit_code == 3


def test_conditions_take_or_and_parentheses_and_quoted_tags(cli: Cli, workspace: Path) -> None:
    write_scalars(workspace / "a", {"my loss/of head": [1.0, 0.5], "metrics/mAP50(B)": [0.1, 0.7]})
    quoted = '"my loss/of head"<0.6'
    assert cli("check", "./a", quoted, "metrics/mAP50(B)>0.6 and (mAP50(B)<0.1 or mAP50(B)>0.5)").exit_code == 0
    assert cli("check", "./a", "mAP50(B)<0.1 or mAP50(B)>0.9").exit_code == 7
    assert cli("check", "./a", "mAP50(B)<0.1 or epoch>3").exit_code == 3  # a log directory counts no epochs
