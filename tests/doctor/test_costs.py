"""Recording and reading that cost much are found; what costs little in a short training is not."""

from __future__ import annotations

from typing import Any

import pytest

from tbcli.doctor.costs import findings_on_costs
from tbcli.doctor.course import Known
from tbcli.doctor.findings import Finding

KNOWN = Known(run="r1", repeats="again")
COSTLY = {"percent": 45.0, "milliseconds": {"scalars": 100.0, "projector": 26_000.0, "histograms": 4900.0}}


def found(settings: dict[str, Any] | None = None, known: Known = KNOWN, **record: Any) -> list[Finding]:
    record = {"seconds": 110.0, "epochs": 5, **record}
    return list(findings_on_costs(record, settings or {}, 100.0, known))


def test_costly_recording_names_the_costliest_recorder_and_the_option_that_spares_it() -> None:
    (finding,) = found(recording=COSTLY)
    assert (finding.name, finding.where) == ("costly-recording", "recorder projector")
    assert "31.0 s, 45 % of the training, mostly projector (26.0 s)" in finding.what
    assert finding.fix == "again --record standard,-projector"
    assert found({"record.recorders": "full"}, recording=COSTLY)[0].fix == "again --record full,-projector"


def test_in_a_long_training_a_recorder_gets_its_turn_less_often() -> None:
    assert found(recording=COSTLY, epochs=50)[0].fix == "again --record-every projector=5"


@pytest.mark.parametrize(
    "recording",
    [
        None,
        [],
        {},
        {"percent": None},
        {"percent": 90.0, "milliseconds": {"scalars": 800}},
        {"percent": 1.0},
        {"percent": "x"},
    ],
)
def test_recording_that_is_cheap_or_unknown_is_no_finding(recording: object) -> None:
    assert found(recording=recording) == []


def test_waiting_for_samples_is_found_by_its_share() -> None:
    (finding,) = found(waited_seconds=41.0)
    assert (finding.name, finding.fix) == ("slow-input", "again --cache memory")
    assert "waited 41.0 s of 100.0 s" in finding.what
    assert "--cache" not in found({"data.cache": "memory"}, waited_seconds=41.0)[0].fix
    assert found(waited_seconds=9.0) == []
    assert found(waited_seconds=0.9) == []


def test_a_few_seconds_are_worth_a_note_alone() -> None:
    recording = {"percent": 45.0, "cpu_seconds": 2.0, "milliseconds": {"projector": 9000.0}}  # on a busy machine
    assert [finding.level for finding in found(recording=recording)] == ["note"]
    (finding,) = findings_on_costs({"waited_seconds": 3.0}, {}, 8.0, KNOWN)
    assert (finding.level, finding.name) == ("note", "slow-input")


def test_saving_that_takes_long_is_noted() -> None:
    (finding,) = found(saving={"seconds": 30.0, "states": 3})
    assert (finding.level, finding.name) == ("note", "costly-saving")
    assert found(saving={"seconds": 2.0}) == found(saving=None) == found(saving={}) == []
