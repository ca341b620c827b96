"""Memory of one rank in training, by part. Checked against measured peaks: docs/planner.md."""

from dataclasses import dataclass, replace

from humpback_exp.config import TrainConfig
from humpback_exp.planning.activations import Pass
from humpback_exp.planning.model_shape import BYTES, Shape, shape_of

BATCH = 32
"""Examples of a step where the config names none: the paper's from 3,000 examples on (section 8)."""
BUCKET = 500_000_000
"""Gradients, in numbers, that DeepSpeed collects before it sums them over the ranks (reduce_bucket_size)."""
LIVE = 1_050_000_000
"""Parameters that DeepSpeed gathers at most (stage3_max_live_parameters and the prefetch bucket)."""
FILE = 2
"""Bytes a parameter in a published model; the file stays in memory while a CPU loads it."""
PROGRAM = 600 << 20
"""Interpreter and libraries of a training on a CPU, without a model (measured: 567 to 600 MiB)."""
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
    layer: int
    """One layer in the backward pass, recomputed if activations are checkpointed."""
    loss: int
    """Logits of a chunk, and the gradient of the output matrix."""
    update: int
    """What the end of a step needs: copies of the last bucket, or the gradients in fp32."""
    load: int
    """The peak before the first step."""
    resume: int
    """The peak while a checkpoint is read."""
    program: int = 0
    """What a process holds without a model; it counts where that is the memory that matters, on a CPU."""
    holes: int = 0
    """Freed blocks that stay with a process on a CPU and that no later block fits (modeling/memory.py)."""

    @property
    def resident(self) -> int:
        return self.weights + self.gradients + self.optimiser + self.buckets

    @property
    def passing(self) -> int:
        """In a forward and backward pass beside what is resident: at the loss, or in the backward pass."""
        return self.gathered + self.activations + max(self.layer, self.loss)

    @property
    def in_use(self) -> int:
        """The largest need of a step in blocks that hold something: in a pass, or in the update."""
        return self.resident + max(self.passing, self.update)

    @property
    def peak(self) -> int:
        """The most that a step makes the process hold."""
        return self.program + self.resident + max(self.passing + self.holes, self.update)


def training_memory(config: TrainConfig) -> Memory:
    """Memory of a rank whose forward pass holds examples of `data.max_length` tokens, all labelled.

    Sources of the formulas: 16 bytes a trained parameter (ZeRO, arXiv 1910.02054), the buffers of DeepSpeed 0.19's
    stage3.py, and what our own training step keeps.

    Raises:
        ValueError: the ranks cannot share a step's examples equally.
    """
    shape = shape_of(config.model)
    memory = _partitioned(config, shape) if config.trainer.strategy.startswith("zero3") else _whole(config, shape)
    return _with_program(memory, config) if config.trainer.accelerator == "cpu" else memory


def _with_program(memory: Memory, config: TrainConfig) -> Memory:
    """On a CPU the program counts, and so does what its heap keeps.

    Activations, those of a recomputed layer too, are freed between blocks that live longer, and the next pass wants other
    sizes: as much again stays with the process as they took, less the gradients, which are freed whole between two steps and
    which they fit. The rule is read off the measurements of docs/planner.md.
    """
    freed = memory.activations + (memory.layer if config.trainer.gradient_checkpointing else 0)
    return replace(
        memory,
        program=PROGRAM,
        holes=max(0, freed - memory.gradients),
        load=PROGRAM + memory.load,
        resume=PROGRAM + memory.resume,
    )


def _whole(config: TrainConfig, shape: Shape) -> Memory:
    """One process, or DDP, which copies every gradient into its buckets."""
    trained = shape.trained(config.adapter)
    frozen = 0 if config.adapter.kind == "none" else shape.parameters
    weights = BYTES[config.model.dtype] * frozen + 4 * trained
    work = _pass(config, shape, BYTES[config.model.dtype])
    return Memory(
        weights=weights,
        gradients=4 * trained,
        optimiser=8 * trained,
        buckets=4 * trained if config.trainer.strategy == "ddp" else 0,
        gathered=0,
        activations=work.kept,
        layer=work.at_work,
        loss=work.loss,
        update=0,
        load=weights + (0 if config.trainer.accelerator == "gpu" else FILE * shape.parameters),
        resume=weights + 12 * trained,
    )


def _partitioned(config: TrainConfig, shape: Shape) -> Memory:
    """ZeRO-3: everything is split over the ranks; gradients are summed in buckets; a step goes by sub-groups."""
    trainer, trained = config.trainer, shape.trained(config.adapter)
    ranks, on_gpu = trainer.devices * trainer.nodes, trainer.accelerator == "gpu"
    frozen = 0 if config.adapter.kind == "none" else shape.parameters
    width = BYTES[trainer.precision]
    here = 0 if trainer.strategy == "zero3_offload" else trained // ranks
    copies = 1 if on_gpu else 2  # gloo passes data through a copy of its own
    bucket = width * (BUCKET if on_gpu else min(trained, BUCKET))
    full = trained > BUCKET  # buckets then fill up among the activations, else at the end
    largest = width * max(shape.embedding, shape.hidden * shape.intermediate)
    sub_group = min(here, SUB_GROUP)
    weights, gradients = width * (trained + frozen) // ranks, width * trained // ranks
    work = _pass(config, shape, width)
    return Memory(
        weights=weights,
        gradients=gradients,
        optimiser=12 * here,
        buckets=bucket * (1 + copies if full else 1),
        gathered=width * min(shape.parameters, LIVE),
        activations=work.kept,
        layer=work.at_work,
        loss=work.loss,
        update=max(0 if full else copies * bucket + largest, sub_group * (4 if width == 4 else 4 + width)),
        load=weights + 4 * here + max(4 * sub_group, gradients + copies * largest + (bucket if on_gpu else 0)),
        resume=weights + gradients + 12 * here + (bucket if on_gpu else 4 * here),
    )


def _pass(config: TrainConfig, shape: Shape, stream: int) -> Pass:
    examples = config.trainer.pass_size(config.optim.batch_size or BATCH, config.data.max_length)
    return Pass(shape, config, examples * config.data.max_length, stream)
