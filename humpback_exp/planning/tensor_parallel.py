"""Which models a stage holds at a time, and over how many GPUs a copy of each is spread."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from humpback_exp.config import (
    BulkConfig,
    EngineConfig,
    EvaluateConfig,
    ExecutorConfig,
    RatingConfig,
    StageConfig,
    input_paths,
)
from humpback_exp.planning import machine
from humpback_exp.planning.machine import GIB, GPU_GIB, NODE, USABLE
from humpback_exp.planning.model_shape import BYTES, Shape, shape_at

WORKING = 2 * GIB
"""Of a GPU, beside weights and cache, while a batch is read (ours)."""


def models_of(stage: StageConfig) -> dict[str, str]:
    """Key -> path of every model that the stage holds in memory at a time; none where it asks no engine."""
    paths = {
        key: path for key, path in input_paths(stage).items() if key in ("model_path", "backward_path", "base_path")
    }
    if isinstance(stage, RatingConfig) and stage.scorers_used == {"likelihood"} and stage.likelihood == "backward":
        paths.pop("model_path", None)
    if isinstance(stage, EvaluateConfig) and stage.reference and stage.judge.path and "judge" in stage.measurements:
        same = (stage.judge.path, stage.judge.template) == (stage.model_path, stage.template)
        same = same or stage.judge.engine is not None  # which runs it beside
        paths |= {} if same else {"judge.path": stage.judge.path}
    return paths


def shared_engine(stage: Any) -> EngineConfig:
    """The engine of each model of a stage: vLLM sets its memory aside, so models that are there at a time share it."""
    engine: EngineConfig = stage.engine
    return replace(engine, gpu_share=engine.gpu_share / len(models_of(stage)))


def with_tensor_parallel(stage: StageConfig) -> StageConfig:
    """The stage with the fewest GPUs a copy of its model fits on, where `engine.tensor_parallel` leaves it to the planner."""
    engine = getattr(stage, "engine", None)
    if not isinstance(engine, EngineConfig) or engine.tensor_parallel is not None:
        return stage
    shapes = [shape for path in models_of(stage).values() if (shape := shape_at(path, {}))]
    size = fewest_gpus(engine, shapes, *gpus_for(stage)) if shapes and engine.device == "cuda" else 1
    return replace(stage, engine=replace(engine, tensor_parallel=size or 1))  # type: ignore[call-arg]


def fewest_gpus(engine: EngineConfig, shapes: Collection[Shape], count: int, memory: float) -> int | None:
    """GPUs that one copy of each model is spread over, at most `count` of `memory` bytes; None where it does not fit.

    The fewest on which weights leave half of the memory to the cache, so that many rows are in flight; all where none do.
    """
    fitting = [size for size in splits(count) if fits(engine, shapes, size, memory)]
    half = engine.gpu_share / len(shapes) * memory / 2
    roomy = (n for n in fitting if all(BYTES[engine.dtype] * shape.parameters / n <= half for shape in shapes))
    return next(roomy, fitting[-1] if fitting else None)


def splits(count: int) -> list[int]:
    """The sizes of tensor parallelism that are tried: powers of two within a node."""
    return [size for size in (1, 2, 4, NODE) if size <= count]


def fits(engine: EngineConfig, shapes: Collection[Shape], size: int, memory: float) -> bool:
    """Whether `size` GPUs divide the heads of every model, and hold its weights and the cache of one row of full length.

    Models beside each other share a GPU equally.
    """
    share = (engine.gpu_share if engine.name == "vllm" else USABLE) / len(shapes)
    return all(shape.splits(size) and needed(engine, shape) / size + WORKING <= share * memory for shape in shapes)


def needed(engine: EngineConfig, shape: Shape) -> int:
    """Bytes of a model's weights and of the cache of one row of full length."""
    row = shape.cached_numbers * (engine.context or shape.context)
    return BYTES[engine.dtype] * (shape.parameters + row)


def gpus_for(stage: StageConfig) -> tuple[int, float]:
    """How many GPUs an engine of the stage may take, and the memory of the smallest; a cluster's are taken for 80 GB."""
    executor = stage.executor if isinstance(stage, BulkConfig) else ExecutorConfig()
    there = machine.gpu_memories()
    if executor.name != "local" or not there:
        return executor.gpus or NODE, GPU_GIB * GIB
    return executor.gpus or len(machine.visible_gpus()), min(there)
