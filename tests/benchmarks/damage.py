"""Damaged event files: of 100 points in the file, how many each reader returns, and what ours says.

Each peer has a process of its own for each file; the Rust data server is asked once a file has had half a second.
"""

from __future__ import annotations

import importlib.util
import signal
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tbcli.readers import read_scalars
from tbcli.readers.records.crc import checksum, masked
from tests.benchmarks import corpus
from tests.benchmarks.measure import PYTHON

POINTS = 100
Change = Callable[[bytearray, list[int]], object]
PEERS = {
    "EventAccumulator": """
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
reader = EventAccumulator(place, size_guidance={"scalars": 0, "tensors": 0}); reader.Reload()
tags = reader.Tags()
count = sum(len(reader.Tensors(tag)) for tag in tags["tensors"]) + sum(len(reader.Scalars(t)) for t in tags["scalars"])
""",
    "tbparse": """
from tbparse import SummaryReader
count = len(SummaryReader(place, event_types={"tensors"}).tensors)
""",
    "Rust server": """
import subprocess, tempfile, time, grpc, tensorboard_data_server
from pathlib import Path
from tensorboard.data.proto import data_provider_pb2 as messages, data_provider_pb2_grpc
port = Path(tempfile.mkdtemp()) / "port"
server = subprocess.Popen([tensorboard_data_server.server_binary(), f"--logdir={place}", "--reload=once", "--port=0",
    "--host=127.0.0.1", f"--port-file={port}", "--samples-per-plugin=scalars=all"], stderr=subprocess.DEVNULL)
try:
    time.sleep(0.5)
    channel = grpc.insecure_channel(f"127.0.0.1:{port.read_text().strip()}", [("grpc.enable_http_proxy", 0)])
    stub = data_provider_pb2_grpc.TensorBoardDataProviderStub(channel)
    answer = stub.ReadScalars(messages.ReadScalarsRequest(plugin_filter=messages.PluginFilter(plugin_name="scalars"),
        downsample=messages.Downsample(num_points=1000)))
    count = sum(len(tag.data.value) for run in answer.runs for tag in run.tags)
finally:
    server.terminate(); server.wait()
""",
}
EACH = """
import sys, logging
logging.disable(logging.CRITICAL)
place = sys.argv[1]
try:
{body}
    print("=", count)
except BaseException as error:
    print("=", type(error).__name__)
"""


def bench() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        cases = {name: Path(place, str(number)) for number, name in enumerate(CASES)}
        for name, directory in cases.items():
            _write(directory, CASES[name])
        table = {
            peer: [_ask(body, directory) for directory in cases.values()]
            for peer, body in PEERS.items()
            if _is_there(peer)
        }
        print(f"\ndamage: points returned of {POINTS}; every reader skips checksums where it does by default")
        print(f"  {'':<26} {'tbcli':>6} " + " ".join(f"{peer:>17}" for peer in table) + "  what tbcli says")
        for row, (name, directory) in enumerate(cases.items()):
            scalars = read_scalars(directory, cache=False)
            said = "; ".join(incident.kind for incident in scalars.damage) or "-"
            print(
                f"  {name:<26} {len(scalars):>6} " + " ".join(f"{table[peer][row]:>17}" for peer in table) + f"  {said}"
            )


def _write(directory: Path, change: Change) -> None:
    values = [corpus.scalar_record("x", step, float(step)) for step in range(POINTS)]
    path = corpus.write_file(directory, b"".join(values))
    content = bytearray(path.read_bytes())
    start = len(content) - sum(map(len, values))
    change(content, (start + np.cumsum([0, *map(len, values)])).tolist())
    path.write_bytes(content)


def _ask(body: str, place: Path) -> str:
    """Return what a peer makes of one file, in a process of its own: on some it ends by a signal."""
    indented = "\n".join("    " + line for line in body.strip().splitlines())
    argv = [PYTHON, "-c", EACH.format(body=indented), str(place)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return signal.Signals(-done.returncode).name
    return done.stdout.rpartition("= ")[2].strip()


def _is_there(peer: str) -> bool:
    return peer != "tbparse" or importlib.util.find_spec("tbparse") is not None


def _cut(count: int) -> Change:
    return lambda content, offsets: content.__delitem__(slice(offsets[-2] + count, None))


def _flip(place: int) -> Change:
    return lambda content, offsets: content.__setitem__(offsets[50] + place, content[offsets[50] + place] ^ 0x10)


def _huge(content: bytearray, offsets: list[int]) -> None:
    length = struct.pack("<Q", 1 << 40)
    content[offsets[50] : offsets[50] + 12] = length + struct.pack("<I", masked(checksum(length)))


def _malformed(content: bytearray, offsets: list[int]) -> None:
    content[offsets[50] : offsets[51]] = corpus.framed(b"\xff" * (offsets[51] - offsets[50] - 16))


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
}
