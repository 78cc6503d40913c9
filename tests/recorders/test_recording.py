"""Recorders are called when it is their turn, put on the clock, and switched off when they fail."""

from __future__ import annotations

import errno
import json
import signal
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from tbcli.config import Config, RecordConfig
from tbcli.errors import Interrupted
from tbcli.recorders.base import Recorder, Snapshot, Steps, Writer
from tbcli.recorders.graphs import GraphsRecorder
from tbcli.recorders.profile import ProfileRecorder
from tbcli.recorders.recording import Recording
from tbcli.recorders.registry import RECORDERS, load_recorders
from tbcli.recorders.samples import SamplesRecorder

pytestmark = pytest.mark.tf

MOMENTS = ("begin", "steps", "epoch", "end")


class Probe(Recorder):
    """Notes its moments; raises at one of them."""

    def __init__(self, name: str = "probe", fails_at: str = "", error: BaseException | None = None) -> None:
        self.name = name
        self.calls: list[tuple[str, int]] = []
        self._fails_at, self._error = fails_at, error or ZeroDivisionError("oops")

    def _note(self, moment: str, number: int) -> None:
        self.calls.append((moment, number))
        if moment == self._fails_at:
            raise self._error

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        self._note("begin", snapshot.epoch)

    def on_steps(self, steps: Steps, writer: Writer) -> None:
        self._note("steps", steps.last)

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        self._note("epoch", snapshot.epoch)
        writer.scalars({"x": 1.0}, snapshot.epoch, where="train")

    def on_end(self, snapshot: Snapshot, writer: Writer) -> None:
        self._note("end", snapshot.epoch)


def moment(epoch: int, **settings: object) -> Snapshot:
    config = Config().updated({key.replace("__", "."): value for key, value in settings.items()})
    return Snapshot(config=config, dataset=None, model=None, epoch=epoch, step=4 * epoch, logs={})  # type: ignore[arg-type]


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., tuple[Recording, list[str]]]:
    def make(*recorders: Recorder, every: str = "1") -> tuple[Recording, list[str]]:
        warnings: list[str] = []
        return Recording(recorders, RecordConfig(every=every), tmp_path, warnings.append), warnings

    return make


def live_through(recording: Recording, epochs: int = 5) -> None:
    with recording:
        recording.begin(moment(0))
        for epoch in range(1, epochs + 1):
            recording.steps(Steps(4 * epoch - 3, 4 * epoch, {}))
            recording.epoch(moment(epoch), last=epoch == epochs)
        recording.end(moment(epochs))


Start = Callable[..., tuple[Recording, list[str]]]


def test_a_recorder_lives_through_its_moments_once(start: Start) -> None:
    probe = Probe()
    recording, warnings = start(probe)
    live_through(recording, epochs=2)
    assert probe.calls == [("begin", 0), ("steps", 4), ("epoch", 1), ("steps", 8), ("epoch", 2), ("end", 2)]
    assert warnings == []


@pytest.mark.parametrize(
    ("every", "mine", "other"),
    [("2", [2, 4, 5], [2, 4, 5]), ("probe=3", [3, 5], [1, 2, 3, 4, 5]), ("9,probe=1", [1, 2, 3, 4, 5], [5])],
)
def test_the_cadence_is_kept_and_the_last_epoch_is_everyones(
    start: Start, every: str, mine: list[int], other: list[int]
) -> None:
    probe, second = Probe(), Probe("other")
    recording, _ = start(probe, second, every=every)
    live_through(recording)
    for recorder, epochs in ((probe, mine), (second, other)):
        assert [number for moment, number in recorder.calls if moment == "epoch"] == epochs
        assert len([1 for moment, _ in recorder.calls if moment == "steps"]) == 5


@pytest.mark.parametrize("fails_at", MOMENTS)
def test_one_that_raises_is_switched_off_once_and_the_others_go_on(start: Start, fails_at: str) -> None:
    broken, whole = Probe("broken", fails_at), Probe("whole")
    recording, warnings = start(broken, whole)
    live_through(recording)
    assert [moment for moment, _ in broken.calls].count(fails_at) == 1
    assert broken.calls[-1][0] == fails_at
    assert len(whole.calls) == 12
    assert warnings == ["recorder 'broken' was switched off: ZeroDivisionError: oops"]
    assert recording.report(1.0)["switched_off"] == {"broken": "ZeroDivisionError: oops"}


def test_one_that_has_nothing_to_show_says_why(start: Start) -> None:
    probe = Probe()
    probe.unsuitable = lambda snapshot: "no colours here"  # type: ignore[method-assign]
    recording, warnings = start(probe)
    live_through(recording)
    assert probe.calls == []
    assert recording.switched_off == {"probe": "no colours here"}
    assert warnings == []  # nobody asked for it by name


