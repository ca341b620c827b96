"""What is slow to start and therefore shared: vLLM in a process of its own, and vLLM's server on loopback."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from humpback_exp.config import EngineConfig
from tests.conftest import ROOT
from tests.inference.elsewhere import Elsewhere


@pytest.fixture(scope="session")
def vllm(varied: str) -> Iterator[Elsewhere]:
    engine = Elsewhere(EngineConfig(name="vllm", dtype="float32", cache_gib=0.25, batch_size=16), varied)
    yield engine
    engine.end()


@pytest.fixture(scope="session")
def server(varied: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of vLLM's server with the varied model, served by the name `varied`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", varied, "--served-model-name", "varied",
        "--dtype", "float32", "--enforce-eager", "--host", "127.0.0.1", "--port", port, "--kv-cache-memory-bytes", 2**28,
    ]  # fmt: skip
    environment = os.environ | {"VLLM_NO_USAGE_STATS": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    with log.open("w") as file:
        process = subprocess.Popen(
            [*map(str, command)], cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.3)
