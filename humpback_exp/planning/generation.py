"""Memory and time of a model that generates or scores, from the requests it gets."""

import math
from dataclasses import dataclass

from humpback_exp.config import EngineConfig, HardwareConfig
from humpback_exp.planning.machine import GIB, NODE, room
from humpback_exp.planning.model_shape import BYTES, Shape
from humpback_exp.planning.tensor_parallel import WORKING, fewest_gpus


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
    def cached_row(self) -> int:
        """Bytes of keys and values of a row that is as long as it can get."""
        return BYTES[self.engine.dtype] * self.shape.cached_numbers * self.row

    @property
    def working(self) -> int:
        """Activations of one layer while prompts are read, and the last logits of a batch in fp32, twice; vLLM reads in parts."""
        if self.engine.name == "vllm":
            return WORKING
        numbers = max(asked.longest for asked in self.requests) * (
            2 * (self.shape.hidden + self.shape.query + self.shape.intermediate)
        )
        return self.engine.batch_size * (BYTES[self.engine.dtype] * numbers + 8 * self.shape.vocabulary)

    def rows(self, hardware: HardwareConfig) -> int:
        """Rows in flight: a batch, of which vLLM takes as many as there is room for."""
        if self.engine.name != "vllm" or not self.row:
            return self.engine.batch_size
        gpus = self.gpus(hardware) or NODE
        free = gpus * (self.engine.gpu_share * hardware.memory * GIB - self.working) - self.weights
        room_for_cache = free if hardware.accelerator == "gpu" else self.engine.cache_gib * GIB
        return max(1, min(self.engine.batch_size, int(room_for_cache / self.cached_row)))

    def gpus(self, hardware: HardwareConfig) -> int | None:
        """GPUs a copy is spread over: `engine.tensor_parallel`, else the fewest that hold it; None where a node does not."""
        if hardware.accelerator == "gpu" and self.engine.name == "vllm":
            size = self.engine.tensor_parallel
            return size or fewest_gpus(self.engine, [self.shape], NODE, hardware.memory * GIB)
        need = self.weights + self.engine.batch_size * self.cached_row + self.working
        return 1 if need <= room(hardware.memory * GIB, hardware.accelerator, 1) else None

    @property
    def work(self) -> str:
        return f"{sum(asked.count for asked in self.requests):,.0f} prompts"

    @property
    def tokens(self) -> float:
        """Read, and written at most."""
        return sum(asked.count * (asked.prompt + asked.writes) for asked in self.requests)

    @property
    def flops(self) -> float:
        """2 FLOPs a parameter and token."""
        return 2 * self.shape.parameters * self.tokens

    def seconds(self, hardware: HardwareConfig) -> float:
        """Time of one copy on the GPUs it needs.

        Prompts are read at the rate of matrix products. Each token written then reads all weights and the cache once for a
        whole batch, which lasts until its longest row ends; that row is taken to write all it may.
        """
        gpus = self.gpus(hardware) or (NODE if hardware.accelerator == "gpu" else 1)
        width, rows = BYTES[self.engine.dtype], self.rows(hardware)
        flops = gpus * hardware.flops * hardware.utilisation
        bandwidth = gpus * hardware.bandwidth * hardware.bandwidth_utilisation
        seconds = 0.0
        for asked in self.requests:
            seconds += 2 * self.shape.parameters * asked.count * asked.prompt / flops
            cached = width * self.shape.cached_numbers * rows * (asked.prompt + asked.writes / 2)
            step = max((self.weights + cached) / bandwidth, 2 * self.shape.parameters * rows / flops)
            seconds += math.ceil(asked.count / rows) * asked.writes * step
        return seconds
