"""Each finding about a machine in one that is made to have it, and none on a healthy one."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tbcli.config import Config
from tbcli.doctor import browsing, deep, storage
from tbcli.doctor.environment import check_environment
from tbcli.doctor.findings import Finding
from tbcli.doctor.machine import usable_cores
from tbcli.doctor.packages import Packages
from tbcli.doctor.system import System
from tbcli.runs import RunStore
from tbcli.runs.cleaning.trash import Trash
from tests.fakes import make_run

CPU = "model name\t: Some CPU\nflags\t\t: fpu avx avx2 {}\n"
MEMORY = "MemTotal: 16000000 kB\nMemAvailable: {} kB\n"
PACKAGES = {
    "tbcli": ("0.1", ["tensorflow>=2.21", "tensorboard>=2.21", "typer<0.29"], ""),
    "tensorflow": ("2.21.0", ["numpy>=1.26", "keras>=3.12", 'nvidia-cudnn-cu12>=9; extra == "and-cuda"'], ""),
    "keras": ("3.15", [], ""),
    "numpy": ("2.4", [], ""),
    "typer": ("0.28", [], ""),
    "tensorboard": ("2.21.0", [], "[tensorboard_plugins]\nprojector = tensorboard.projector:Plugin\n"),
}


def install(site: Path, name: str, version: str, needs: list[str], points: str = "", python: str = ">=3") -> None:
    """Make a package look installed."""
    place = site / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True, exist_ok=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Requires-Python: {python}"]
    lines += [f"Requires-Dist: {need}" for need in needs]
    (place / "METADATA").write_text("\n".join(lines) + "\n")
    (place / "entry_points.txt").write_text(points)


class Machine:
    """A machine below a directory, healthy until it is changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"HOME": str(root / "home"), "LANG": "C.UTF-8"}
        self.now = time.time()
        self.site = root / "site"
        (root / "home").mkdir(parents=True)
        self.write("/proc/cpuinfo", CPU.format("avx512_bf16"))
        self.write("/proc/meminfo", MEMORY.format(8_000_000))
        for name, (version, needs, points) in PACKAGES.items():
            install(self.site, name, version, needs, points)
        self.write("/site/tensorboard/__init__.py", "")
        self.write("/site/tensorboard/projector.py", "")

    def write(self, inside: str, text: str) -> None:
        path = self.root / inside.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def settings(self, **values: object) -> Config:
        paths = {"paths.workspace": str(self.root / "workspace")}
        return Config().updated({**paths, **{key.replace("__", "."): value for key, value in values.items()}})

    def check(self, config: Config | None = None, event_files: int = 0) -> dict[str, Finding]:
        system = System(self.root, self.environ, self.now, [str(self.site)])
        _, findings = check_environment(config or self.settings(), system, event_files=event_files)
        return {finding.name: finding for finding in findings}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("tbcli.serving.ports.port_holder", lambda port: None)
    return Machine(tmp_path / "machine")


def with_card(machine: Machine) -> None:
    machine.write("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.1  Tue\n")
    machine.write("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA L4\n")
    machine.write("/dev/nvidia0", "")


def with_hidden_card(machine: Machine) -> None:
    with_card(machine)
    machine.environ["CUDA_VISIBLE_DEVICES"] = ""


def with_card_outside(machine: Machine) -> None:
    with_card(machine)
    (machine.root / "dev" / "nvidia0").unlink()


def with_card_for_cpu_package(machine: Machine) -> None:
    with_card(machine)
    install(machine.site, "tensorflow-cpu", "2.21.0", [])


def with_old_tensorboard(machine: Machine) -> None:
    machine.site = machine.root / "old"
    install(machine.site, "tensorboard", "2.20.0", ["setuptools>=41"])
    install(machine.site, "setuptools", "82.0.1", [])


def with_old_tensorflow(machine: Machine) -> None:
    machine.site = machine.root / "old"
    install(machine.site, "tensorflow", "2.14.0", [])
    install(machine.site, "numpy", "2.3.4", [])


def limited(machine: Machine, version: int) -> None:
    if version == 2:
        machine.write("/proc/self/cgroup", "0::/a/b\n")
        machine.write("/sys/fs/cgroup/a/memory.max", "2000000000\n")
        machine.write("/sys/fs/cgroup/a/memory.current", "1900000000\n")
        machine.write("/sys/fs/cgroup/a/memory.stat", "inactive_file 100000000\n")
    else:
        machine.write("/proc/self/cgroup", "4:memory:/a\n")
        machine.write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2000000000\n")
        machine.write("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1900000000\n")


def with_quota(machine: Machine) -> None:
    machine.write("/proc/self/cgroup", "0::/\n")
    machine.write("/sys/fs/cgroup/cpu.max", "50000 100000\n")


def keras(machine: Machine, text: str) -> None:
    machine.write("/home/.keras/keras.json", text)


