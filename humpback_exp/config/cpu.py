"""Which type of numbers this machine's CPU multiplies fast: the meaning of `auto`."""

import re
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

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


def settle(config: T) -> T:
    """Replace every `auto` of a config by what it means on this machine, so that what is recorded is what was done.

    For whole configs alone: Hydra makes their parts with defaults before it knows the options.
    """
    parts: Any = config
    if hasattr(parts, "settle"):
        parts.settle()
    for f in fields(parts):
        value = getattr(parts, f.name)
        if is_dataclass(value):
            settle(value)
    return config
