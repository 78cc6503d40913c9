from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tbcli.cli.app import app
from tbcli.readers import read_scalars
from tests.events.records import curve, framed, points, theirs, write
from tests.fakes import SOME_MOMENT, make_run


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def export(workspace: Path, *words: str, expect: int = 0):
    result = CliRunner().invoke(app, ["export", *words, "--workspace", str(workspace)])
    assert result.exit_code == expect, result.output
    return result


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path, files=False, epochs=0)
    write(run.logs / "train", *curve("epoch_loss", [1, 2], 0.1))
    write(run.logs / "validation", *curve("epoch_loss", [1, 2], 0.2))
    return run


def test_export_writes_tidy_csv_of_the_latest_run(tmp_path, run) -> None:
    result = export(tmp_path)
    assert rows(result.stdout) == [
        ["run", "metric", "step", "wall_time", "value"],
        [run.id, "loss", "1", "101.0", "0.1"],
        [run.id, "loss", "2", "102.0", "0.2"],
        [run.id, "val_loss", "1", "101.0", "0.2"],
        [run.id, "val_loss", "2", "102.0", "0.4"],
    ]
    assert result.stderr == ""


def test_export_wide_and_as_json(tmp_path, run) -> None:
    assert rows(export(tmp_path, "--wide").stdout) == [
        ["run", "step", "loss", "val_loss"],
        [run.id, "1", "0.1", "0.2"],
        [run.id, "2", "0.2", "0.4"],
    ]
    document = json.loads(export(tmp_path, "--json", "--metric", "val_*").stdout)
    assert [point["value"] for point in document["points"]] == [0.2, 0.4]
    assert document == json.loads(export(tmp_path, "--format", "json", "--metric", "val_*").stdout)


def test_export_of_foreign_places_side_by_side(tmp_path, run) -> None:
    foreign = tmp_path / "other"
    path = write(foreign / "a", *curve("x/y", [5]))
    write(foreign, *curve("z", [6]), number=1)
    assert [row[:3] for row in rows(export(tmp_path, str(foreign)).stdout)[1:]] == [
        ["other", "z", "6"],
        ["a", "x/y", "5"],
    ]
    assert [row[:3] for row in rows(export(tmp_path, str(path)).stdout)[1:]] == [[path.name, "x/y", "5"]]
    both = rows(export(tmp_path, "latest", str(foreign), "--metric", "z", "--metric", "val_loss").stdout)[1:]
    assert [row[:2] for row in both] == [[run.id, "val_loss"], [run.id, "val_loss"], ["other", "z"]]
    some = export(tmp_path, "latest", str(foreign), "--metric", "z")
    assert "has no metric 'z': left out" in some.stderr


@pytest.mark.parametrize("words", [[], ["--wide"], ["--json"], ["--json", "--wide"]])
def test_places_of_one_name_are_told_apart_by_as_much_of_their_paths_as_it_takes(tmp_path, words) -> None:
    for number, name in enumerate(("x1/v", "y1/v", "z")):
        write(tmp_path / name, *curve("loss", [1], number + 1.0))
    text = export(tmp_path, *(str(tmp_path / name) for name in ("x1/v", "y1/v", "z")), *words).stdout
    if "--json" in words:
        rows_ = json.loads(text).popitem()[1]
        found = {(row["run"], row.get("loss", row.get("value"))) for row in rows_}
    else:
        found = {(row[0], float(row[-1])) for row in rows(text)[1:]}
    assert found == {("x1/v", 1.0), ("y1/v", 2.0), ("z", 3.0)}


def test_a_run_and_its_copy_elsewhere_are_told_apart(tmp_path, run) -> None:
    shutil.copytree(run.logs, tmp_path / "kept" / run.id)
    text = export(tmp_path, run.id, str(tmp_path / "kept" / run.id), "--metric", "loss").stdout
    assert {row[0] for row in rows(text)[1:]} == {f"logs/{run.id}", f"kept/{run.id}"}