SICK: dict[str, tuple[Callable[[Machine], object], str]] = {
    "no AVX": (lambda m: m.write("/proc/cpuinfo", "flags : fpu sse\n"), "no-avx"),
    "little memory": (lambda m: m.write("/proc/meminfo", MEMORY.format(500_000)), "memory-low"),
    "a small container": (lambda m: limited(m, 2), "memory-low"),
    "a small container of old": (lambda m: limited(m, 1), "memory-low"),
    "a hidden card": (with_hidden_card, "gpu-hidden"),
    "a card that was not passed in": (with_card_outside, "gpu-not-passed"),
    "a card without CUDA": (with_card, "gpu-without-cuda"),
    "a card for a package without": (with_card_for_cpu_package, "gpu-unused"),
    "an AMD card": (lambda m: m.write("/dev/kfd", ""), "gpu-amd"),
    "a package is missing": (lambda m: install(m.site, "keras", "3.15", ["optree"]), "package-missing"),
    "another Python": (lambda m: install(m.site, "keras", "3.15", [], python="<3"), "python-version"),
    "a package is too new": (lambda m: install(m.site, "keras", "3.15", ["numpy<2"]), "package-version"),
    "pkg_resources": (with_old_tensorboard, "pkg-resources-missing"),
    "NumPy 2": (with_old_tensorflow, "numpy-too-new"),
    "nightly over stable": (lambda m: install(m.site, "tb-nightly", "2.22", []), "packages-overlap"),
    "two TensorFlows": (lambda m: install(m.site, "tensorflow-cpu", "2.21", []), "packages-overlap"),
    "two plugins of one name": (
        lambda m: install(m.site, "other", "1", [], "[tensorboard_plugins]\nprojector = tensorboard.projector:P\n"),
        "plugins-collide",
    ),
    "a plugin that is gone": (
        lambda m: install(m.site, "other", "1", [], "[tensorboard_plugins]\nx = tensorboard.gone:P\n"),
        "plugin-broken",
    ),
    "no server for the platform": (
        lambda m: install(m.site, "tensorboard-data-server", "0.7.2", []),
        "no-fast-reader",
    ),
    "Keras on JAX": (lambda m: keras(m, '{"backend": "jax"}'), "keras-settings"),
    "another epsilon": (lambda m: keras(m, '{"epsilon": 1e-3}'), "keras-settings"),
    "no JSON": (lambda m: keras(m, "{"), "keras-settings-unreadable"),
    "KERAS_BACKEND": (lambda m: m.environ.update(KERAS_BACKEND="torch"), "keras-settings"),
    "legacy Keras": (lambda m: m.environ.update(TF_USE_LEGACY_KERAS="1"), "environment-variable"),
    "no oneDNN": (lambda m: m.environ.update(TF_ENABLE_ONEDNN_OPTS="0"), "environment-variable"),
    "deterministic": (lambda m: m.environ.update(TF_DETERMINISTIC_OPS="1"), "environment-variable"),
    "no home": (lambda m: m.environ.pop("HOME"), "no-home"),
    "a home that is gone": (lambda m: m.environ.update(HOME="/nowhere/at/all"), "no-home"),
    "a clock set back": (lambda m: setattr(m, "now", 1e9), "clock-set-back"),
}


@pytest.mark.parametrize("case", SICK)
def test_each_finding_is_found_where_it_is(case: str, machine: Machine) -> None:
    make, name = SICK[case]
    make(machine)
    found = machine.check()
    assert name in found, found
    assert all([found[name].what, found[name].why, found[name].fix])


def test_a_healthy_machine_has_none(machine: Machine) -> None:
    assert machine.check() == {}
    with_card(machine)
    install(machine.site, "nvidia-cudnn-cu12", "9.3", [])
    keras(machine, '{"backend": "tensorflow", "epsilon": 1e-07, "floatx": "float32"}')
    machine.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    assert machine.check() == {}


def test_cuda_of_the_system_serves_as_well(machine: Machine) -> None:
    with_card(machine)
    machine.write("/usr/local/cuda-12.5/lib64/libcudart.so.12", "")
    machine.write("/usr/local/cuda-12.5/lib64/libcudnn.so.9", "")
    assert machine.check() == {}


@pytest.mark.skipif(usable_cores() < 2, reason="one core")
@pytest.mark.parametrize("make", [with_quota, lambda m: m.environ.update(TF_NUM_INTRAOP_THREADS="1")])
def test_threads_that_do_not_fit_the_cores_are_a_note(make: Callable[[Machine], object], machine: Machine) -> None:
    make(machine)
    (finding,) = machine.check().values()
    assert finding.level == "note"
    assert finding.name in ("cpu-quota", "threads-limited")


