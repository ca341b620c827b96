"""How ranks share a model: one process, DDP, or DeepSpeed ZeRO-3 with or without offload, on GPUs and on CPUs alike.

Lightning's DeepSpeedStrategy refuses CPUs by a guard only. `CPUDeepSpeedStrategy` replaces that guard, so that the path
a 65B run takes is the path the tests take, on two CPU processes over gloo.
"""

import contextlib
import os
from typing import Any

import torch
from lightning_fabric.utilities.seed import reset_seed
from pytorch_lightning.strategies import DDPStrategy, DeepSpeedStrategy, Strategy

from humpback_exp.config import TrainerConfig

ZERO3 = ("zero3", "zero3_offload")


def is_zero3(config: TrainerConfig) -> bool:
    return config.strategy in ZERO3


def build_strategy(config: TrainerConfig) -> Strategy | str:
    """The Lightning strategy of a trainer config.

    Raises:
        ValueError: DeepSpeed is not installed.
    """
    if config.strategy == "auto":
        return "auto"
    if config.strategy == "ddp":
        return DDPStrategy(process_group_backend="gloo" if config.accelerator == "cpu" else "nccl")
    if config.accelerator == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    _require_deepspeed()
    kind = CPUDeepSpeedStrategy if config.accelerator == "cpu" else PartitionedDeepSpeedStrategy
    return kind(config=zero3_settings(config))


def zero3_settings(config: TrainerConfig) -> dict[str, Any]:
    """DeepSpeed's own config: stage 3, master weights and moments in fp32, on the host under offload."""
    zero: dict[str, Any] = {
        "stage": 3,
        "contiguous_gradients": True,
        "overlap_comm": config.accelerator == "gpu",
        "stage3_param_persistence_threshold": config.persistence_threshold,
    }
    if config.strategy == "zero3_offload":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": config.accelerator == "gpu"}
    return {
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "train_micro_batch_size_per_gpu": 1,  # only for DeepSpeed's own logs
    } | ({"bf16": {"enabled": True}} if config.precision == "bf16" else {})


def partition_on_load(config: TrainerConfig) -> object:
    """Make transformers partition weights while it loads them, as long as the returned object lives.

    transformers holds it weakly; without it every rank would load the whole model (lightning issue 19259).
    """
    from transformers.integrations import HfDeepSpeedConfig

    return HfDeepSpeedConfig(zero3_settings(config))


def _require_deepspeed() -> None:
    try:
        import deepspeed  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError(
            "trainer.strategy=zero3: DeepSpeed is not installed; pip install --no-build-isolation 'deepspeed>=0.19,<0.20'"
        ) from None


class PartitionedDeepSpeedStrategy(DeepSpeedStrategy):
    """ZeRO-3 whose model partitions itself while it loads (`load_model` under HfDeepSpeedConfig), so no context is needed."""

    def model_sharded_context(self) -> Any:
        return contextlib.nullcontext()


class CPUDeepSpeedStrategy(PartitionedDeepSpeedStrategy):
    """The same on CPU processes over gloo."""

    def setup_environment(self) -> None:
        DDPStrategy.setup_environment(self)

    def setup_distributed(self) -> None:
        reset_seed()
        self.set_world_ranks()
        self._init_deepspeed_distributed()

    @property
    def root_device(self) -> torch.device:
        return torch.device("cpu", 0)
