"""Main memory and GPU memory of this process: the most it held, and how freed blocks are kept."""

import ctypes
import os
import resource
from pathlib import Path

import torch

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
OUT_OF_MEMORY = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What torch says of it on a CPU, and where a library on a GPU finds no room for its own work."""
KERNELS = "32"
"""Kernels that oneDNN keeps, of 1,024 by default: each holds memory of its own, and steps of ever other lengths make new ones."""
GROWTH = 1.2
"""Times the resident memory of a fresh heap at which holes between blocks are given back."""


def peak_memory(device: torch.device) -> int:
    """Most bytes this process has held: allocated on a GPU, resident in main memory on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def resident_memory() -> int:
    """Bytes of this process in main memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a GPU or the machine has no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or any(said in str(error) for said in OUT_OF_MEMORY)


class FreedMemory:
    """Lets glibc reuse large freed blocks instead of giving them back to the kernel and faulting them in again.

    On a CPU that is a tenth of a training step, most of it for the logits, and a twentieth of generation. But steps want
    blocks of ever other sizes, which are cut from the kept ones and leave holes, so that resident memory would grow from
    step to step. `bound` gives the holes back once that shows: once in many steps, so that the gain stays.
    Without effect on another C library.
    """

    def __init__(self) -> None:
        for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):  # read at the first matrix product
            os.environ.setdefault(name, KERNELS)
        self.library = ctypes.CDLL(None)
        self.usual, self.fresh = 0, True
        if hasattr(self.library, "mallopt"):
            self.library.mallopt(M_MMAP_MAX, 0)
            self.library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)

    def bound(self) -> None:
        """Call after every step: gives holes back where resident memory exceeds `GROWTH` times that of a fresh heap."""
        if not hasattr(self.library, "malloc_trim"):
            return
        now = resident_memory()
        if self.fresh:  # what a step needs on a heap without holes; the most that any step has needed counts
            self.usual, self.fresh = max(self.usual, now), False
        elif now > GROWTH * self.usual:
            self.library.malloc_trim(0)
            self.fresh = True
