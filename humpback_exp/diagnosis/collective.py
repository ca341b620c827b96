"""Ranks that meet and add up a tensor: shows whether NCCL or gloo connects them, and how fast.

`python -m humpback_exp.diagnosis.collective RESULT` is one rank; the first writes RESULT.
"""

import datetime
import json
import os
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist

from humpback_exp.artifacts import write_text
from humpback_exp.distributed import die_with_parent, join_slurm

NUMBERS = 1 << 24
"""float32 numbers of the tensor: 64 MiB."""
ROUNDS = 3
SECONDS = 30.0
"""How long a rank waits for the others."""


def measure(result: Path) -> None:
    """All-reduce a tensor among all ranks and write their number, backend and bus bandwidth in bytes a second.

    Bus bandwidth is 2 (n - 1) / n times the bytes over the time, as NCCL's own tests define it.
    """
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    backend = "nccl" if on_gpu else "gloo"
    dist.init_process_group(backend, timeout=datetime.timedelta(seconds=SECONDS))
    ranks, tensor = dist.get_world_size(), torch.empty(NUMBERS, device=device)
    best = min(timed_sum(tensor) for _ in range(ROUNDS))
    whole = bool((tensor == ranks).all())
    if dist.get_rank() == 0:
        speed = 2 * (ranks - 1) / ranks * 4 * NUMBERS / best
        write_text(result, json.dumps({"ranks": ranks, "backend": backend, "speed": speed, "whole": whole}))
    dist.barrier()
    dist.destroy_process_group()


def timed_sum(tensor: torch.Tensor) -> float:
    """Seconds of one all-reduce of ones in `tensor`, after all ranks have arrived."""
    tensor.fill_(1)
    dist.barrier()
    started = time.perf_counter()
    dist.all_reduce(tensor)
    if tensor.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    die_with_parent()
    join_slurm()
    measure(Path(sys.argv[1]))
