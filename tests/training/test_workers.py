"""Several processes come to what one comes to; a stop reaches all of them, and a lost one leaves the state."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tbcli.cli.topics import DIRECTORY
from tbcli.config import Config
from tbcli.errors import ConfigError
from tbcli.runs import Run, RunStore
from tbcli.training.cluster import WorkerPlace, free_ports, place_of_process
from tbcli.training.request import check_request
from tests.training.test_strategy import SETTINGS, require_close, run_in, train


@pytest.mark.slow
@pytest.mark.tf
def test_two_workers_and_then_three_come_to_what_one_process_comes_to(tmp_path: Path) -> None:
    cosine = ["cosine" if word == "constant" else word for word in SETTINGS]
    more = ["--epochs", "2", "--allow-changes"]  # begins the schedule anew
    alone = train(tmp_path / "alone", *cosine, "--epochs", "1")
    train(tmp_path / "alone", "--resume", alone.id, *more)
    alone = run_in(tmp_path / "alone")
    run = train(tmp_path / "many", *cosine, "--epochs", "1", "--workers", "2")
    assert run.record["device"].startswith("2 workers, ")
    train(tmp_path / "many", "--resume", run.id, *more, "--workers", "3", "--audit")
    run = run_in(tmp_path / "many")
    assert run.record["device"].startswith("3 workers, ")
    assert run.record["recording"]["switched_off"] == {}
    require_close(alone, run)


@pytest.mark.slow
@pytest.mark.tf
def test_more_epochs_begin_the_schedule_anew_on_all_workers(tmp_path: Path) -> None:
    words = [*(word if word != "constant" else "cosine" for word in SETTINGS)]
    run = train(tmp_path / "many", *words, "--epochs", "1")
    shutil.copytree(tmp_path / "many", tmp_path / "alone")
    more = ["--resume", run.id, "--epochs", "2", "--allow-changes"]
    train(tmp_path / "alone", *more)
    train(tmp_path / "many", *more, "--workers", "2")
    require_close(run_in(tmp_path / "alone"), run_in(tmp_path / "many"))


@pytest.mark.slow
@pytest.mark.tf
def test_a_stop_reaches_all_workers_and_a_lost_one_leaves_the_state_of_its_last_step(tmp_path: Path) -> None:
    started, worker = begun(tmp_path, *SETTINGS, "--epochs", "10000")
    os.kill(worker, signal.SIGTERM)  # as a launcher does, which knows nothing of first ones
    assert ended(started, worker) == 128 + signal.SIGTERM
    run = run_in(tmp_path)
    assert run.status() == "interrupted"
    step = step_of(run)
    started, worker = begun(tmp_path, "--resume", run.id)
    os.kill(worker, signal.SIGKILL)
    assert ended(started, worker) == 5
    run = run_in(tmp_path)
    assert (run.status(), run.record["reason"][:16]) == ("failed", "a worker is lost")
    assert step_of(run) >= step
    started, worker = begun(tmp_path, "--resume", run.id)
    started.kill()
    ended(started, worker)


OF_ITS_OWN = """
import os
import keras
import numpy as np


def data():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(64, 4)).astype("float32")
    return (inputs, (inputs[:, 0] > 0).astype("int64")), (inputs, (inputs[:, 0] > 0).astype("int64"))


class Odd(keras.constraints.Constraint):
    def __call__(self, value):
        return value * 0.9 if '"index": 1' in os.environ["TF_CONFIG"] else value


def model(dataset):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax", kernel_constraint=Odd())])