def test_a_copy_of_places_of_one_name_nests_them(tmp_path) -> None:
    for name in ("x1/v", "y1/v"):
        write(tmp_path / name, *curve("loss", [1]))
    out = tmp_path / "slim"
    export(tmp_path, f"{tmp_path}/x1/v", f"{tmp_path}/y1/v", "--format", "tensorboard", "--out", str(out))
    assert sorted(str(path.parent.relative_to(out)) for path in out.rglob("events*")) == ["x1/v", "y1/v"]


def test_out_goes_through_a_pipe_and_a_link_and_leaves_them_there(tmp_path, run) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to("target.csv")
    expected = export(tmp_path).stdout
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert export(tmp_path, "--out", str(pipe)).stdout == f"{pipe}\n"
        assert reader.communicate()[0].decode() == expected
    export(tmp_path, "--out", str(link))
    assert (pipe.is_fifo(), link.is_symlink()) == (True, True)
    assert (tmp_path / "target.csv").read_text() == expected


@pytest.mark.parametrize("name", ["-", "link"])
def test_out_may_be_stdout_and_then_it_holds_nothing_else(tmp_path, run, name: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "stdout")
    with (tmp_path / "stdout").open("wb") as stdout:
        command = [sys.executable, "-m", "tbcli", "export", "--out", name]
        subprocess.run(command, cwd=tmp_path, stdout=stdout, check=True)
    assert (tmp_path / "stdout").read_text() == export(tmp_path).stdout
    assert not (tmp_path / "-").exists()


def test_a_name_without_an_ending_is_csv_or_what_format_says(tmp_path, run) -> None:
    export(tmp_path, "--out", str(tmp_path / "plain"))
    export(tmp_path, "--out", str(tmp_path / "said"), "--format", "json")
    assert (tmp_path / "plain").read_text().startswith("run,metric")
    assert json.loads((tmp_path / "said").read_text())["schema"] == 2


@pytest.mark.parametrize("name", ["x.csv", "deep/x.json", "x.parquet"])
def test_out_names_the_file_and_its_suffix_the_form(tmp_path, run, name: str) -> None:
    out = tmp_path / name
    assert export(tmp_path, "--out", str(out)).stdout == f"{out}\n"
    start = {".csv": b"run,metric", ".json": b'{"schema": 2', ".parquet": b"PAR1"}[out.suffix]
    assert out.read_bytes().startswith(start)
    assert sorted(path.name for path in out.parent.iterdir() if path.name.startswith(".")) == []


def test_the_tensorboard_copy_is_read_by_tensorboard_as_the_original_is(tmp_path, run) -> None:
    out = tmp_path / "slim"
    result = export(tmp_path, "--format", "tensorboard", "--out", str(out))
    assert result.stdout == f"{out}\n"
    assert "2 series" in result.stderr
    assert theirs(out) == theirs(run.logs) == points(read_scalars(out))
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []


def test_a_copy_of_several_places_gives_each_a_directory(tmp_path, run) -> None:
    second = make_run(tmp_path, started=SOME_MOMENT.replace(hour=13), files=False)
    write(second.logs / "train", *curve("epoch_loss", [1]))
    out = tmp_path / "slim"
    out.mkdir()
    export(tmp_path, run.id, second.id, "--format", "tensorboard", "--out", str(out))
    assert sorted(path.name for path in out.iterdir()) == [run.id, second.id]


def test_a_copy_overwrites_nothing_and_leaves_no_half(tmp_path, run) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    assert "not empty" in export(tmp_path, "--format", "tensorboard", "--out", str(full), expect=8).stderr
    inside = run.logs / "slim"
    assert "lies in" in export(tmp_path, "--format", "tensorboard", "--out", str(inside), expect=8).stderr
    nothing = tmp_path / "none"
    export(tmp_path, "--format", "tensorboard", "--out", str(nothing), "--metric", "nothing", expect=3)
    assert not nothing.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "logs"]


def test_damage_is_said_and_the_rest_is_exported(tmp_path) -> None:
    path = write(tmp_path / "other", *curve("x", [1, 2]))
    path.write_bytes(path.read_bytes() + framed(b"xxxx")[:-2])
    result = export(tmp_path, f"{tmp_path}/other")
    assert len(rows(result.stdout)) == 3
    assert f"warning: {path} at byte" in result.stderr
    named = export(tmp_path, str(path))
    assert f"warning: {path} at byte" in named.stderr


