"""How a model is trained. A default is the paper's where the paper states one; else its reason is given."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

from humpback_exp.config.bounds import BELOW_ONE, NOT_NEGATIVE, POSITIVE, bounded, check_bounds, choice, require
from humpback_exp.config.cpu import has_bf16, settle
from humpback_exp.config.identity import operational
from humpback_exp.config.inference import EngineConfig
from humpback_exp.config.model import AdapterConfig, ModelConfig
from humpback_exp.config.stage_base import StageConfig
from humpback_exp.config.training_data import DataConfig


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
    precision: str = bounded("auto", choice("auto", "fp32", "bf16"))
    """bf16 computes matrix products in bfloat16 under autocast; fp32 does not. auto takes bf16 on GPUs and on CPUs with
    instructions for it, fp32 on others; the run is known by what was taken."""
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

    def settle(self) -> None:
        """Say what `auto` means here."""
        if self.precision == "auto":
            self.precision = "bf16" if self.accelerator == "gpu" or has_bf16() else "fp32"

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


def check_engine_device(key: str, engine: EngineConfig, trainer: TrainerConfig) -> None:
    """Raise if the engine at `key` runs a model on a CPU that is trained on GPUs."""
    option = key if key == "engine" else f"engine@{key}"
    require(
        engine.name == "openai" or engine.device != "cpu" or trainer.accelerator == "cpu",
        f"{key}.device",
        "cpu",
        f"the model is trained on GPUs; add {option}=vllm, or =gpu for a model that one GPU holds",
    )


@dataclass(kw_only=True, slots=True)
class TrainConfig(StageConfig):
    """seed (+ scored) -> model"""

    stage: ClassVar[str] = "train"
    kind: ClassVar[str] = "models"

    model: ModelConfig = field(default_factory=ModelConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)

    def __post_init__(self) -> None:
        settle(self)
        check_bounds(self)
        require(
            self.data.max_length <= self.model.context,
            "data.max_length",
            self.data.max_length,
            f"exceeds the model's context of {self.model.context} tokens (model.context)",
        )
        require(
            self.model.dtype == "float32" or self.adapter.kind == "lora" or self.trainer.strategy.startswith("zero3"),
            "model.dtype",
            self.model.dtype,
            "full fine-tuning of bfloat16 weights loses small updates; set model.dtype=float32 or adapter=lora",
        )

    @property
    def templates(self) -> list[str | None]:
        return [self.model.template]
