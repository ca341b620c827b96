"""How much of a device a training step uses, and what it costs: operations and the peak of matrix products."""

import time

import torch

SIDE = {"cpu": 2048, "cuda": 8192}
"""Rows and columns of the matrices multiplied: large enough to be bound by arithmetic, small enough to take no time."""
ROUNDS = {"cpu": 2, "cuda": 50}
"""Products timed; a GPU that stood idle takes tens of milliseconds to reach its clock."""

SLOW = 2.0
"""Seconds of a product that is not repeated."""


def step_flops(model: torch.nn.Module) -> int:
    """Floating-point operations a token: 6 a trained parameter, 4 a frozen one (arXiv 2001.08361, section 2.1).

    Forward costs 2 and backward 4, of which half is the gradient of the weights. Attention's own products are left out.
    """
    return sum((6 if p.requires_grad else 4) * getattr(p, "ds_numel", p.numel()) for p in model.parameters())


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the best of a few square matrix products on `device`, with this process's threads."""
    side = SIDE[device.type]
    a = torch.randn(side, side, device=device, dtype=dtype)  # a GPU multiplies ones faster than numbers
    best = float("inf")
    for _ in range(ROUNDS[device.type] + 1):  # the first one warms up
        _synchronize(device)
        started = time.perf_counter()
        a @ a
        _synchronize(device)
        best = min(best, time.perf_counter() - started)
        if best > SLOW:
            break  # bfloat16 on a CPU without instructions for it takes a quarter of a minute a product
    return 2 * side**3 / best


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