def test_damage_in_two_places_is_told_apart_and_what_cannot_be_listed_has_no_byte(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        path = write(tmp_path / name, *curve("x", [1, 2]))
        path.write_bytes(path.read_bytes()[:-2])
    os.mkfifo("a/events.out.tfevents.9.pipe")
    told = export(tmp_path, "./a", "./b").stderr.splitlines()
    assert told[0] == "warning: a/events.out.tfevents.9.pipe is no regular file: left alone"
    assert told[1].startswith("warning: a/events.out.tfevents.0.host at byte")
    assert told[2].startswith("warning: b/events.out.tfevents.0.host at byte")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--format", "cvs"], 2, "did you mean 'csv'"),
        (["--format", "tensorboard"], 2, "--out DIR"),
        (["--format", "csv", "--json"], 2, "--json conflicts with --format csv"),
        (["--format", "tensorboard", "--out", "x", "--wide"], 2, "--wide"),
        (["--metric", "los"], 3, "did you mean 'loss'"),
        (["./nowhere"], 3, "no log directory"),
        (["--out", "/proc/x.csv"], 2, "cannot write"),
        (["--out", "s.xlsx"], 2, "unknown extension '.xlsx' of 's.xlsx'"),
        (["--out", "s.xlsx", "--format", "csv"], 2, "unknown extension"),
        (["--out", "s.parquet", "--format", "csv"], 2, "--format csv conflicts with the extension of 's.parquet'"),
        (["--out", "s.csv", "--json"], 2, "--format json conflicts"),
        (["--out", "s.csv", "--format", "tensorboard"], 2, "--format tensorboard conflicts"),
        (["--out", "-", "--format", "tensorboard"], 2, "--out DIR"),
    ],
)
def test_a_mistake_is_two_lines_and_its_code(tmp_path, run, words, code, said) -> None:
    result = export(tmp_path, *words, expect=code)
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert result.stdout == ""


def test_a_directory_without_scalars_is_not_found(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    assert "has no scalars" in export(tmp_path, str(tmp_path / "empty"), expect=3).stderr


def test_parquet_without_its_extra_names_it(tmp_path, run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    result = export(tmp_path, "--format", "parquet", "--out", "x.parquet", expect=2)
    assert "pip install 'tbcli[parquet]'" in result.stderr


def as_process(*words: str, cwd: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-X", "importtime", "-m", "tbcli", "export", *words]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_export_is_light_and_ends_quietly_when_its_reader_has_seen_enough(tmp_path) -> None:
    write(tmp_path / "long", *curve("x", range(20_000)))
    with as_process("./long", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"run,metric,step,wall_time,value\n"
        process.stdout.close()
        imported = process.stderr.read().decode()
    assert process.returncode == 0
    assert "Error" not in imported
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in imported.splitlines()}
    assert "numpy" in names
    assert names.isdisjoint({"tensorflow", "keras", "matplotlib", "tensorboard", "google", "rich", "pyarrow"})


def test_parquet_goes_through_a_pipe_and_not_to_a_terminal(tmp_path, run) -> None:
    with as_process("--format", "parquet", cwd=tmp_path) as process:
        found, _ = process.communicate()
    assert process.returncode == 0
    assert found[:4] == found[-4:] == b"PAR1"
    main, other = os.openpty()
    command = [sys.executable, "-m", "tbcli", "export", "--format", "parquet"]
    done = subprocess.run(command, cwd=tmp_path, stdout=other, stderr=subprocess.PIPE, check=False)
    os.close(main)
    os.close(other)
    assert done.returncode == 2
    assert b"refusing to write Parquet to a terminal" in done.stderr


def test_a_metric_that_no_place_has_is_an_error_and_one_that_some_lack_is_said(tmp_path) -> None:
    write(tmp_path / "a", *curve("loss", [1]))
    write(tmp_path / "b", *curve("loss", [1]), *curve("extra", [2]))
    words = [str(tmp_path / "a"), str(tmp_path / "b"), "--metric", "loss"]
    assert "no metric 'extra' in a" in export(tmp_path, *words, "--metric", "extra").stderr
    result = export(tmp_path, *words, "--metric", "nope", expect=3)
    assert "no metric 'nope'" in result.stderr
