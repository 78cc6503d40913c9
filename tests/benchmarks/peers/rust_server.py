"""``rust_server.py LOGDIR POINTS LAST_STEP SERIES``: all scalars from TensorBoard's Rust data server, over gRPC."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc
import tensorboard_data_server
from tensorboard.data.proto import data_provider_pb2 as messages
from tensorboard.data.proto import data_provider_pb2_grpc

logdir, expected, last_step, series = sys.argv[1], *map(int, sys.argv[2:])
with tempfile.TemporaryDirectory() as place:
    port = Path(place, "port")
    server = subprocess.Popen(
        [
            tensorboard_data_server.server_binary(),
            f"--logdir={logdir}",
            "--reload=once",
            "--host=127.0.0.1",
            "--port=0",
            f"--port-file={port}",
            "--samples-per-plugin=scalars=all",
        ]
    )
    try:
        while not (port.exists() and port.read_text().endswith("\n")):
            time.sleep(0.01)
        options = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
        channel = grpc.insecure_channel(f"127.0.0.1:{port.read_text().strip()}", options)
        stub = data_provider_pb2_grpc.TensorBoardDataProviderStub(channel)
        plugin = messages.PluginFilter(plugin_name="scalars")
        deadline = time.monotonic() + 300
        while True:  # asked seldom, so that asking costs little
            assert time.monotonic() < deadline, "not all was loaded in time"
            listed = stub.ListScalars(messages.ListScalarsRequest(plugin_filter=plugin))
            metadata = [tag.metadata for run in listed.runs for tag in run.tags]
            if len(metadata) == series and all(one.max_step == last_step for one in metadata):
                break
            time.sleep(0.2)
        answer = stub.ReadScalars(
            messages.ReadScalarsRequest(plugin_filter=plugin, downsample=messages.Downsample(num_points=1 << 30))
        )
        found = sum(len(tag.data.value) for run in answer.runs for tag in run.tags)
        assert found == expected, (found, expected)
    finally:
        server.terminate()
        server.wait()
