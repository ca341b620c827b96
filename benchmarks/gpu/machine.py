"""The machine: versions, GPU and driver, free memory, the rates of matrix products and of memory."""

import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.rows import GIB, Row, Setup, at_least
from humpback_exp.config import HardwareConfig, read
from humpback_exp.modeling.mfu import matmul_peak

PACKAGES = (
    "torch",
    "transformers",
    "pytorch-lightning",
    "deepspeed",
    "accelerate",
    "safetensors",
    "peft",
    "triton",
    "vllm",
)
FREE = 0.95
"""Share of a GPU's memory that is free where nobody else uses it."""
COPIED = {"cuda": 4 * GIB, "cpu": GIB // 16}
"""Bytes of the copy that measures the memory's rate: many times any cache."""


def rows(setup: Setup) -> Iterator[Row]:
    device = torch.device(setup.device)
    facts = {"python": platform.python_version(), "versions": versions()} | (gpu(device) if not setup.tiny else {})
    if not setup.tiny:
        yield memory_free(*torch.cuda.mem_get_info(device))
    yield Row("machine", "bf16 matrix products, TFLOP/s", matmul_peak(device, torch.bfloat16) / 1e12, facts=facts)
    yield Row("machine", "memory, GB/s read and written", copy_rate(device) / 1e9)


def memory_free(free: int, total: int) -> Row:
    """Whether the GPU is ours alone, of bytes free and in all."""
    row = at_least("machine", "GPU memory free, share", free / total, FREE)
    row.note = f"{free / GIB:.1f} of {total / GIB:.1f} GiB are free"
    if not row.passed:
        row.note += "; somebody else uses this GPU, so that other figures are disturbed"
    return row


def versions() -> str:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return ", ".join(f"{name} {number}" for name, number in found.items())


def gpu(device: torch.device) -> dict[str, Any]:
    """Name, CUDA of this torch, and the driver as its own tool tells it."""
    tool = shutil.which("nvidia-smi")
    query = [tool or "", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(query, capture_output=True, text=True).stdout.split() if tool else []
    return {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda, "driver": (driver or ["unknown"])[0]}


def copy_rate(device: torch.device) -> float:
    """Bytes a second, read and written, of the best of a few copies within the device's memory."""
    source = torch.empty(COPIED[device.type], dtype=torch.uint8, device=device).random_()
    target, best = torch.empty_like(source), float("inf")
    for _ in range(5):
        synchronize(device)
        started = time.perf_counter()
        target.copy_(source)
        synchronize(device)
        best = min(best, time.perf_counter() - started)
    return 2 * source.nbytes / best


def hardware_here(setup: Setup) -> HardwareConfig | None:
    """What the planner knows of this GPU (`conf/hardware`), None if nothing."""
    name = "cpu" if setup.tiny else torch.cuda.get_device_name().lower()
    for path in sorted(Path("conf/hardware").glob("*.yaml")):
        if path.stem.partition("_")[0] in name:
            return read(path, HardwareConfig)
    return None


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
