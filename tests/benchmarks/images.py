"""A folder of images: memory of trainings on few and on many files, and steps against the same pixels as an array."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.measure import TBCLI

IMAGES = int(os.environ.get("BENCH_IMAGES", "50000"))
FEW = max(5000, IMAGES // 10)  # with fewer, even a batch of the evaluation is not full
STEPS = int(os.environ.get("BENCH_IMAGE_STEPS", "48"))
ROUNDS = int(os.environ.get("BENCH_IMAGE_ROUNDS", "5"))
SIDE, CLASSES = 64, 10
MOST_MB, MOST_RATIO = 50, 1.1


def bench() -> None:
    with tempfile.TemporaryDirectory() as top:
        os.environ["XDG_CACHE_HOME"] = f"{top}/cache"
        few, many = (make_photos(Path(top, f"photos{count}"), count) for count in (FEW, IMAGES))
        _bench_memory(Path(top), few, many)
        _bench_steps(many)


def make_photos(root: Path, count: int) -> Path:
    """Write JPEG files of a few hundred different pictures into a folder per class."""
    rng = np.random.default_rng(0)
    contents = [_photo(rng, number % CLASSES) for number in range(min(count, 50 * CLASSES))]
    for name in range(CLASSES):
        (root / str(name)).mkdir(parents=True)
    for number in range(count):
        (root / str(number % CLASSES) / f"{number}.jpg").write_bytes(contents[number % len(contents)])
    return root


def _photo(rng: np.random.Generator, label: int) -> bytes:
    coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(int)
    pixels[6 * label : 6 * label + 6] //= 3  # what tells the class
    pixels += rng.integers(-6, 7, pixels.shape)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _bench_memory(top: Path, few: Path, many: Path) -> None:
    print(f"\ntbcli train on folders of JPEG files of {SIDE}x{SIDE} (cnn, 1 epoch of {STEPS} steps)")
    print(f"  {'files':>8} {'cache':<24} {'peak RssAnon MB':>16} {'CPU s':>7}")
    peaks = {}
    for way in ("written first", "opened"):
        for place in (few, many):
            peaks[way, place], cpu = _train(top, place)
            print(f"  {_count(place):>8,} {way:<24} {peaks[way, place]:>16.0f} {cpu:>7.1f}", flush=True)
        more = peaks[way, many] - peaks[way, few]
        print(f"  grows by {more:.0f} MB, goal < {MOST_MB}: {'met' if more < MOST_MB else 'MISSED'}")


def _count(place: Path) -> int:
    return int(place.name.removeprefix("photos"))


def _train(top: Path, place: Path) -> tuple[float, float]:
    """Return the largest anonymous memory of a training, in MB, and its CPU seconds."""
    words = ["--epochs", "1", "--steps-per-epoch", str(STEPS), "--cache", "disk", "--workspace", str(top / "work")]
    argv = [*TBCLI, "train", "--data", str(place), *words, "--quiet"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    peak, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, _anonymous(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    done.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)} exited with {process.returncode}")
    return peak, usage.ru_utime + usage.ru_stime


def _anonymous(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), 0.0)


def _bench_steps(place: Path) -> None:
    from dataclasses import replace

    from tbcli.config import DataConfig
    from tbcli.data import load_dataset
    from tbcli.training.steps import run_epochs
    from tests.benchmarks.steps import time_steps

    began = time.process_time()
    dataset = load_dataset(DataConfig(source=str(place), cache="disk"))
    opened = time.process_time() - began
    train = dataset.train
    array = replace(dataset, train=replace(train, inputs=np.array(train.inputs)))
    costs: dict[str, list[tuple[float, float]]] = {"folder": [], "array": []}
    for turn in range(ROUNDS):
        for name in ("folder", "array") if turn % 2 else ("array", "folder"):
            costs[name].append(time_steps(dataset if name == "folder" else array, STEPS, run_epochs, True))
    print(f"\nSteps of 128 of these images after the first epoch, {ROUNDS} pairs of {STEPS} steps")
    print(f"  the folder was opened in {opened:.2f} CPU s")
    for name, found in costs.items():
        cpu, wall = (statistics.median(cost[figure] for cost in found) for figure in (0, 1))
        print(f"  {name:<8} {cpu:>8.2f} CPU ms {wall:>8.2f} ms")
    ratios = [ours[0] / theirs[0] for ours, theirs in zip(costs["folder"], costs["array"], strict=True)]
    verdict = "met" if statistics.median(ratios) <= MOST_RATIO else "MISSED"
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"  CPU {statistics.median(ratios):.3f}x ({spread}), goal <= {MOST_RATIO}: {verdict}")
