"""The process group of a training: how its ranks meet, agree, fail and leave."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from humpback_exp.config import TrainConfig
from humpback_exp.modeling.memory import is_out_of_memory


def meet_under_torchrun(config: TrainConfig) -> None:
    """Make the process group of ranks that torchrun started, through keys of this training's own.

    The store of torchrun's agents outlives a training: the ranks of a second one would find the addresses of the first's. Lightning
    and DeepSpeed take a process group that is there already; elsewhere they make it themselves.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True" or config.trainer.strategy == "auto":
        return
    world = int(os.environ["WORLD_SIZE"])
    agents = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), world, is_master=False)
    own = PrefixStore(f"{config.folder} {os.environ['TORCHELASTIC_RESTART_COUNT']}", agents)
    backend = "gloo" if config.trainer.accelerator == "cpu" else "nccl"
    torch.distributed.init_process_group(backend, store=own, rank=int(os.environ["RANK"]), world_size=world)


def all_gather(own: Any) -> list[Any]:
    """`own` of every rank, in the order of ranks."""
    if not torch.distributed.is_initialized():
        return [own]
    found: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, own)
    return found


@contextmanager
def failing_together(kind: type[Exception]) -> Iterator[None]:
    """Raise on every rank what is raised inside on any: the others would go on, and tell only that they have lost it.

    Args:
        kind: errors that come when no other rank waits in a collective, or on all ranks alike. Memory that does not suffice
            is neither; that rank ends alone.

    Raises:
        ValueError: what the first rank that failed has to say.
    """
    fault = ""
    try:
        yield
    except kind as error:
        if is_out_of_memory(error):
            raise
        fault = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    if faults := list(filter(None, all_gather(fault))):
        raise ValueError(faults[0])


def leave_together() -> None:
    """Close the process group once all ranks are done: gloo aborts one whose peer is gone before it has closed."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
