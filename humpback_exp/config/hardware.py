"""What plans are made for."""

from dataclasses import dataclass

from omegaconf import MISSING

from humpback_exp.config.base import one_of, require


@dataclass(kw_only=True, slots=True)
class HardwareConfig:
    """One GPU of a cluster, or one CPU machine. Figures are the maker's unless a comment in `conf/hardware/` says otherwise."""

    name: str = MISSING
    accelerator: str = "gpu"
    """gpu or cpu; must be the trainer's."""
    memory: float = MISSING
    """GiB of a GPU, or of the machine."""
    flops: float = MISSING
    """Peak of dense bf16 matrix products, FLOP/s."""
    bandwidth: float = MISSING
    """Of the memory, bytes/s."""
    link: float = MISSING
    """Between GPUs of a node, bytes/s a GPU in one direction."""
    network: float = MISSING
    """Between nodes, bytes/s a GPU in one direction."""
    utilisation: float = 0.35
    """Share of `flops` that training and prefill reach, recomputed work included. torchtitan publishes 33 to 39 % (Llama 3.1 8B,
    8 x H100, FSDP, bf16) and open-instruct's figures come to 29 to 37 % (OLMo 3 7B, 8 x H100)."""
    bandwidth_utilisation: float = 0.5
    """Share of `bandwidth` that decoding reaches (ours; not measured on a GPU yet)."""
    link_utilisation: float = 0.8
    """Share of `link` and `network` that collectives reach (ours; not measured on a GPU yet)."""

    def __post_init__(self) -> None:
        one_of("hardware.accelerator", self.accelerator, ("gpu", "cpu"))
        for key in ("memory", "flops", "bandwidth", "link", "network"):
            value = getattr(self, key)
            require(value == MISSING or value > 0, f"hardware.{key}", value, "must be positive")
        for key in ("utilisation", "bandwidth_utilisation", "link_utilisation"):
            require(0 < getattr(self, key) <= 1, f"hardware.{key}", getattr(self, key), "must lie in (0, 1]")
