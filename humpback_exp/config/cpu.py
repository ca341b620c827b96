"""Which type of numbers this machine's CPU multiplies fast: the meaning of `auto`."""

import re
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BF16 = re.compile(r"^(?:flags|Features)\s*:.*\b(?:avx512_bf16|amx_bf16|bf16)\b", re.M)
"""The names of the instructions on x86 (AVX-512, AMX) and ARM, as Linux lists them."""


@cache
def has_bf16() -> bool:
    """Whether the CPU has instructions for products of bfloat16.

    Without them such a product takes some 40 times as long as in float32 (measured with torch on AVX2), so `auto` takes
    float32. Where the system does not tell, as outside Linux, that is the safe answer.
    """
    return CPUINFO.exists() and BF16.search(CPUINFO.read_text(encoding="ascii", errors="replace")) is not None
