"""Whether training runs under ZeRO-3, and DeepSpeed's own settings for it."""

from typing import Any

from humpback_exp.config import TrainerConfig

STRATEGIES = ("zero3", "zero3_offload")


def is_zero3(config: TrainerConfig) -> bool:
    return config.strategy in STRATEGIES


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