def test_bfloat16_is_spoken_of_where_the_settings_ask_for_it(machine: Machine) -> None:
    machine.write("/proc/cpuinfo", CPU.format(""))
    assert machine.check() == {}
    found = machine.check(machine.settings(train__precision="mixed_bfloat16"))
    assert found["bfloat16-emulated"].level == "warning"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"f_bavail": 50_000}, {"disk-almost-full": "warning"}),
        ({"f_bavail": 10}, {"disk-almost-full": "error", "temporary-directory-full": "warning"}),
        ({"f_favail": 100}, {"inodes-almost-used-up": "error"}),
        ({"f_files": 0, "f_favail": 0}, {}),
    ],
)
def test_room_and_inodes(
    facts: dict[str, int], expected: dict[str, str], machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = {
        "f_bavail": 10_000_000,
        "f_frsize": 4096,
        "f_blocks": 20_000_000,
        "f_files": 9_000_000,
        "f_favail": 8_000_000,
    }
    monkeypatch.setattr(storage.os, "statvfs", lambda path: SimpleNamespace(**{**usual, **facts}))
    assert {finding.name: finding.level for finding in machine.check().values()} == expected


def test_a_place_that_cannot_be_written(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.os, "access", lambda path, mode: False)
    assert machine.check()["not-writable"].level == "error"


def test_a_network_file_system_of_another_clock(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    top = next(iter(Path(machine.root).resolve().parents[-1:]))
    machine.write("/proc/self/mountinfo", f"30 1 0:50 / {top} rw shared:1 - nfs4 server:/export rw\n")
    assert machine.check() == {}  # one clock, in truth
    monkeypatch.setattr(storage, "_skew_of", lambda directory: -40.0)
    assert "behind" in machine.check()["filesystem-clock"].what


@pytest.mark.parametrize(("files", "level"), [(10, None), (300, "note"), (5000, "warning")])
def test_open_files(files: int, level: str | None, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 4096))
    found = machine.check(event_files=files)
    assert [finding.level for finding in found.values()] == ([level] if level else [])


def test_who_holds_the_usual_port(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.serving.ports.port_holder", lambda port: "process 7 (python app.py)")
    assert machine.check()["port-taken"].level == "note"
    gone = SimpleNamespace(pid=7, port=6006, places=["/gone"])
    monkeypatch.setattr("tbcli.serving.notes.running_servers", lambda: [gone])
    found = machine.check()
    assert set(found) == {"server-without-logs"}
    assert found["server-without-logs"].fix == "tbcli serve --stop 6006"


def test_the_command_that_leads_here_over_ssh(machine: Machine) -> None:
    machine.environ |= {"SSH_CONNECTION": "10.0.0.9 5000 10.0.0.1 2222", "USER": "me"}
    system = System(machine.root, machine.environ, machine.now, [str(machine.site)])
    facts, _ = browsing.check_browsing(system)
    assert facts["ssh"] == "ssh -N -L 6006:localhost:6006 -p 2222 me@10.0.0.1"
    assert facts["container"] is None
    machine.write("/.dockerenv", "")
    assert "--host 0.0.0.0" in browsing.check_browsing(system)[0]["container"]


def test_a_large_trash_is_a_note(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(machine.root / "workspace")
    assert machine.check() == {}
    Trash(RunStore(machine.settings().paths)).move(run)
    assert machine.check() == {}
    monkeypatch.setattr("tbcli.doctor.workspace._MUCH", 10)
    assert machine.check()["trash-large"].fix == "tbcli clean --purge"


def test_a_trash_that_cannot_be_used_is_a_note(machine: Machine) -> None:
    make_run(machine.root / "workspace")
    machine.write("/workspace/.tbcli-trash", "no directory")
    assert machine.check()["trash-unusable"].level == "note"


@pytest.mark.parametrize("module", ["json.decoder", "json", "os"])
def test_modules_are_found_without_importing_them(module: str) -> None:
    assert Packages().can_find(module)
    assert not Packages().can_find("json.gone")
    assert not Packages().can_find("gone_altogether.plugin")


ANSWERS = {"tensorflow": "2.21.0", "devices": [["CPU", "CPU:0"]], "broken_plugins": {}, "cuda": "12.5"}


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        ({}, []),
        ({"broken_plugins": {"x": "ImportError: no"}}, ["plugin-broken"]),
        ({"operation_failed": "no kernel"}, ["tensorflow-fails"]),
        ({"float32_seconds": 0.001, "bfloat16_seconds": 0.01}, ["bfloat16-slow"]),
    ],
)
def test_what_tensorflow_answered_is_judged(answers: dict[str, object], names: list[str]) -> None:
    found = deep.judge_answers({**ANSWERS, **answers}, has_card=False, wants_bfloat16=True)
    assert [finding.name for finding in found] == names
    unseen = list(deep.judge_answers(dict(ANSWERS), has_card=True))
    assert [finding.name for finding in unseen] == ["gpu-not-seen"]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise ImportError('no such library')", "no such library"),
        ("import os; os.abort()", "signal 6"),
        ("import time; time.sleep(60)", "within"),
    ],
)
def test_a_tensorflow_that_does_not_answer_is_an_error(program: str, said: str) -> None:
    answers, (finding,) = deep.ask_tensorflow(program, seconds=0.1 if "sleep" in program else 30.0)
    assert answers is None
    assert (finding.level, finding.name) == ("error", "tensorflow-fails")
    assert said in finding.what
