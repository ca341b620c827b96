"""What is slow to start and therefore shared: vLLM in a process of its own, and vLLM's server on loopback."""

import multiprocessing
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from humpback_exp.config import EngineConfig
from tests.conftest import ROOT


class Elsewhere:
    """An engine in another process, since vLLM changes torch for the whole process it is loaded into."""

    def __init__(self, config: EngineConfig, path: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, config, path), daemon=True)
        self.process.start()

    def call(self, method: str, *arguments: Any) -> tuple[Any, list[tuple[int, int]]]:
        """What a method returns, and what it told `advance`."""
        self.pipe.send((method, arguments))
        result, counted = self.pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result, counted

    def __getattr__(self, method: str) -> Any:
        return lambda *arguments: self.call(method, *arguments)[0]

    def end(self) -> None:
        self.process.terminate()
        self.process.join()


def serve(pipe: Connection, config: EngineConfig, path: str) -> None:
    from humpback_exp.inference.engine import load_engine

    try:
        engine = load_engine(config, path)
    except ValueError as error:
        return pipe.send((error, []))
    while True:
        method, arguments = pipe.recv()
        pipe.send(counted_call(getattr(engine, method), arguments))


def counted_call(method: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, list[tuple[int, int]]]:
    counted: list[tuple[int, int]] = []
    return method(*arguments, lambda rows, tokens: counted.append((rows, tokens))), counted


@pytest.fixture(scope="session")
def vllm(varied: str) -> Iterator[Elsewhere]:
    engine = Elsewhere(EngineConfig(name="vllm", dtype="float32", cache_gib=0.25, batch_size=3), varied)
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
