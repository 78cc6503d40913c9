"""The audit names every recorder that did not leave what it promised, and no other."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tbcli.recorders.registry import RECORDERS
from tbcli.runs import Run
from tbcli.serving.audit import Audit, Gap, audit
from tbcli.serving.client import Client
from tests.serving.breaking import copy_run, train_raising, train_sorted
from tests.serving.process import SERVE, serving

pytestmark = pytest.mark.tf

# No plugin here shows a trace: test_audit_promises.py asks for it. All layouts of a server are one: asked for alone.
BREAKABLE = [name for name in RECORDERS if name != "profile"]
SEPARABLE = [name for name in BREAKABLE if name != "layout"]


@dataclass(frozen=True)
class Audited:
    """One audit of a whole run, of a copy without the records of each recorder, and of a run where all raise."""

    outcome: Audit
    whole: Run
    lacking: dict[str, Run]
    raising: Run

    def findings(self, run: Run) -> list[Gap]:
        return [gap for gap in self.outcome.findings if gap.run == run.id]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    workspace = tmp_path_factory.mktemp("broken recorders")
    whole, files_of = train_sorted(workspace)
    lacking = {name: copy_run(whole, name, files_of.get(name, set())) for name in BREAKABLE}
    raising = train_raising(workspace)
    runs = [whole, *lacking.values(), raising]
    with serving("--workspace", str(workspace), "--quiet") as server:
        client = Client(server.url)
        for _ in range(200):  # the projector looks for its data in a thread of its own
            if client.get("plugins_listing").json()["projector"]["enabled"]:
                break
            time.sleep(0.05)
        yield Audited(audit(client, {run.id: run for run in runs}), whole, lacking, raising)


def test_every_recorder_promises_something() -> None:
    assert [name for name, entry in RECORDERS.items() if not entry.promises] == []


@pytest.mark.slow
def test_of_a_whole_run_nothing_is_missing_and_every_dashboard_is_filled(audited: Audited) -> None:
    assert audited.findings(audited.whole) == []
    assert {line.title for line in audited.outcome.lines if line.state != "filled"} == {"Profile"}


@pytest.mark.slow
def test_a_missing_layout_is_named_when_its_run_is_audited_alone(audited: Audited) -> None:
    run = audited.lacking["layout"]
    done = subprocess.run([*SERVE, "--audit", "--json", str(run.logs)], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    (gap,) = json.loads(done.stdout)["findings"]
    assert (gap["run"], gap["recorder"], gap["dashboard"]) == (run.id, "layout", "Custom Scalars")


@pytest.mark.parametrize("name", SEPARABLE)
def test_a_recorder_that_left_nothing_is_named_with_all_its_dashboards(audited: Audited, name: str) -> None:
    findings = audited.findings(audited.lacking[name])
    promised = {promise.dashboard for promise in RECORDERS[name].promises}
    named = {gap.dashboard.lower().replace(" ", "_") for gap in findings if gap.recorder == name}
    assert promised <= named
    leaning = {other for other, entry in RECORDERS.items() if any(name in promise.needs for promise in entry.promises)}
    assert {gap.recorder for gap in findings} <= {name} | leaning


@pytest.mark.parametrize("name", BREAKABLE)
def test_a_recorder_that_raised_is_named_with_what_it_raised(audited: Audited, name: str) -> None:
    findings = [gap for gap in audited.findings(audited.raising) if gap.recorder == name]
    assert findings
    assert {gap.what for gap in findings} == {
        "the recorder failed and was switched off: ZeroDivisionError: broken on purpose"
    }
