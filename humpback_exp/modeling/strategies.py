"""A trainer config -> how ranks share the model: one process, DDP, or DeepSpeed ZeRO-3, with checkpoints of our own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.environments import ClusterEnvironment, LightningEnvironment, TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy, SingleDeviceStrategy, Strategy

from humpback_exp.config import TrainerConfig
from humpback_exp.distributed import started_outside
from humpback_exp.modeling.checkpoint import checksum, reshard
from humpback_exp.modeling.checkpoint.save import read_metadata, require_shapes
from humpback_exp.modeling.zero3 import build_zero3, forget_moments
from humpback_exp.modeling.zero3_settings import is_zero3


def build_strategy(config: TrainerConfig) -> Strategy:
    """The Lightning strategy of a trainer config.

    Raises:
        ValueError: DeepSpeed is not installed.
    """
    if is_zero3(config):
        return build_zero3(config)
    if config.strategy == "ddp":
        return DDP(process_group_backend="gloo" if config.accelerator == "cpu" else "nccl")
    return SingleDevice(torch.device("cuda", 0) if config.accelerator == "gpu" else torch.device("cpu"))


def environment() -> ClusterEnvironment:
    """Who we are among the ranks, under torchrun's names; Lightning's own for Slurm would requeue jobs by itself."""
    return TorchElasticEnvironment() if started_outside() else LightningEnvironment()


class SingleFileStrategy(Strategy):
    """Checkpoints of strategies whose every rank holds the whole model: one file, written by the first rank."""

    zero3 = False

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        self.checksums: dict[str, checksum.Checksum] = {}
        if self.is_global_zero:
            Path(filepath).mkdir(parents=True)
            self.checksums[reshard.STATE] = checksum.write(checkpoint, Path(filepath) / reshard.STATE, rank=0)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        path, metadata = Path(checkpoint_path), read_metadata(Path(checkpoint_path))
        require_shapes(path, metadata, self.lightning_module)
        if metadata.zero3:
            return reshard.as_single_process(path, metadata, self.lightning_module)
        return torch.load(path / reshard.STATE, map_location="cpu", weights_only=True)

    def local_state(self) -> Iterator[torch.Tensor]:
        """Weights and moments that a checkpoint holds."""
        for optimizer in self.optimizers:
            yield from (p for group in optimizer.param_groups for p in group["params"])
            yield from (value for state in optimizer.state.values() for value in state.values())

    def teardown(self) -> None:
        forget_moments(self)
        super().teardown()

    def gradient_norm(self) -> float:
        """Norm of the gradients of the step just taken, before they were clipped."""
        return float(self.lightning_module.gradient_norm)


class SingleDevice(SingleFileStrategy, SingleDeviceStrategy):
    """One process on one device."""


class DDP(SingleFileStrategy, DDPStrategy):
    """DDP: the whole model on every rank."""
