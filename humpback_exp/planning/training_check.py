"""The refusal of a training run that this machine cannot carry, and the smallest cluster of 8-GPU nodes that can."""

from dataclasses import replace

from humpback_exp.config import TrainConfig
from humpback_exp.planning import machine
from humpback_exp.planning.machine import GIB, GPU_GIB, USABLE, gib
from humpback_exp.planning.memory import BATCH, training_memory
from humpback_exp.planning.model_shape import shape_of

NODES = 64
"""The largest cluster that is suggested."""


def check_training(config: TrainConfig) -> None:
    """Raise the ValueError that says what a run needs, what is there and what to do, if this machine cannot carry it."""
    shape = shape_of(config.model)
    if shape.layers == 0:
        return
    need = training_memory(config).peak
    kind = "LoRA" if config.adapter.kind == "lora" else "full"
    run = f"{config.model.path} ({shape.parameters / 1e9:.2f} billion parameters, {kind} fine-tuning, {config.trainer.strategy})"
    if config.trainer.accelerator == "cpu":
        _check_host(config, run, need * config.trainer.devices)
    else:
        _check_gpus(config, run, need)


def _check_host(config: TrainConfig, run: str, need: int) -> None:
    there = machine.host_memory()
    if need > there:
        raise ValueError(
            f"model.path={run}: needs {gib(need)} of main memory, {gib(there)} are free; "
            f"use {_smaller_pass(config, there)}{suggestion(config)}, a smaller model= or adapter=lora"
        )


def _smaller_pass(config: TrainConfig, there: int) -> str:
    """The most tokens a forward pass with which the run fits into `there` bytes, with a comma; empty where none do."""
    tokens = config.trainer.micro_tokens // 2
    while tokens >= config.data.max_length:
        trainer = replace(config.trainer, micro_batch=None, micro_tokens=tokens)
        if training_memory(replace(config, trainer=trainer)).peak * trainer.devices <= there:
            freed = "trainer.micro_batch=null " if config.trainer.micro_batch else ""
            return f"{freed}trainer.micro_tokens={tokens}, "
        tokens //= 2
    return ""


def _check_gpus(config: TrainConfig, run: str, need: int) -> None:
    gpus, trainer = machine.gpu_memories(), config.trainer
    if min(len(gpus), len(machine.visible_gpus())) >= trainer.devices and need <= USABLE * min(gpus):
        return
    here = "trainer=cpu" if need < machine.host_memory() / 2 else "model=smollm2 adapter=lora trainer=cpu"
    has = f"{len(gpus)} x {gib(min(gpus))}" if gpus else "no GPU"
    raise ValueError(
        f"model.path={run}: needs {trainer.devices} GPUs of {gib(need / USABLE)} on each of {trainer.nodes} node(s), "
        f"this machine has {has}; use {suggestion(config)}, or on this machine {here}"
    )


def smallest(config: TrainConfig, memory: float, batch: int) -> int | None:
    """Nodes of eight GPUs of `memory` bytes, at most `NODES`; None where even one example a rank is too much.

    ZeRO-3 without offload, unless that is what the config asks for.
    """
    counts = (1 << power for power in range(NODES.bit_length()))
    fits = (n for n in counts if training_memory(on_nodes(config, n, batch)).peak <= USABLE * memory)
    return next(fits, None)


def on_nodes(config: TrainConfig, nodes: int, batch: int) -> TrainConfig:
    """The same run on so many nodes of eight GPUs, one example a forward pass."""
    strategy = "zero3_offload" if config.trainer.strategy == "zero3_offload" else "zero3"
    trainer = replace(
        config.trainer,
        accelerator="gpu",
        devices=8,
        nodes=nodes,
        strategy=strategy,
        micro_batch=1,
        gradient_checkpointing=True,
    )
    return replace(config, trainer=trainer, optim=replace(config.optim, batch_size=batch))


def suggestion(config: TrainConfig) -> str:
    """The smallest cluster of 80 GB GPUs, in the words of the command line."""
    batch = config.optim.batch_size or BATCH
    nodes = smallest(config, GPU_GIB * GIB, batch)
    if nodes is None:
        return f"GPUs with more than {GPU_GIB} GB ({NODES} nodes of them are not enough)"
    return f"{nodes} node(s) of 8 x {GPU_GIB} GB ({in_words(nodes)})"


def in_words(nodes: int) -> str:
    """What to say on the command line for so many nodes."""
    return f"trainer=zero3 trainer.nodes={nodes} trainer.micro_batch=1"
