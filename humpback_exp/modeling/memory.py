"""Main memory and GPU memory of this process: the most it held, and how freed blocks are kept."""

import ctypes
import resource

import torch

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
OUT_OF_MEMORY = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What torch says of it on a CPU, and where a library on a GPU finds no room for its own work."""


def peak_memory(device: torch.device) -> int:
    """Most bytes this process has held: allocated on a GPU, resident in main memory on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a GPU or the machine has no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or any(said in str(error) for said in OUT_OF_MEMORY)


def keep_freed_memory() -> None:
    """Let glibc reuse large freed blocks instead of giving them back to the kernel and faulting them in again.

    On a CPU that is a tenth of a training step, most of it for the logits, and a twentieth of generation.
    Without effect on another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
