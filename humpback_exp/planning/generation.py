"""Memory and time of a model that generates or scores, from the requests it gets."""

import math
from dataclasses import dataclass

from humpback_exp.config import EngineConfig, HardwareConfig
from humpback_exp.planning.machine import GIB, room
from humpback_exp.planning.shapes import BYTES, Shape

NODE = 8
"""GPUs of a node; a copy of a model does not span nodes."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Prompts of one kind: how many, their tokens on average and at most, and the tokens each may write (0: only read)."""

    count: float
    prompt: float
    longest: int
    writes: int


@dataclass(frozen=True, slots=True)
class Generation:
    """One stage's requests to one copy of a model."""

    name: str
    shape: Shape
    engine: EngineConfig
    requests: tuple[Requests, ...]

    @property
    def weights(self) -> int:
        return BYTES[self.engine.dtype] * self.shape.parameters

    @property
    def row(self) -> int:
        """Tokens of the longest row that is cached; 0 where all is only read."""
        return max((asked.longest + asked.writes for asked in self.requests if asked.writes), default=0)

    @property
    def cache(self) -> int:
        """Keys and values of a batch whose rows are all as long as they can get."""
        return BYTES[self.engine.dtype] * self.shape.cached_numbers * self.engine.batch_size * self.row

    @property
    def working(self) -> int:
        """Activations of one layer while a batch of the longest prompts is read, and its last logits in fp32, twice."""
        numbers = max(asked.longest for asked in self.requests) * (4 * self.shape.hidden + 2 * self.shape.intermediate)
        return self.engine.batch_size * (BYTES[self.engine.dtype] * numbers + 8 * self.shape.vocabulary)

    def gpus(self, hardware: HardwareConfig) -> int | None:
        """GPUs a copy needs, a power of two; None where a node, or the machine, does not hold it."""
        need = (self.weights + self.cache + self.working) / room(hardware.memory * GIB, hardware.accelerator, 1)
        return next(
            (gpus for gpus in (1, 2, 4, NODE) if need <= gpus and (gpus == 1 or hardware.accelerator == "gpu")), None
        )

    @property
    def work(self) -> str:
        return f"{sum(asked.count for asked in self.requests):,.0f} prompts"

    @property
    def tokens(self) -> float:
        """Read, and written at most."""
        return sum(asked.count * (asked.prompt + asked.writes) for asked in self.requests)

    def seconds(self, hardware: HardwareConfig) -> float:
        """Time of one copy on the GPUs it needs.

        Prompts are read at the rate of matrix products. Each token written then reads all weights and the cache once for a
        whole batch, which lasts until its longest row ends; that row is taken to write all it may.
        """
        gpus = self.gpus(hardware) or (NODE if hardware.accelerator == "gpu" else 1)
        width, rows = BYTES[self.engine.dtype], self.engine.batch_size
        flops = gpus * hardware.flops * hardware.utilisation
        bandwidth = gpus * hardware.bandwidth * hardware.bandwidth_utilisation
        seconds = 0.0
        for asked in self.requests:
            seconds += 2 * self.shape.parameters * asked.count * asked.prompt / flops
            cached = width * self.shape.cached_numbers * rows * (asked.prompt + asked.writes / 2)
            step = max((self.weights + cached) / bandwidth, 2 * self.shape.parameters * rows / flops)
            seconds += math.ceil(asked.count / rows) * asked.writes * step
        return seconds
