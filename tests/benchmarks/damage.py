"""Damaged event files: of 100 points in the file, how many each reader returns, and what ours says.

Each reader has a process of its own for each file; the Rust data server is asked when it has had a moment to load.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tbcli.events.crc import checksum, masked
from tests.benchmarks import corpus
from tests.benchmarks.measure import PYTHON

POINTS = 100
Change = Callable[[bytearray, list[int]], object]
# Each opens a log directory, `place`, and defines `read`, which returns the number of points; `close` is called last.
PEERS = {
    "EventAccumulator": """
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
reader = EventAccumulator(place, size_guidance={"scalars": 0, "tensors": 0})
def read():
    reader.Reload()
    tags = reader.Tags()
    return sum(len(reader.Tensors(t)) for t in tags["tensors"]) + sum(len(reader.Scalars(t)) for t in tags["scalars"])
""",
    "tbparse": """
from tbparse import SummaryReader
def read():
    return len(SummaryReader(place, event_types={"tensors"}).tensors)
""",
    "Rust server": """
import subprocess, tempfile, time, grpc, tensorboard_data_server
from pathlib import Path
from tensorboard.data.proto import data_provider_pb2 as messages, data_provider_pb2_grpc
port = Path(tempfile.mkdtemp()) / "port"
server = subprocess.Popen([tensorboard_data_server.server_binary(), f"--logdir={place}", "--reload=1", "--port=0",
    "--host=127.0.0.1", f"--port-file={port}", "--samples-per-plugin=scalars=all"], stderr=subprocess.DEVNULL)
def close():
    server.terminate()
    server.wait()
def read():
    time.sleep(1.5)
    channel = grpc.insecure_channel(f"127.0.0.1:{port.read_text().strip()}", [("grpc.enable_http_proxy", 0)])
    stub = data_provider_pb2_grpc.TensorBoardDataProviderStub(channel)
    answer = stub.ReadScalars(messages.ReadScalarsRequest(plugin_filter=messages.PluginFilter(plugin_name="scalars"),
        downsample=messages.Downsample(num_points=1000)))
    return sum(len(tag.data.value) for run in answer.runs for tag in run.tags)
""",
}
OURS = """
from tbcli.readers import read_scalars
def read():
    global said
    scalars = read_scalars(place)
    said = "; ".join(incident.kind for incident in scalars.damage) or "-"
    return len(scalars)
def close():
    print("+", said)
"""
EACH = """
import sys, logging
from pathlib import Path
logging.disable(logging.CRITICAL)
place, rest = sys.argv[1], Path(sys.argv[1], "rest")
close = lambda: None
try:
{body}
    count = read()
    if rest.exists():  # what is written while the reader is open
        with next(Path(place).glob("*tfevents*")).open("ab") as file:
            file.write(rest.read_bytes())
        count = str(count) + ", then " + str(read())
    print("=", count)
except BaseException as error:
    print("=", type(error).__name__)
finally:
    close()
"""


def bench() -> None:
    """Print the table."""
    peers = {"tbcli": OURS, **PEERS}
    if importlib.util.find_spec("tbparse") is None:
        del peers["tbparse"]
        print("\ndamage: tbparse is not installed and left out (`pip install tbparse`)")
    print(f"\ndamage: points returned of {POINTS}; each reader proves the checksums that it proves by default")
    print(f"  {'':<26} " + " ".join(f"{peer:>17}" for peer in peers) + "  what tbcli says")
    with tempfile.TemporaryDirectory() as place:
        for number, (name, change) in enumerate(CASES.items()):
            answers = {}
            for peer, body in peers.items():
                directory = Path(place, str(number), peer)
                _write(directory, change)
                answers[peer] = _ask(body, directory)
            counts = " ".join(f"{count:>17}" for count, _ in answers.values())
            print(f"  {name:<26} {counts}  {answers['tbcli'][1]}", flush=True)


def _write(directory: Path, change: Change) -> None:
    values = [corpus.scalar_record("x", step, float(step)) for step in range(POINTS)]
    path = corpus.write_file(directory, b"".join(values))
    content = bytearray(path.read_bytes())
    start = len(content) - sum(map(len, values))
    whole = bytes(content)
    change(content, (start + np.cumsum([0, *map(len, values)])).tolist())
    path.write_bytes(content)
    if change is GROWING:
        (directory / "rest").write_bytes(whole[len(content) :])


def _ask(body: str, place: Path) -> tuple[str, str]:
    """Return what a reader makes of one file, and what it says, in a process of its own: some end by a signal."""
    indented = "\n".join("    " + line for line in body.strip().splitlines())
    argv = [PYTHON, "-c", EACH.format(body=indented), str(place)]
    env = {**os.environ, "XDG_CACHE_HOME": f"{place}.cache"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    if done.returncode < 0:
        return signal.Signals(-done.returncode).name, ""
    answers = {line[0]: line[2:] for line in done.stdout.splitlines() if line[:2] in ("= ", "+ ")}
    return answers.get("=", "?"), answers.get("+", "")


def _cut(count: int) -> Change:
    return lambda content, offsets: content.__delitem__(slice(offsets[-2] + count, None))


def _flip(place: int) -> Change:
    return lambda content, offsets: content.__setitem__(offsets[50] + place, content[offsets[50] + place] ^ 0x10)


def _huge(content: bytearray, offsets: list[int]) -> None:
    length = struct.pack("<Q", 1 << 40)
    content[offsets[50] : offsets[50] + 12] = length + struct.pack("<I", masked(checksum(length)))


def _malformed(content: bytearray, offsets: list[int]) -> None:
    content[offsets[50] : offsets[51]] = corpus.framed(b"\xff" * (offsets[51] - offsets[50] - 16))


def _grow(content: bytearray, offsets: list[int]) -> None:
    del content[offsets[60] + 30 :]


GROWING: Change = _grow
CASES: dict[str, Change] = {
    "whole": lambda content, offsets: None,
    "torn header": _cut(7),
    "torn payload": _cut(30),
    "flipped byte of a value": _flip(12 + 33),
    "flipped byte of a time": _flip(12 + 3),
    "flipped byte of a tag": _flip(12 + 18),
    "flipped length": _flip(0),
    "huge length": _huge,
    "no event, right checksum": _malformed,
    "zeros at the end": lambda content, offsets: content.extend(bytes(4096)),
    "garbage at the end": lambda content, offsets: content.extend(np.random.default_rng(0).bytes(4096)),
    "garbage": lambda content, offsets: content.__setitem__(slice(None), np.random.default_rng(0).bytes(4096)),
    "empty": lambda content, offsets: content.clear(),
    "growing, read twice": GROWING,
}
