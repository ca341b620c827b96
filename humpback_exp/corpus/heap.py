"""How this process keeps memory that was freed. Called by the segment stage."""

import ctypes

M_MMAP_THRESHOLD = -3
LARGE = 1 << 17
"""Bytes of a block that is large: glibc's own first bound."""


def give_back_large_blocks() -> None:
    """Let glibc give large blocks back to the kernel when they are freed.

    Left alone it raises its bound to the largest block that was freed, up to 32 MiB, and keeps what is below: some 10 MiB more
    for a hundred thousand rows than for a thousand. Without effect on another C library.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
