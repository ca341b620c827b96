"""What is trained, on what data, and how. A default is the paper's where the paper states one; else its reason is given."""

import math
from dataclasses import dataclass, field

from humpback_exp.config.bounds import BELOW_ONE, NOT_NEGATIVE, POSITIVE, bounded, check_bounds, choice, require
from humpback_exp.config.dataset import DatasetConfig
from humpback_exp.config.identity import artifact_input, operational

DTYPES = ("float32", "bfloat16")


@dataclass(kw_only=True, slots=True)
class ModelConfig:
    """A base model. The shape is written out so that plans and refusals need not load it; the path says what it is."""

    path: str = artifact_input("models/smollm2-135m")
    """Folder in Hugging Face format, or a Hub id."""
    template: str = "inst"
    """Chat template (`prompts.TEMPLATES`) every prompt is rendered with; exported with the model."""
    dtype: str = bounded("float32", choice(*DTYPES))
    """Type of the weights in training. bfloat16 needs frozen weights (adapter=lora) or ZeRO-3's fp32 master copy."""
    export_dtype: str = bounded("bfloat16", choice(*DTYPES))
    """Type of the weights in the exported folder."""
    dropout: float = bounded(0.1, BELOW_ONE)
    """Residual dropout after attention and MLP of every layer (paper section 8; the place is our choice, LIMA's)."""
    layers: int = operational(0)
    hidden: int = operational(0)
    intermediate: int = operational(0)
    heads: int = operational(0)
    kv_heads: int = operational(0)
    vocabulary: int = operational(0)
    context: int = operational(2048)
    """Longest sequence the model takes, in tokens."""
    tied: bool = operational(False)
    """Whether input and output embeddings are one matrix."""

    def __post_init__(self) -> None:
        check_bounds(self, "model.")


@dataclass(kw_only=True, slots=True)
class AdapterConfig:
    """Full fine-tuning, or LoRA through peft."""

    kind: str = bounded("none", choice("none", "lora"))
    """none or lora."""
    rank: int = bounded(16, POSITIVE)
    alpha: int = bounded(32, POSITIVE)
    targets: list[str] = field(
        default_factory=lambda: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    )

    def __post_init__(self) -> None:
        check_bounds(self, "adapter.")


@dataclass(kw_only=True, slots=True)
class OptimConfig:
    """AdamW with a linear decay. Betas and clipping are LIMA's common setting; the paper names none."""

    lr: float = bounded(1e-5, POSITIVE)
    """First learning rate (paper section 8)."""
    end_lr: float = bounded(9e-6, NOT_NEGATIVE)
    """Last learning rate: a rate, not a multiplier (paper section 8)."""
    weight_decay: float = bounded(0.1, NOT_NEGATIVE)
    beta1: float = bounded(0.9, BELOW_ONE)
    beta2: float = bounded(0.95, BELOW_ONE)
    clip: float = bounded(1.0, NOT_NEGATIVE)
    """Largest gradient norm; 0 switches clipping off."""
    batch_size: int | None = bounded(None, POSITIVE)
    """Examples an optimiser step; None follows the paper: 8 below 3,000 examples, else 32."""
    max_steps: int | None = bounded(None, POSITIVE)
    """Optimiser steps; None follows `epochs`, or the paper's steps-by-N table where that is None too."""
    epochs: float | None = bounded(None, POSITIVE)
    """Number of passes over the examples, which may be given instead of a number of steps."""

    def __post_init__(self) -> None:
        check_bounds(self, "optim.")
        require(
            self.lr <= 1, "optim.lr", self.lr, "must be 1 or less; AdamW moves every weight by about as much a step"
        )
        require(0 <= self.end_lr <= self.lr, "optim.end_lr", self.end_lr, f"must lie in [0, optim.lr={self.lr}]")
        require(
            self.epochs is None or self.max_steps is None,
            "optim.epochs",
            self.epochs,
            f"excludes optim.max_steps={self.max_steps}; set one of them to null",
        )


