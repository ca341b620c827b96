"""The refusal of a training run that this machine cannot carry, before anything is loaded."""

from humpback_exp.config import TrainConfig
from humpback_exp.planning import machine
from humpback_exp.planning.cluster import suggestion
from humpback_exp.planning.machine import GIB, USABLE
from humpback_exp.planning.memory import training_memory
from humpback_exp.planning.shapes import shape_of


def check(config: TrainConfig) -> None:
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
            f"use {suggestion(config)}, a smaller model= or adapter=lora"
        )


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


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"
