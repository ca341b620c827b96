"""Memory of one rank in training, by part. Checked against measured peaks: docs/planner.md."""

from dataclasses import dataclass

from humpback_exp.config import TrainConfig
from humpback_exp.planning.shapes import BYTES, Shape, shape_of

BUCKET = 500_000_000
"""Gradients, in numbers, that DeepSpeed collects before it sums them over the ranks (reduce_bucket_size)."""
LIVE = 1_050_000_000
"""Parameters that DeepSpeed gathers at most (stage3_max_live_parameters and the prefetch bucket)."""
SUB_GROUP = 1_000_000_000
"""Parameters of a rank that DeepSpeed's optimiser step takes at a time (sub_group_size)."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one rank. Weights to buckets stay for the whole run; the rest belongs to one phase of a step."""

    weights: int
    gradients: int
    optimiser: int
    """Adam's two moments, and the fp32 master weights where weights are kept otherwise."""
    buckets: int
    """Gradients on their way to the sum over the ranks."""
    gathered: int
    """Layers that ZeRO-3 brings together for a moment."""
    activations: int
    logits: int
    update: int
    """What the end of a step needs: copies of the last bucket, and the optimiser's scratch."""
    load: int
    """The peak before the first step."""
    resume: int
    """The peak while a checkpoint is read."""

    @property
    def resident(self) -> int:
        return self.weights + self.gradients + self.optimiser + self.buckets

    @property
    def peak(self) -> int:
        """The largest need within a step: in the backward pass or in the update."""
        return self.resident + max(self.gathered + self.activations + self.logits, self.update)


def training_memory(config: TrainConfig) -> Memory:
    """Memory of a rank whose micro-batch holds `trainer.micro_batch` examples of `data.max_length` tokens, all labelled.

    Sources of the formulas: 16 bytes a trained parameter (ZeRO, arXiv 1910.02054), the buffers of DeepSpeed 0.19's
    stage3.py, and the tensors that autograd keeps of a Llama layer.
    """
    shape = shape_of(config.model)
    tokens = config.trainer.micro_batch * config.data.max_length
    held = activations(shape, config, tokens), logits(shape, tokens)
    if config.trainer.strategy.startswith("zero3"):
        return _partitioned(config, shape, *held)
    return _whole(config, shape, *held)


def _whole(config: TrainConfig, shape: Shape, activations: int, logits: int) -> Memory:
    """One process, or DDP, which copies every gradient into its buckets."""
    trained = shape.trained(config.adapter)
    frozen = 0 if config.adapter.kind == "none" else shape.parameters
    largest = max(shape.embedding, shape.hidden * shape.intermediate) if not frozen else 0
    return Memory(
        weights=BYTES[config.model.dtype] * frozen + 4 * trained,
        gradients=4 * trained,
        optimiser=8 * trained,
        buckets=4 * trained if config.trainer.strategy == "ddp" else 0,
        gathered=0,
        activations=activations,
        logits=logits,
        update=4 * trained if config.trainer.accelerator == "gpu" else 8 * largest,
        load=0,
        resume=0,
    )


def _partitioned(config: TrainConfig, shape: Shape, activations: int, logits: int) -> Memory:
    """ZeRO-3: everything is split over the ranks; gradients are summed in buckets; a step goes by sub-groups."""
    trainer, trained = config.trainer, shape.trained(config.adapter)
    ranks, on_gpu = trainer.devices * trainer.nodes, trainer.accelerator == "gpu"
    frozen = 0 if config.adapter.kind == "none" else shape.parameters
    width = BYTES[trainer.precision]
    bucket = width * (BUCKET if on_gpu else min(trained, BUCKET))
    copies = 1 if on_gpu else 2  # gloo sums into a copy of its own
    flushed = trained > BUCKET
    offloaded = trainer.strategy == "zero3_offload"
    scratch = 0 if offloaded else (8 if on_gpu else 12) * min(trained // ranks, SUB_GROUP)
    return Memory(
        weights=width * (trained + frozen) // ranks,
        gradients=width * trained // ranks,
        optimiser=0 if offloaded else 12 * trained // ranks,
        buckets=bucket * (1 + copies if flushed else 1),
        gathered=width * min(shape.parameters, LIVE),
        activations=activations,
        logits=logits,
        update=max(0 if flushed else copies * bucket, scratch),
        load=0,
        resume=0,
    )


def activations(shape: Shape, config: TrainConfig, tokens: int) -> int:
    """What autograd keeps of a micro-batch: every layer, or one layer and the inputs of the others.

    A layer keeps its input, two norms with their fp32 inside, queries, keys, values, the attention's output, four numbers
    an intermediate unit and the dropout masks.
    """
    h, i, kv = shape.hidden, shape.intermediate, shape.kv
    width = BYTES[config.trainer.precision]
    layer = tokens * width * (11 * h + 2 * kv + 4 * i + (2 * h if config.model.dropout else 0))
    if config.trainer.gradient_checkpointing:
        return shape.layers * tokens * h * width + layer
    return shape.layers * layer


def logits(shape: Shape, tokens: int) -> int:
    """Logits, their fp32 copy and its softmax."""
    return tokens * shape.vocabulary * 12
