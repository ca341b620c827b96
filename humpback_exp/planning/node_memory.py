"""Main memory of a node in training, over all its ranks. Checked against measured peaks: docs/planner.md."""

from dataclasses import dataclass

from humpback_exp.config import TrainConfig
from humpback_exp.planning.model_shape import BYTES, shape_of

SHARD = 2 << 30
"""A shard of the export before it is written (modeling/export/write.py)."""


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """Bytes of main memory of one node, over all its ranks; the page cache of files that are read is not counted."""

    load: int
    training: int
    resume: int
    export: int


def node_memory(config: TrainConfig) -> NodeMemory:
    """What a node with GPUs needs.

    Under ZeRO-3 a weight file is mapped, its first rank deals out each tensor in turn, and DeepSpeed lays every rank's part
    in order through main memory. Otherwise every rank loads the whole model and then moves it. On resuming, each rank reads
    its checkpoint to the host first.
    """
    shape, trainer = shape_of(config.model), config.trainer
    trained, count = shape.trained(config.adapter), shape.parameters
    largest = 4 * max(shape.embedding, shape.hidden * shape.intermediate)
    if trainer.strategy.startswith("zero3"):
        load, states = BYTES[trainer.precision] * count // trainer.nodes, 12 * trained // trainer.nodes
    else:
        load, states = BYTES[config.model.dtype] * count * trainer.devices, 12 * trained * trainer.devices
    training = 16 * trained // trainer.nodes if trainer.strategy == "zero3_offload" else 0
    return NodeMemory(
        load=load + training, training=training, resume=states + training, export=SHARD + largest + training
    )