@dataclass(kw_only=True, slots=True)
class DataConfig:
    """What a model is trained on: the seed, web pairs selected from a scored folder, or both."""

    seed_path: str | None = artifact_input("examples/seed.jsonl")
    """Human pairs: a file (JSON lines, JSON, CSV, Parquet, Arrow), a dataset folder or a Hub id, with instruction, input and
    output, prompt and completion, messages, or Open Assistant's trees or messages. None trains on web pairs only."""
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    """Which part of data.seed_path is read."""
    seed_size: int | None = bounded(None, POSITIVE)
    """Keep this many human pairs, drawn by the seeded order of their ids; a smaller size is a subset of a larger. A seed with fewer
    is refused, so that a sweep over sizes trains on what it says. It takes the place of data.dataset.most, which only caps."""
    scored: str | None = artifact_input()
    """Folder written by curate.py or rewrite.py, or None for the seed alone."""
    rater: str = operational("m0")
    """Whose ratings data=curated and its kin select by, in output_root/scored/."""
    min_score: float | None = None
    """Keep web pairs scored at least this; 4.5 is the paper's A_5, 4 its A_4."""
    top_fraction: float | None = None
    """Keep this share of all candidates, the best scored; for scores without a natural threshold."""
    size: int | None = None
    """Keep at most this many of the selected web pairs; a smaller size is a subset of a larger."""
    as_many_as: str | None = artifact_input()
    """A curated folder: keep as many pairs as it holds, the best scored. Makes two ways of scoring comparable."""
    direction: str = bounded("forward", choice("forward", "backward"))
    """forward learns output given instruction; backward learns instruction given output."""
    tagged: bool = True
    """Whether prompts carry the system sentence of their source (paper section 7)."""
    max_length: int = bounded(2048, POSITIVE)
    """Tokens an example may have, prompt and target together."""
    overlong: str = bounded("drop", choice("drop", "left", "right"))
    """What happens to longer examples: drop, or cut the output on its left or right side until it fits."""

    def __post_init__(self) -> None:
        check_bounds(self, "data.")
        check_selection("data.", self.min_score, self.top_fraction, self.size)
        require(
            self.seed_path is not None or self.scored is not None,
            "data.seed_path",
            None,
            "nothing to train on; set data.seed_path or data.scored",
        )
        require(
            self.as_many_as is None or (self.min_score, self.top_fraction) == (None, None),
            "data.as_many_as",
            self.as_many_as,
            "excludes data.min_score and data.top_fraction; set them to null",
        )
        require(
            self.scored is not None or (self.min_score, self.top_fraction, self.as_many_as) == (None, None, None),
            "data.scored",
            None,
            "a selection needs a folder written by curate.py or rewrite.py",
        )


def check_selection(prefix: str, min_score: float | None, top_fraction: float | None, size: int | None) -> None:
    """Raise unless at most one of threshold and share is set and both are in range."""
    require(
        min_score is None or top_fraction is None,
        f"{prefix}top_fraction",
        top_fraction,
        f"excludes {prefix}min_score={min_score}; set one of them to null",
    )
    require(top_fraction is None or 0 < top_fraction <= 1, f"{prefix}top_fraction", top_fraction, "must lie in (0, 1]")
    require(size is None or size > 0, f"{prefix}size", size, "must be positive or null")


@dataclass(kw_only=True, slots=True)
class TrainerConfig:
    """Where and how steps are computed. Only the precision is part of what a run is."""

    accelerator: str = operational("cpu", choice("cpu", "gpu"))
    """cpu or gpu."""
    devices: int = operational(1, POSITIVE)
    """Ranks on each node."""
    nodes: int = operational(1, POSITIVE)
    strategy: str = operational("auto", choice("auto", "ddp", "zero3", "zero3_offload"))
    """auto (one rank), ddp, zero3, zero3_offload."""
    persistence_threshold: int = operational(100_000, NOT_NEGATIVE)
    """ZeRO-3: parameters of at most this many elements stay whole on every rank (DeepSpeed's default)."""
    leaf_modules: list[str] = operational(list)
    """ZeRO-3: classes whose parameters are gathered all at once on entry, not module by module (DeepSpeed's leaf modules).
    For mixture-of-experts blocks, whose experts run in no fixed order, and for blocks of many small modules."""
    precision: str = bounded("bf16", choice("fp32", "bf16"))
    """bf16 computes matrix products in bfloat16 under autocast; fp32 does not."""
    micro_batch: int | None = operational(None, POSITIVE)
    """Examples a forward pass; gradients are accumulated up to the batch size. None takes what `micro_tokens` allows."""
    micro_tokens: int = operational(8192, POSITIVE)
    """Tokens a forward pass may hold if all its examples were of data.max_length; one example it may always hold."""
    padding_free: bool = operational(True)
    """Examples of a forward pass stand one after the other, each attending to itself; false pads them to one length."""
    gradient_checkpointing: bool = operational(False)
    checkpoint_every: int | None = operational(None, POSITIVE)
    """Optimiser steps between checkpoints, which is what a kill can cost at most; None takes as many as the planner expects in
    twenty minutes."""

    def __post_init__(self) -> None:
        check_bounds(self, "trainer.")
        ranks = self.devices * self.nodes
        require(
            ranks == 1 or self.strategy != "auto",
            "trainer.strategy",
            self.strategy,
            f"{ranks} ranks need trainer=zero3 or trainer.strategy=ddp",
        )

    def pass_size(self, batch_size: int, max_length: int) -> int:
        """Examples a forward pass: `micro_batch`, or the largest part of a rank's share that keeps within `micro_tokens`.

        One, where the ranks cannot share a batch equally: some of them then repeat an example in their last pass, and it counts
        nothing.

        Raises:
            ValueError: the batch does not divide by ranks and the examples of a pass that are asked for.
        """
        ranks = self.devices * self.nodes
        if batch_size % ranks and self.micro_batch in (None, 1):
            return 1
        share = batch_size // ranks
        fitting = (n for n in range(share, 0, -1) if share % n == 0 and n * max_length <= self.micro_tokens)
        size = self.micro_batch or next(fitting, 1)
        require(
            batch_size % (size * ranks) == 0,
            "optim.batch_size",
            batch_size,
            f"must divide by trainer.micro_batch x ranks = {size} x {ranks}; choose them so that it does",
        )
        return size

    def passes(self, batch_size: int, max_length: int) -> int:
        """Forward passes that each rank takes for a step."""
        return math.ceil(batch_size / (self.pass_size(batch_size, max_length) * self.devices * self.nodes))
