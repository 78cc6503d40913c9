"""Each finding about a log directory in one that is made to have it, and none in a healthy one."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tbcli.doctor import examined_logs, reader_limits
from tbcli.doctor.findings import Finding, needs_action
from tbcli.doctor.logdirs import check_logdir
from tbcli.events.encode import framed, text_record
from tests.doctor.logs import BEGAN, NOW, points, write_healthy, write_log
from tests.serving.events import write_hparams, write_tensors

Make = Callable[[Path], Path]


def check(top: Path) -> dict[str, Finding]:
    """Return the findings by name."""
    return {finding.name: finding for finding in check_logdir(top, now=NOW)[1]}


def settled(top: Path) -> Path:
    """Return a log directory whose files were all changed an hour ago."""
    for path in top.rglob("*tfevents*"):
        os.utime(path, (NOW - 3600, NOW - 3600))
    return top


def one(top: Path, steps: list[int], values: list[float] | None = None, **others: float) -> Path:
    write_log(top, {"loss": points(steps, values or [], **others)})  # type: ignore[arg-type]
    return top


def torn(top: Path) -> Path:
    write_log(top, {"loss": points([1, 2])}, tail=framed(b"whole")[:9])
    return top


def two_levels(top: Path) -> Path:
    write_healthy(top)
    torn(top / "first" / "train")
    return top


def flipped(top: Path) -> Path:
    path = write_log(top, {"loss": points([1, 2, 3])})
    data = bytearray(path.read_bytes())
    data[-60] ^= 1  # in the second record's data
    path.write_bytes(data)
    return settled(top)


def foreign(top: Path) -> Path:
    path = write_log(top, {})
    path.write_bytes(b"no records at all, but long enough to be one" * 9)
    return settled(top)


def without_right(top: Path) -> Path:
    write_healthy(top)
    os.mkfifo(top / "first" / "events.out.tfevents.9.pipe")
    return top


def nothing_written(top: Path) -> Path:
    write_log(top / "a", {"loss": points([1])})
    write_log(top / "b", {})
    return top


def at_once(top: Path) -> Path:
    for rank in range(2):
        write_log(top, {"loss": points([1, 2, 3, 4])}, name=f"1.host.{rank}")
    return top


def again(top: Path) -> Path:
    write_log(top, {"loss": points([1, 2, 3, 4])}, name="1.host")
    write_log(top, {"loss": points([3, 4, 5], began=BEGAN + 1000)}, name="2.host")
    return top


def one_too_low(top: Path) -> Path:
    return write_healthy(top) / "first" / "train"


def one_too_high(top: Path) -> Path:
    write_healthy(top / "lightning_logs")
    return top


def float64(top: Path) -> Path:
    write_tensors(top, {"loss": [np.float64(0.1)]})
    path = next(top.glob("*tfevents*"))
    os.utime(path, (NOW + 1e7, NOW + 1e7))
    return top


def two_kinds(top: Path) -> Path:
    write_log(top, {"loss": points([1, 2])})
    write_log(top, {}, tail=text_record("loss", 1, BEGAN, ["a text"]), name="2.host")
    return top


def vectors(top: Path) -> Path:
    write_tensors(top, {"loss": [np.zeros(2, np.float32)]})
    return top


def circle(top: Path) -> Path:
    write_healthy(top)
    (top / "first" / "again").symlink_to(top)
    return top


def projector(top: Path, text: str, **files: str) -> Path:
    write_log(top / "run", {"loss": points([1])})
    for name, content in {"projector_config_pbtxt": text, **files}.items():
        (top / "run" / name.replace("_tsv", ".tsv").replace("_pbtxt", ".pbtxt")).write_text(content)
    return top


def lost_asset(top: Path) -> Path:
    return projector(top, 'embeddings { tensor_path: "gone.tsv" }')


def outside_asset(top: Path) -> Path:
    (top.parent / "secret.tsv").write_text("1\t2\n")
    return projector(top, 'embeddings { tensor_path: "../../secret.tsv" }')


def checkpoint_outside(top: Path) -> Path:
    return projector(top, 'model_checkpoint_path: "/elsewhere/model.ckpt"')


def rows_differ(top: Path) -> Path:
    text = 'embeddings { tensor_path: "v.tsv" metadata_path: "m.tsv" }'
    return projector(top, text, v_tsv="1\t2\n3\t4\n", m_tsv="label\na\nb\n")


def lonely_projector(top: Path) -> Path:
    write_healthy(top)
    (top / "projector").mkdir()
    (top / "projector" / "projector_config.pbtxt").write_text("")
    return top


def bare_hparams(top: Path) -> Path:
    write_hparams(top / "a", 8)
    write_log(top / "a", {"accuracy": points([1, 2])}, name="9.host")
    return settled(top)


def hparams_of_a_start(top: Path) -> Path:
    write_hparams(top / "a", 8)
    return settled(top)


def traced(top: Path) -> Path:
    write_healthy(top)
    (top / "first" / "plugins" / "profile" / "2026_01_01").mkdir(parents=True)
    return top


def text_only(top: Path) -> Path:
    top.mkdir()
    (top / "log.csv").write_text("epoch,loss\n0,1.0\n1,0.5\n")
    return top


def pipe_for_train(top: Path) -> Path:
    write_log(top / "first" / "validation", {"loss": points([1, 2])})
    os.mkfifo(top / "first" / "train")
    return top


def empty(top: Path) -> Path:
    top.mkdir()
    return top


SICK: dict[str, tuple[Make, str]] = {
    "nothing": (empty, "no-event-files"),
    "text alone": (text_only, "no-event-files"),
    "one level too low": (one_too_low, "wrong-level"),
    "one level too high": (one_too_high, "wrong-level"),
    "never flushed": (nothing_written, "nothing-written"),
    "torn": (torn, "file-damaged"),
    "a flipped bit": (flipped, "file-damaged"),
    "no event file": (foreign, "file-damaged"),
    "a pipe": (without_right, "not-readable"),
    "a link to a parent": (circle, "link-to-parent"),
    "several writers at once": (at_once, "several-writers"),
    "restarted": (again, "restarted"),
    "steps that go back": (lambda top: one(top, [1, 2, 3, 1, 2]), "steps-go-back"),
    "no step passed": (lambda top: one(top, [0] * 9), "steps-missing"),
    "a pipe for a part": (pipe_for_train, "not-a-directory"),
    "NaN alone": (lambda top: one(top, [1, 2], [math.nan, math.inf]), "nothing-finite"),
    "times to come": (lambda top: one(top, [1, 2], began=NOW + 1000), "clock-skew"),
    "younger than its file": (lambda top: one(top, [1, 2], began=NOW - 1800), "clock-skew"),
    "a counter for a clock": (lambda top: one(top, [1, 2], began=5), "clock-skew"),
    "a clock set back": (lambda top: one(top, [1, 2], times=[BEGAN, BEGAN - 3600]), "clock-skew"),  # type: ignore[arg-type]
    "no times": (lambda top: one(top, [1, 2], times=[0, 0]), "times-missing"),  # type: ignore[arg-type]
    "a time that is none": (lambda top: one(top, [1, 2], times=[BEGAN, math.nan]), "times-not-finite"),  # type: ignore[arg-type]
    "a time without end": (lambda top: one(top, [1, 2], times=[math.inf, BEGAN]), "times-not-finite"),  # type: ignore[arg-type]
    "a tag of two kinds": (two_kinds, "tag-of-two-kinds"),
    "float64": (float64, "fast-reader-drops"),
    "vectors as scalars": (vectors, "no-reader-shows"),
    "a long series": (lambda top: one(top, list(range(10_001))), "long-series"),
    "a lost asset": (lost_asset, "projector-asset"),
    "an asset outside": (outside_asset, "projector-asset"),
    "a checkpoint outside": (checkpoint_outside, "projector-asset"),
    "other labels than vectors": (rows_differ, "projector-rows"),
    "a projector without a run": (lonely_projector, "projector-without-run"),
    "HParams without a metric": (bare_hparams, "hparams-without-metrics"),
    "a trace without its plugin": (traced, "profile-plugin-missing"),
}


@pytest.mark.parametrize("case", SICK)
def test_each_finding_is_found_where_it_is(case: str, tmp_path: Path) -> None:
    make, name = SICK[case]
    found = check(make(tmp_path / "logs"))
    assert name in found, found
    assert all([found[name].what, found[name].why, found[name].fix, found[name].where])


def test_a_tag_that_the_server_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_limits, "_LONGEST_TAG", 40)
    write_log(tmp_path, {"x" * 40: points([1])})
    assert check(tmp_path) == {}
    write_log(tmp_path, {"x" * 41: points([1])})
    assert check(tmp_path)["tag-too-long"].level == "warning"


def test_a_session_that_ended_at_once_is_not_blamed_for_its_metrics(tmp_path: Path) -> None:
    assert not needs_action(check(hparams_of_a_start(tmp_path / "logs")).values())


def test_one_small_number_is_something(tmp_path: Path) -> None:
    path = write_log(tmp_path, {"a": points([1])})
    assert path.stat().st_size < 88  # as small as the first record of TensorFlow's writer
    assert check(tmp_path) == {}


def test_healthy_logs_have_no_finding(tmp_path: Path) -> None:
    assert check(write_healthy(tmp_path / "logs")) == {}
    good = projector(
        tmp_path / "other",
        '# tensor_path: "commented.tsv"\nembeddings { tensor_path: "v.tsv" metadata_path: "m.tsv" }',
        v_tsv="1\t2\n3\t4\n",
        m_tsv="label\tother\na\tb\nc\td\n",
    )
    assert check(good) == {}


@pytest.mark.parametrize(
    ("series", "name"),
    [({}, "nothing-written"), ({"loss": points([1, 2])}, "still-growing")],
)
def test_what_a_live_writer_has_not_written_yet_is_a_note(series: dict[str, object], name: str, tmp_path: Path) -> None:
    tail = framed(b"whole")[:9] if series else b""
    write_log(tmp_path, series, tail=tail, age=5)  # type: ignore[arg-type]
    findings = check_logdir(tmp_path, now=NOW)[1]
    assert [(finding.name, finding.level) for finding in findings] == [(name, "note")]


@pytest.mark.parametrize("odd", ["with blank", "quote'", "-dash", "emoji 🐈", "$HOME"])
def test_commands_take_any_name(odd: str, tmp_path: Path) -> None:
    import shlex

    top = tmp_path / odd
    found = check(torn(top))
    assert str(top) in shlex.split(found["file-damaged"].fix)


def test_the_right_level_of_a_run_of_ours_is_named(tmp_path: Path) -> None:
    run = tmp_path / "logs" / "20260101-000000-abcd"
    write_log(run / "train", {"epoch_loss": points([1, 2])})
    write_log(run / "validation", {"epoch_loss": points([1, 2])})
    (run / "run.json").write_text("{}")
    assert check(run) == {}
    assert check(tmp_path / "logs") == {}
    above = check(tmp_path)["wrong-level"]
    assert (above.level, above.fix) == ("warning", f"tensorboard --logdir {tmp_path / 'logs'}")
    assert check(run / "train")["wrong-level"].fix == f"tensorboard --logdir {tmp_path / 'logs'}"


def test_of_very_many_files_the_newest_are_read_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(tmp_path / "old", {"loss": points([1, 2, 1])}, age=9000)
    write_log(tmp_path / "new", {"loss": points([1, 2])})
    monkeypatch.setattr(examined_logs, "MOST_FILES", 1)
    facts, findings = check_logdir(tmp_path, now=NOW)
    assert (facts["files"], facts["files_read"], facts["whole"]) == (2, 1, False)
    assert not needs_action(findings)


def test_many_alike_are_counted_and_not_listed(tmp_path: Path) -> None:
    for number in range(7):
        write_log(tmp_path / f"run{number}", {"loss": points([1, 2, 1])})
    found = [finding for finding in check_logdir(tmp_path, now=NOW)[1] if finding.name == "steps-go-back"]
    assert len(found) == 4
    assert "4 more places" in found[-1].what
