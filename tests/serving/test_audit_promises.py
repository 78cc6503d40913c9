"""What a run promised, what excuses it, and what is a finding; against a board that shows little or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tbcli import __version__
from tbcli.recorders.registry import RECORDERS
from tbcli.runs import LogDirectory, Run
from tbcli.runs.owner import Owner
from tbcli.serving.audit import Audit, audit
from tests.fakes import make_run
from tests.serving.boards import Board, listing

EMPTY: Mapping[str, Any] = {"plugins_listing": listing()}


def recorded(
    workspace: Path,
    recorders: str,
    *,
    status: str = "finished",
    epochs: int = 3,
    settings: Mapping[str, object] | None = None,
    record: Mapping[str, Any] | None = None,
    **recording: Any,
) -> Run:
    """Make a run that was told to record something, with what its record says of that."""
    report = {"milliseconds": {}, "switched_off": {}, "failed": [], "left_out": {}, "promises": {}, **recording}
    return make_run(
        workspace,
        status=status,
        epochs=epochs,
        files=False,
        settings={"record.recorders": recorders, **(settings or {})},
        record={"recording": report, "versions": {"tbcli": __version__}, **(record or {})},
    )


def ask(run: Run, answers: Mapping[str, Any] = EMPTY) -> Audit:
    return audit(Board(answers), {run.id: run})


def findings(outcome: Audit) -> set[tuple[str, str]]:
    return {(gap.recorder, gap.dashboard) for gap in outcome.findings}


def excuses(outcome: Audit) -> set[tuple[str, str]]:
    return {(gap.recorder, gap.what) for gap in outcome.excused}


def test_everything_promised_is_missed_where_nothing_is_shown(tmp_path: Path) -> None:
    outcome = ask(recorded(tmp_path, "samples,text"))
    assert findings(outcome) == {("samples", "Images"), ("samples", "Time Series"), ("text", "Text")}
    assert outcome.excused == ()
    assert {line.state for line in outcome.lines} == {"empty"}


def test_a_run_that_was_to_record_nothing_promised_nothing(tmp_path: Path) -> None:
    outcome = ask(recorded(tmp_path, "off"))
    assert (outcome.findings, outcome.excused) == ((), ())


def test_a_directory_of_somebody_else_promised_nothing(tmp_path: Path) -> None:
    outcome = audit(Board(EMPTY), {"": LogDirectory("logs", tmp_path)})
    assert (outcome.findings, outcome.excused) == ((), ())
    assert len(outcome.lines) == len(listing())


def test_a_trace_is_missed_where_the_profile_tab_exists_and_shows_none(tmp_path: Path) -> None:
    run = recorded(tmp_path, "off", settings={"record.profile": "4:8"})
    assert findings(ask(run, {**EMPTY, "plugin/profile/runs": []})) == {("profile", "Profile")}
    shown = {
        **EMPTY,
        "plugin/profile/runs": [f"{run.id}/train/2026"],
        "plugin/profile/run_tools": ["trace_viewer"],
        "plugin/profile/hosts": ["here"],
    }
    assert findings(ask(run, shown)) == set()


def test_a_trace_is_excused_where_there_is_no_profile_tab_and_the_extra_is_named(tmp_path: Path) -> None:
    outcome = ask(
        recorded(tmp_path, "off", settings={"record.profile": "4:8"}), {"plugins_listing": listing("profile")}
    )
    assert outcome.findings == ()
    assert excuses(outcome) == {
        ("profile", "this plugin is not installed (`pip install 'tbcli[profile]'`)"),
    }


def test_a_recorder_that_raised_is_a_finding_for_each_of_its_dashboards(tmp_path: Path) -> None:
    outcome = ask(recorded(tmp_path, "samples", failed=["samples"], switched_off={"samples": "OSError: no"}))
    assert {(gap.dashboard, gap.what) for gap in outcome.findings} == {
        ("Images", "the recorder failed and was switched off: OSError: no"),
        ("Time Series", "the recorder failed and was switched off: OSError: no"),
    }


def test_a_recorder_that_does_not_suit_the_data_is_excused_by_its_own_words(tmp_path: Path) -> None:
    outcome = ask(recorded(tmp_path, "samples", switched_off={"samples": "the data are no images"}))
    assert outcome.findings == ()
    assert excuses(outcome) == {("samples", "the data are no images")}


def test_a_promise_that_was_left_out_is_excused_and_the_others_are_not(tmp_path: Path) -> None:
    left_out = {"graphs": {"conceptual_graph/": "the layers of a subclassed model are not known"}}
    outcome = ask(recorded(tmp_path, "graphs", left_out=left_out))
    assert findings(outcome) == {("graphs", "Graphs")}
    assert excuses(outcome) == {("graphs", "the layers of a subclassed model are not known")}


def test_what_was_slimmed_away_is_excused_in_each_of_its_dashboards(tmp_path: Path) -> None:
    outcome = ask(recorded(tmp_path, "samples,text", record={"slimmed": ["images"]}))
    assert findings(outcome) == {("text", "Text")}
    assert excuses(outcome) == {("samples", "`tbcli clean --slim` took it")}


def test_a_run_that_still_trains_is_behind_in_nothing(tmp_path: Path) -> None:
    owner = Owner.current()
    alive = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host, "recording": None}
    outcome = ask(recorded(tmp_path, "standard", status="running", record=alive))
    assert outcome.findings == ()
    assert {what for _, what in excuses(outcome)} == {"the run is running"}


@pytest.mark.parametrize("status", ["failed", "interrupted", "diverged"])
def test_a_run_that_ended_early_owes_what_its_epochs_had_a_turn_for(tmp_path: Path, status: str) -> None:
    every = {"record.every": "histograms=5"}
    early = ask(recorded(tmp_path, "samples,histograms,hparams", status=status, epochs=3, settings=every))
    assert {recorder for recorder, _ in findings(early)} == {"samples", "hparams"}
    assert ("histograms", f"the run is {status}") in excuses(early)
    later = ask(recorded(tmp_path, "histograms", status=status, epochs=5, settings=every))
    assert {recorder for recorder, _ in findings(later)} == {"histograms"}


def test_a_run_without_validation_or_test_data_owes_nothing_of_them(tmp_path: Path) -> None:
    run = recorded(tmp_path, "scalars,pr_curves,text", record={"metrics": {"loss": {"best": 0.1}}})
    outcome = ask(run)
    assert "pr_curves" not in {recorder for recorder, _ in findings(outcome)}
    assert ("pr_curves", "the part of the validation split: there is none") in excuses(outcome)
    assert ("text", "the report of the test set: there is none") in excuses(outcome)


def test_what_shows_another_recorders_records_is_excused_where_that_was_not_asked_for(tmp_path: Path) -> None:
    outcome = ask(recorded(tmp_path, "layout"))
    assert outcome.findings == ()
    ((recorder, what),) = excuses(outcome)
    assert recorder == "layout"
    assert "'scalars'" in what


def test_a_run_of_an_older_tbcli_owes_nothing_of_recorders_that_came_later(tmp_path: Path) -> None:
    older = {"versions": {"tbcli": "0.0.1"}}
    outcome = ask(recorded(tmp_path, "samples,text", record=older, milliseconds={"text": 1.0}))
    assert {recorder for recorder, _ in findings(outcome)} == {"text"}
    assert excuses(outcome) == {("samples", "the run was made by tbcli 0.0.1, which has no such recorder")}


def test_a_packages_recorder_is_audited_also_where_the_package_is_not_installed(tmp_path: Path) -> None:
    promises = {"theirs": [{"dashboard": "text", "where": "", "tag": "theirs/", "needs": []}]}
    outcome = ask(recorded(tmp_path, "theirs", milliseconds={"theirs": 1.0}, promises=promises))
    assert findings(outcome) == {("theirs", "Text")}
    unknown = {"theirs": [{"dashboard": "meshes", "where": "", "tag": "", "needs": []}]}
    outcome = ask(recorded(tmp_path, "theirs", milliseconds={"theirs": 1.0}, promises=unknown))
    assert excuses(outcome) == {("theirs", "tbcli cannot read this dashboard")}


def test_a_tab_that_tensorboard_keeps_back_is_a_finding_though_there_are_data(tmp_path: Path) -> None:
    run = recorded(tmp_path, "off", settings={"record.profile": "4:8"})
    shown = {
        "plugins_listing": listing(hidden=("profile",)),
        "plugin/profile/runs": [f"{run.id}/train/2026"],
        "plugin/profile/run_tools": ["trace_viewer"],
        "plugin/profile/hosts": ["here"],
    }
    outcome = ask(run, shown)
    assert [gap.what for gap in outcome.findings] == ["TensorBoard hides the tab"]
    assert next(line.state for line in outcome.lines if line.title == "Profile") == "hidden"


def test_what_is_there_and_cannot_be_shown_is_told_as_it_is(tmp_path: Path) -> None:
    run = recorded(tmp_path, "samples")
    answers = {
        **EMPTY,
        "plugin/images/tags": {f"{run.id}/validation": {"samples/predictions": {}}},
        "plugin/images/images": [{"step": 3, "query": "blob_key=x"}],
        "plugin/images/individualImage": b"no image",
    }
    (gap, *_) = [gap for gap in ask(run, answers).findings if gap.dashboard == "Images"]
    assert gap.what.startswith("'samples/predictions': the image of step 3 does not decode")


def test_another_run_whose_name_only_begins_alike_keeps_no_promise(tmp_path: Path) -> None:
    run = recorded(tmp_path, "samples")
    answers = {
        **EMPTY,
        "plugin/images/tags": {f"{run.id}-2/validation": {"samples/predictions": {}}},
        "plugin/images/images": [],
    }
    assert ("samples", "Images") in findings(ask(run, answers))


def test_every_promise_is_for_a_dashboard_that_the_audit_reads_and_for_known_needs() -> None:
    for entry in RECORDERS.values():
        for promise in entry.promises:
            assert promise.dashboard in listing()
            assert set(promise.needs) <= {"validation", "test", "end", *RECORDERS}
