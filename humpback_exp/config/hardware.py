"""The hardware that plans are made for."""

from dataclasses import dataclass

from omegaconf import MISSING

from humpback_exp.config.bounds import POSITIVE, SHARE, bounded, check_bounds, choice


@dataclass(kw_only=True, slots=True)
class HardwareConfig:
    """One GPU of a cluster, or one CPU machine. Figures are the maker's unless a comment in `conf/hardware/` says otherwise."""

    name: str = MISSING
    accelerator: str = bounded("gpu", choice("gpu", "cpu"))
    """gpu or cpu; must be the trainer's."""
    memory: float = bounded(MISSING, POSITIVE)
    """GiB of a GPU, or of the machine."""
    flops: float = bounded(MISSING, POSITIVE)
    """Peak of dense bf16 matrix products, FLOP/s."""
    bandwidth: float = bounded(MISSING, POSITIVE)
    """Of the memory, bytes/s."""
    link: float = bounded(MISSING, POSITIVE)
    """Between GPUs of a node, bytes/s a GPU in one direction."""
    network: float = bounded(MISSING, POSITIVE)
    """Between nodes, bytes/s a GPU in one direction."""
    utilisation: float = bounded(0.35, SHARE)
    """Share of `flops` that training and prefill reach, recomputed work included. torchtitan publishes 33 to 39 % (Llama 3.1 8B,
    8 x H100, FSDP, bf16) and open-instruct's figures come to 29 to 37 % (OLMo 3 7B, 8 x H100)."""
    bandwidth_utilisation: float = bounded(0.5, SHARE)
    """Share of `bandwidth` that decoding reaches (ours; not measured on a GPU yet)."""
    link_utilisation: float = bounded(0.8, SHARE)
    """Share of `link` and `network` that collectives reach (ours; not measured on a GPU yet)."""

    def __post_init__(self) -> None:
        check_bounds(self, "hardware.")
