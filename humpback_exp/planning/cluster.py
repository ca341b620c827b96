"""The smallest cluster of 8-GPU nodes that carries a training run under ZeRO-3."""

from dataclasses import replace

from humpback_exp.config import TrainConfig
from humpback_exp.planning.machine import GIB, USABLE
from humpback_exp.planning.memory import BATCH, training_memory

GPU_GIB = 80
"""The GPU that suggestions are made for."""


def smallest(config: TrainConfig, memory: float, batch: int) -> int | None:
    """Nodes of eight GPUs of `memory` bytes; None where even one example a rank is too much.

    ZeRO-3 without offload, unless that is what the config asks for. All ranks must share a step's `batch` equally.
    """
    nodes = 1
    while batch % (8 * nodes) == 0:
        if training_memory(on_nodes(config, nodes, batch)).peak <= USABLE * memory:
            return nodes
        nodes *= 2
    return None


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
        return f"GPUs with more than {GPU_GIB} GB (a step's {batch} examples cannot be split further)"
    return f"{nodes} node(s) of 8 x {GPU_GIB} GB ({in_words(nodes)})"


def in_words(nodes: int) -> str:
    """What to say on the command line for so many nodes."""
    return f"trainer=zero3 trainer.nodes={nodes} trainer.micro_batch=1"