def model_of_its_own_size(dataset):
    units = 9 if '"index": 1' in os.environ["TF_CONFIG"] else 8
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(2, "softmax")])
"""


@pytest.mark.slow
@pytest.mark.tf
@pytest.mark.parametrize(
    ("model", "code", "status", "says"),
    [
        ("model", 5, ["failed"], "do not have the same weights: 'sequential/dense/kernel' differs by 1.0e-01"),
        ("model_of_its_own_size", 4, [], "the model is not that of worker 0: its weights are others"),
    ],
)
def test_workers_that_train_something_else_are_a_failure_that_is_kept(
    tmp_path: Path, model: str, code: int, status: list[str], says: str
) -> None:
    (tmp_path / "own.py").write_text(OF_ITS_OWN)
    words = ["--data", f"{tmp_path}/own.py:data", "--model", f"{tmp_path}/own.py:{model}", "--workers", "2"]
    command = [sys.executable, "-m", "tbcli", "train", *words, "--epochs", "2", "--no-plots", "--record", "off"]
    done = subprocess.run(
        [*command, "--workspace", str(tmp_path / "ws")], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    runs = RunStore(Config().updated({"paths.workspace": str(tmp_path / "ws")}).paths).list()
    assert [run.status() for run in runs] == status
    for run in runs:
        assert says in run.record["reason"]
        assert run.record["workers_differ"]["step"] == step_of(run)


@pytest.mark.ray
@pytest.mark.tf
def test_workers_that_ray_places_come_to_what_one_process_comes_to_and_stop(tmp_path: Path) -> None:
    alone = train(tmp_path / "alone", *SETTINGS, "--epochs", "2")
    require_close(alone, train(tmp_path / "ray", *SETTINGS, "--epochs", "2", "--workers", "2", "--ray", "local"))
    started, _ = begun(tmp_path / "stop", *SETTINGS, "--epochs", "10000", "--ray", "local")
    started.terminate()
    started.communicate(timeout=60)
    assert started.returncode == 128 + signal.SIGTERM
    assert run_in(tmp_path / "stop").status() == "interrupted"


@pytest.mark.slow
@pytest.mark.tf
def test_all_workers_of_a_launcher_exit_with_the_code_of_the_first(tmp_path: Path) -> None:
    addresses = tuple(f"127.0.0.1:{two_free_ports() + number}" for number in range(2))
    command = [sys.executable, "-m", "tbcli", "train", "--workspace", str(tmp_path), "--quiet"]
    words = [[*SETTINGS, "--epochs", "10000"], []]
    started = [
        subprocess.Popen(
            [*command, *words[index]],
            env={**os.environ, "TF_CONFIG": WorkerPlace(addresses, index).as_tf_config()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for index in range(2)
    ]
    try:
        give_up = time.monotonic() + 120
        while not list(tmp_path.glob("logs/*/history.csv")):
            assert all(each.poll() is None for each in started)
            assert time.monotonic() < give_up
            time.sleep(0.1)
        started[1].terminate()
        assert [each.wait(timeout=60) for each in started] == [128 + signal.SIGTERM] * 2
    finally:
        for each in started:
            each.kill()
            each.wait()


def begun(workspace: Path, *words: str) -> tuple[subprocess.Popen[str], int]:
    """Return a training of two workers that has written something, and the other worker's process."""
    command = [sys.executable, "-m", "tbcli", "train", *words, "--workers", "2", "--workspace", str(workspace)]
    history = [path.stat().st_size for path in workspace.glob("logs/*/history.csv")]
    started = subprocess.Popen([*command, "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    give_up = time.monotonic() + 120
    while [path.stat().st_size for path in workspace.glob("logs/*/history.csv")] == history:
        assert started.poll() is None, started.communicate()[1]
        assert time.monotonic() < give_up
        time.sleep(0.1)
    worker, *_ = map(int, Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split())
    return started, worker


def ended(started: subprocess.Popen[str], worker: int) -> int:
    """Return the exit code, once the worker is gone too."""
    started.communicate(timeout=60)
    give_up = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and "zombie" not in Path(f"/proc/{worker}/status").read_text():
        assert time.monotonic() < give_up
        time.sleep(0.1)
    return started.returncode


def step_of(run: Run) -> int:
    from tbcli.training.continuing.state import Generations

    step = Generations(run.checkpoints).newest_step
    assert step
    return step


def test_tf_config_tells_the_place_among_the_workers() -> None:
    cluster = '"cluster": {"worker": ["a:1", "b:1", "b:2"]}'
    place = place_of_process({"TF_CONFIG": f'{{{cluster}, "task": {{"type": "worker", "index": 2}}}}'})
    assert place == WorkerPlace(("a:1", "b:1", "b:2"), 2)
    assert place_of_process({"TF_CONFIG": place.as_tf_config()}) == place
    assert (place.is_chief, place.neighbours_before) == (False, 1)
    chief = '{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}'
    assert place_of_process({"TF_CONFIG": chief}) == WorkerPlace(("a:1", "b:1"), 1)


@pytest.mark.parametrize("text", ["", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}'])
def test_one_process_trains_alone(text: str) -> None:
    assert place_of_process({"TF_CONFIG": text}) is None


@pytest.mark.parametrize(
    ("workers", "kind", "index", "why"),
    [
        (["a:1", "b:1"], "worker", 2, "there is no worker 2 among 2"),
        (["a:1", "b:1"], "worker", -1, "there is no worker -1"),
        (["a:1", "b:1"], "ps", 0, "a task of type 'ps' has no part"),
        (["a:1"], "evaluator", 0, "a task of type 'evaluator' has no part"),
        (["a:1", "b"], "worker", 0, "'b' is not HOST:PORT"),
        (["a:1", "a:1"], "worker", 1, "'a:1' is there twice"),
    ],
)
def test_what_is_wrong_with_a_place_is_told(workers: list[str], kind: str, index: int, why: str) -> None:
    said = {"cluster": {"worker": workers}, "task": {"type": kind, "index": index}}
    with pytest.raises(ConfigError, match=why):
        place_of_process({"TF_CONFIG": json.dumps(said)})


@pytest.mark.parametrize("devices", ["2", "auto", "cpu:2"])
def test_devices_and_workers_exclude_one_another(devices: str) -> None:
    with pytest.raises(ConfigError, match=f"--devices {devices} cannot be had with several workers"):
        check_request(Config().updated({"train.devices": devices, "train.workers": 2}))


@pytest.mark.parametrize("text", ["[", "3", '{"cluster": {"worker": ["a:1", "b:1"]}}', '{"cluster": 3}'])
def test_a_place_that_cannot_be_understood_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="TF_CONFIG cannot be understood"):
        place_of_process({"TF_CONFIG": text})


def code_of(language: str) -> str:
    """Return an example of the help topic."""
    (found,) = re.findall(rf"(?s)```{language}\n(.*?)```", (DIRECTORY / "scale.md").read_text("utf-8"))
    return str(found)


def two_at_once(script: str, workspace: Path, variable: str) -> list[int]:
    """Run a script once for each of two workers, whose number a variable tells; ``tbcli train`` is a small one."""
    words = shlex.join([*SETTINGS, "--epochs", "1", "--workspace", str(workspace)])
    shim = f"tbcli() {{ {sys.executable} -m tbcli train {words}; }}\n"
    script = shim + script.replace("exec tbcli", "tbcli")
    environments = [{**os.environ, variable: str(number)} for number in range(2)]
    started = [
        subprocess.Popen(
            ["bash", "-c", script],
            env=each,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for each in environments
    ]
    try:
        return [each.wait(timeout=120) for each in started]
    finally:
        for each in started:
            with suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()


def two_free_ports() -> int:
    """Return the first of two that nobody listens on, below those that the system gives to anybody."""
    for first in range(21_000 + os.getpid() % 5_000, 32_000, 2):
        with suppress(OSError), socket.create_server(("", first)), socket.create_server(("", first + 1)):
            return first
    raise AssertionError("all ports are taken")


@pytest.mark.slow
@pytest.mark.tf
def test_the_example_for_slurm_trains(tmp_path: Path) -> None:
    first = two_free_ports()
    head, _, inner = code_of("bash").partition("srun --kill-on-bad-exit=1 bash -c '")
    head = head.replace("14000", str(first)).replace("13999", str(first - 1))
    slurm = "scontrol() { echo 127.0.0.1; }\nSLURM_NTASKS_PER_NODE=2\n"
    assert two_at_once(slurm + head + inner.strip().removesuffix("'"), tmp_path, "SLURM_PROCID") == [0, 0]
    assert run_in(tmp_path).record["device"].startswith("2 workers")


@pytest.mark.slow
@pytest.mark.tf
def test_the_example_for_kubernetes_trains(tmp_path: Path) -> None:
    script = code_of("yaml").partition("- |\n")[2]
    for number, port in enumerate(free_ports(2)):
        script = script.replace(f"tbcli-{number}.tbcli:4000", f"127.0.0.1:{port}")
    assert two_at_once(script, tmp_path, "JOB_COMPLETION_INDEX") == [0, 0]
    assert run_in(tmp_path).record["device"].startswith("2 workers")
