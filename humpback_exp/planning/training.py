"""The time a training run takes on stated hardware, from what it computes and moves. No start-up, loading or saving."""

from dataclasses import dataclass

from humpback_exp.config import HardwareConfig, TrainConfig
from humpback_exp.planning.model_shape import BYTES, shape_of

INTERVAL = 20 * 60
"""Seconds between two checkpoints where the config sets no steps: what a kill can cost (ours)."""
UNTIMED = 50
"""Steps between them for a model of unknown shape (ours)."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training run and what its data come to.

    Raises:
        ValueError: `trainer.micro_batch` does not divide a rank's share of a step.
    """

    config: TrainConfig
    examples: int
    mean: float
    """Tokens of an example."""
    batch: int
    steps: int

    def __post_init__(self) -> None:
        self.config.trainer.pass_size(self.batch, self.config.data.max_length)

    @property
    def ranks(self) -> int:
        return self.config.trainer.devices * self.config.trainer.nodes

    @property
    def name(self) -> str:
        return f"train {self.config.name}"

    @property
    def work(self) -> str:
        return f"{self.examples:,} examples, {self.steps:,} steps of {self.batch}"

    @property
    def tokens(self) -> float:
        """Of the whole run, repeated examples included."""
        return self.steps * self.batch * self.mean

    @property
    def flops(self) -> float:
        """2 FLOPs a parameter and token forward, 2 for gradients of inputs, 2 for those of weights, 2 for what is recomputed.

        The products inside attention are left out: below 2 % at the paper's lengths (arXiv 2204.02311, appendix B).
        """
        shape, config = shape_of(self.config.model), self.config
        passes = 3 if config.trainer.gradient_checkpointing else 2
        return 2 * self.tokens * (passes * shape.parameters + shape.trained(config.adapter))

    def seconds(self, hardware: HardwareConfig) -> float:
        """Computing and communication overlap, so the slower of the two counts."""
        processors = self.ranks if hardware.accelerator == "gpu" else 1  # ranks on a CPU share it
        return max(self.flops / (processors * hardware.flops * hardware.utilisation), self._communication(hardware))

    def checkpoint_every(self, hardware: HardwareConfig) -> int:
        """Steps between checkpoints: `trainer.checkpoint_every`, else as many as take `INTERVAL` seconds."""
        step = self.seconds(hardware) / self.steps
        return self.config.trainer.checkpoint_every or (max(1, round(INTERVAL / step)) if step else UNTIMED)

    def _communication(self, hardware: HardwareConfig) -> float:
        """ZeRO-3 gathers all weights for the forward and for the backward pass of some examples, and sums their gradients.

        Around a ring every rank receives all parts but its own, as fast as the slowest link carries them.
        """
        trainer, shape = self.config.trainer, shape_of(self.config.model)
        if not trainer.strategy.startswith("zero3"):
            return 0.0
        passes = self.steps * trainer.passes(self.batch, self.config.data.max_length)
        numbers = 2 * shape.parameters + shape.trained(self.config.adapter)
        moved = passes * BYTES[trainer.precision] * numbers * (self.ranks - 1) / self.ranks
        across = hardware.network * trainer.devices if trainer.nodes > 1 else hardware.link
        return moved / (hardware.link_utilisation * min(hardware.link, across))