@pytest.mark.parametrize("fails_at", MOMENTS)
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EROFS, "Read-only file system"),
        OSError(errno.EIO, "Input/output error"),
        tf.errors.ResourceExhaustedError(None, None, "events.out; No space left on device"),
        tf.errors.UnknownError(None, None, "events.out; Input/output error"),
    ],
    ids=lambda error: type(error).__name__ + str(getattr(error, "errno", "")),
)
def test_a_disk_that_takes_nothing_switches_all_off_with_one_word_and_training_goes_on(
    start: Start, fails_at: str, error: Exception
) -> None:
    probe, other = Probe(fails_at=fails_at, error=error), Probe("other")
    recording, warnings = start(probe, other)
    live_through(recording)
    (warning,) = warnings
    assert warning.startswith("nothing more is recorded: the ")
    assert warning.endswith("; training goes on")
    assert set(recording.switched_off) == {"probe", "other"}
    assert ("end", 5) not in other.calls


def test_a_run_directory_that_was_removed_is_no_full_disk(tmp_path: Path) -> None:
    gone, warnings = tmp_path / "gone", list[str]()
    recording = Recording([Probe(), Probe("other")], RecordConfig(), gone, warnings.append)
    live_through(recording)
    (warning,) = warnings
    assert warning.startswith("nothing more is recorded: the run's directory was removed or moved while it trained")


@pytest.mark.parametrize("error", [SystemExit(3), MemoryError(), RecursionError(), StopIteration()])
def test_whatever_a_recorder_raises_training_goes_on(start: Start, error: BaseException) -> None:
    recording, warnings = start(Probe(fails_at="epoch", error=error), Probe("other"))
    live_through(recording)
    assert list(recording.switched_off) == ["probe"]
    assert len(warnings) == 1


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_keyboard_interrupt_is_a_persons_unless_signals_are_handled(start: Start, is_ours: bool) -> None:
    recording, _ = start(Probe(fails_at="epoch", error=KeyboardInterrupt()))
    before = signal.signal(signal.SIGINT, (lambda *_: None) if is_ours else signal.default_int_handler)
    try:
        with nullcontext() if is_ours else pytest.raises(KeyboardInterrupt):
            live_through(recording)
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(recording.switched_off) == (["probe"] if is_ours else [])


def test_other_trouble_with_a_file_costs_the_recorder_its_place(start: Start) -> None:
    recording, _ = start(Probe(fails_at="epoch", error=OSError(errno.EACCES, "not yours")))
    live_through(recording)
    assert "not yours" in recording.switched_off["probe"]


def test_a_signal_while_a_recorder_works_is_not_its_failure(start: Start) -> None:
    recording, warnings = start(Probe(fails_at="end", error=Interrupted(2, "Ctrl-C", hint="x")))
    with pytest.raises(Interrupted):
        live_through(recording)
    assert warnings == []


def test_recorders_finish_what_they_began_when_training_fails(start: Start) -> None:
    probe = Probe()
    recording, _ = start(probe)

    def fail_in_epoch() -> None:
        with recording:
            recording.begin(moment(0))
            recording.epoch(moment(1), last=False)
            raise RuntimeError("diverged")

    with pytest.raises(RuntimeError, match="diverged"):
        fail_in_epoch()
    assert probe.calls[-1] == ("end", 1)


def test_the_report_counts_time_and_bytes(start: Start, tmp_path: Path) -> None:
    recording, _ = start(Probe())
    with recording:
        recording.begin(moment(0))
        recording.epoch(moment(1), last=True)
        recording.milliseconds["probe"] = 50.0
        report = recording.report(1.05)
        assert recording.report(0.05)["percent"] is None
    assert report["percent"] == 5.0
    assert report["milliseconds"] == {"probe": 50.0}
    (file,) = (tmp_path / "train").iterdir()
    # All of the file is the recorder's but the record that names the format's version.
    assert 0 < file.stat().st_size - report["bytes"]["probe"] < 64


def test_every_recorder_of_the_registry_loads_and_knows_its_name() -> None:
    assert [recorder.name for recorder in load_recorders(list(RECORDERS))] == list(RECORDERS)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [((28, 28, 1), None), ((9, 9, 3), None), ((784,), "no images"), ((28, 28, 2), "no images")],
)
def test_only_images_are_shown_as_pictures(shape: tuple[int, ...], reason: str | None) -> None:
    class Data:
        input_shape = shape

    snapshot = Snapshot(config=Config(), dataset=Data(), model=None, epoch=0, step=0, logs={})  # type: ignore[arg-type]
    found = SamplesRecorder().leaves_out(snapshot)
    assert not found if reason is None else reason in str(found)


