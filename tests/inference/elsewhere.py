"""An engine in a process of its own."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from humpback_exp.config import EngineConfig


class Elsewhere:
    """Calls an engine there, since vLLM changes torch for the whole process it is loaded into."""

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
    from humpback_exp.inference.load import load_engine

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
