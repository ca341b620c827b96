"""A trainer config -> how ranks share the model: one process, DDP, or DeepSpeed ZeRO-3 with or without offload."""

import os
from typing import Any

import torch
from pytorch_lightning.plugins.environments import ClusterEnvironment, LightningEnvironment, TorchElasticEnvironment
from pytorch_lightning.strategies import Strategy

from humpback_exp.config import TrainerConfig
from humpback_exp.distributed import started_outside
from humpback_exp.modeling.strategies import CPUPartitions, OneProcess, Partitions, Replicas

ZERO3 = ("zero3", "zero3_offload")


def is_zero3(config: TrainerConfig) -> bool:
    return config.strategy in ZERO3


def build_strategy(config: TrainerConfig) -> Strategy:
    """The Lightning strategy of a trainer config.

    Raises:
        ValueError: DeepSpeed is not installed.
    """
    if config.strategy == "auto":
        return OneProcess(torch.device("cuda", 0) if config.accelerator == "gpu" else torch.device("cpu"))
    if config.strategy == "ddp":
        return Replicas(process_group_backend="gloo" if config.accelerator == "cpu" else "nccl")
    if config.accelerator == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    _require_deepspeed()
    kind = CPUPartitions if config.accelerator == "cpu" else Partitions
    return kind(config.leaf_modules, config=zero3_settings(config))


def environment() -> ClusterEnvironment:
    """Who we are among the ranks, under torchrun's names; Lightning's own for Slurm would requeue jobs by itself."""
    return TorchElasticEnvironment() if started_outside() else LightningEnvironment()


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
        "zero_force_ds_cpu_optimizer": False,  # torch's fused AdamW is as fast on a CPU and needs no compiling
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