class Traces:
    """Stands where the profiler does, for a trace takes seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[Any] = []
        monkeypatch.setattr(tf.profiler.experimental, "start", lambda directory: self.events.append(directory))
        monkeypatch.setattr(tf.profiler.experimental, "stop", lambda: self.events.append("stop"))


@pytest.mark.parametrize(("asked", "begun_at", "ended_at"), [("8:16", 8, 16), ("4:8", 4, 8), ("16:99", 16, "end")])
def test_a_trace_covers_the_steps_that_were_asked_for(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, begun_at: int, ended_at: int | str
) -> None:
    traces, seen = Traces(monkeypatch), []
    profile = ProfileRecorder()
    profile.name = "profile"
    recording, warnings = start(profile)
    with recording:
        recording.begin(moment(0, record__profile=asked))
        for step in range(4, 25, 4):
            before = len(traces.events)
            recording.steps(Steps(step - 3, step, {}))
            seen += [step] * (len(traces.events) - before)
        recording.end(moment(6))
        seen += ["end"] * (2 - len(seen))
    assert seen == [begun_at, ended_at]
    assert traces.events == [str(tmp_path / "train"), "stop"]
    assert warnings == []


def test_a_trace_that_never_begins_is_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    traces = Traces(monkeypatch)
    profile = ProfileRecorder()
    profile.name = "profile"
    recording, warnings = start(profile)
    with recording:
        recording.begin(moment(0, record__profile="100:110"))
        recording.steps(Steps(1, 4, {}))
        recording.end(moment(1))
    assert traces.events == []
    assert "training ended at step 4, before step 100" in warnings[0]


def test_a_subclassed_model_has_an_op_graph_and_no_conceptual_one(tmp_path: Path) -> None:
    import keras
    import numpy as np

    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.dense(inputs)

    class Data:
        input_shape = (3,)

    class Kept:
        graphs: list[bytes] = []  # noqa: RUF012
        keras_graphs: list[str] = []  # noqa: RUF012

        def graph(self, graph_def: bytes, *, where: str) -> None:
            self.graphs.append(graph_def)

        def keras_graph(self, model_json: str, *, where: str) -> None:
            self.keras_graphs.append(model_json)

    model, kept = Subclassed(), Kept()
    model(np.zeros((1, 3), np.float32))
    snapshot = Snapshot(config=Config(), dataset=Data(), model=model, epoch=0, step=0, logs={})  # type: ignore[arg-type]
    GraphsRecorder().on_begin(snapshot, kept)  # type: ignore[arg-type]
    assert kept.graphs
    assert kept.keras_graphs == []


class Late(Probe):
    """Has something to show only when the moment has validation samples."""

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        return None if snapshot.validation else "there are no validation samples"


def seen(epoch: int) -> Snapshot:
    return replace(moment(epoch), validation=object())  # type: ignore[arg-type]


def test_who_has_nothing_to_show_yet_waits_and_then_begins_in_its_place(tmp_path: Path) -> None:
    early, late, never = Probe("early"), Late("late"), Late("never")
    recording = Recording([late, early, never], RecordConfig(), tmp_path, lambda text: None)
    recording.begin(moment(0), waiting=["never"])
    recording.epoch(moment(1), last=False)
    recording.settle(seen(2), is_final=False)
    recording.exclude(["never"], "nobody knows why")
    recording.epoch(seen(2), last=True)
    recording.end(seen(2))
    assert early.calls == [("begin", 0), ("epoch", 1), ("epoch", 2), ("end", 2)]
    assert late.calls == [("begin", 2), ("epoch", 2), ("end", 2)]
    assert recording.switched_off == {"never": "nobody knows why"}
    assert [recorder.name for recorder in recording._active] == ["late", "early"]


def test_who_waited_to_the_end_is_switched_off_with_its_reason(tmp_path: Path) -> None:
    recording = Recording([Late("late")], RecordConfig(), tmp_path, lambda text: None)
    recording.begin(moment(0), waiting=[])
    recording.epoch(moment(1), last=True)
    recording.end(moment(1))
    assert recording.switched_off == {"late": "there are no validation samples"}


def test_an_epoch_that_turns_out_to_be_the_last_is_completed(tmp_path: Path) -> None:
    often, seldom = Probe("often"), Probe("seldom")
    recording = Recording([often, seldom], RecordConfig(every="seldom=3"), tmp_path, lambda text: None)
    recording.begin(moment(0))
    recording.epoch(moment(1), last=False)
    recording.complete_epoch(moment(1))
    assert [often.calls, seldom.calls] == [[("begin", 0), ("epoch", 1)]] * 2


def test_inputs_and_outputs_that_have_names_are_drawn_as_lists() -> None:
    import keras

    from tbcli.recorders.graphs import describe_layers

    first, second = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    outputs = {name: keras.layers.Dense(1, name=name)(part) for name, part in {"c": first, "d": second}.items()}
    config = json.loads(describe_layers(keras.Model({"a": first, "b": second}, outputs).to_json()))["config"]
    assert config["input_layers"] == [["a", 0, 0], ["b", 0, 0]]
    assert config["output_layers"] == [["c", 0, 0], ["d", 0, 0]]


def test_what_layers_are_called_with_besides_tensors_is_no_hindrance_to_tensorboard() -> None:
    import keras
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    from tbcli.recorders.graphs import describe_layers

    inputs = keras.Input((3,), name="rows")
    known = keras.ops.where(keras.ops.isnan(inputs), 48.9, inputs)
    part = known[:, 0:2]
    both = keras.layers.Concatenate(name="both")([part, known])
    attended = keras.layers.MultiHeadAttention(1, 2, name="attended")(
        query=both[:, None], value=keras.ops.reshape(known, (-1, 1, 3))
    )
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(attended))
    described = json.loads(describe_layers(keras.Model(inputs, outputs).to_json()))
    nodes = {node.name: list(node.input) for node in keras_model_to_graph_def(described).node}
    name = next(name for name in nodes if name.endswith("attended"))
    assert len(nodes[name]) == 2
    assert sum(map(len, nodes.values())) >= len(nodes) - 1


class _Unsuitable(Probe):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name)
        self._reason = reason

    def unsuitable(self, snapshot: Snapshot) -> str | None:
        return self._reason


def test_what_does_not_suit_is_one_note_and_a_warning_only_where_it_was_asked_for(tmp_path: Path) -> None:
    names = {"kernels": "no convolution", "attention": "no convolution", "pr_curves": "no classes", "text": "odd"}
    recorders = [_Unsuitable(name, reason) for name, reason in names.items()]
    warnings: list[str] = []
    notes: list[str] = []
    config = RecordConfig(recorders="standard,text")
    Recording(recorders, config, tmp_path, warnings.append, notes.append).begin(moment(0))
    assert notes == ["not recorded: kernels, attention (no convolution); pr_curves (no classes)"]
    assert warnings == ["recorder 'text' was switched off: odd"]


class Counting(Recorder):
    """Keeps what it saw in attributes, and some that no file can hold."""

    made_anew = frozenset({"clock"})

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[tuple[str, int]] = []
        self.clock = object()

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        self.seen.append(("begin", snapshot.epoch))

    def on_resume(self, snapshot: Snapshot, writer: Writer) -> None:
        self.seen.append(("resume", snapshot.epoch))


class Secretive(Counting):
    """Has an attribute where others have a method."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.state = 3  # type: ignore[assignment]


