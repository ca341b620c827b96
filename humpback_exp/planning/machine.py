"""What this machine has, asked without torch."""

import os
import shutil
import subprocess
from functools import cache
from itertools import takewhile
from pathlib import Path

from humpback_exp.config import HardwareConfig, read

GIB = 1 << 30
GPU_GIB = 80
"""The GPU that suggestions are made for."""
NODE = 8
"""GPUs of a node; a copy of a model that generates does not span nodes."""
USABLE = 0.92
"""Share of a GPU left after the CUDA context, the buffers of NCCL and fragmentation (ours)."""


def room(memory: float, accelerator: str, devices: int) -> float:
    """Bytes a rank may use: of a GPU of `memory` bytes the usable share, of a machine its part beside the other ranks."""
    return USABLE * memory if accelerator == "gpu" else memory / devices


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"


@cache
def gpu_memories() -> list[int]:
    """Memory of each GPU of this machine in bytes, as the driver's own tool tells it; empty without one.

    Asked once a process: a sweep checks every stage of every point against it.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    result = subprocess.run(query, capture_output=True, text=True)
    told = result.stdout.splitlines() if result.returncode == 0 else []
    return [int(line) << 20 if line.strip().isdigit() else host_memory() for line in told]  # shared with the CPU: [N/A]


def visible_gpus() -> list[str]:
    """Ids of the GPUs this process may use: all of this machine by number, or those CUDA_VISIBLE_DEVICES names before a -1."""
    numbers = [str(number) for number, _ in enumerate(gpu_memories())]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None or not numbers:
        return numbers
    names = takewhile(lambda name: name != "-1", map(str.strip, chosen.split(",")))
    return [name for name in names if name]


def assumed_hardware(accelerator: str) -> HardwareConfig:
    """The hardware that a training is timed for where none is named: GPUs of the oldest kind there are figures of, or a CPU."""
    name = {"gpu": "a100_80gb", "cpu": "cpu"}[accelerator]
    return read(Path(__file__).parents[2] / "conf" / "hardware" / f"{name}.yaml", HardwareConfig)


def host_memory() -> int:
    """Bytes of main memory that are free or can be freed."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no MemAvailable in /proc/meminfo")