def test_a_resumed_recorder_goes_on_with_its_attributes_and_others_begin(start: Any) -> None:
    recording, warnings = start(Counting("old"), Probe("broken", "begin"), Secretive("secretive"))
    recording.begin(moment(0))
    state = recording.state()
    assert set(state["recorders"]) == {"old", "secretive"}
    assert state["recorders"]["old"] == {"seen": [("begin", 0)]}
    assert isinstance(state["recorders"].pop("secretive"), TypeError)  # as whoever saves it does
    old, new, broken, secretive = Counting("old"), Counting("new"), Probe("broken"), Secretive("secretive")
    clock = old.clock
    again, _ = start(old, new, broken, secretive)
    again.restore(state)
    again.go_on(moment(3))
    assert old.seen == [("begin", 0), ("resume", 3)]
    assert old.clock is clock
    assert (new.seen, secretive.seen, broken.calls) == ([("begin", 3)], [("begin", 3)], [])
    assert warnings == ["recorder 'broken' was switched off: ZeroDivisionError: oops"]
    again.finish("finished")


def test_what_a_full_disk_switched_off_is_there_again_where_the_run_is_resumed(start: Any) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    recording, _ = start(Counting("kept"), Probe("full", "epoch", full))
    recording.begin(moment(0))
    recording.epoch(moment(1), last=False)
    assert set(recording.switched_off) == {"kept", "full"}
    kept = Counting("kept")
    again, _ = start(kept)
    again.restore(recording.state())
    again.go_on(moment(1))
    assert (kept.seen, again.switched_off) == ([("begin", 0), ("resume", 1)], {})
    again.finish("finished")
