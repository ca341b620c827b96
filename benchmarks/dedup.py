"""Memory and time of the search for duplicates, stage by stage, over synthetic signatures.

    python benchmarks/dedup.py 100000 1000000

A third of the rows repeat an earlier one, half of these exactly. Each size runs in a process of its own; a peak is the
kernel's high-water mark of resident memory (VmHWM), reset before each stage.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from humpback_exp.corpus import dedup
from humpback_exp.corpus.fingerprints import PERMUTATIONS, Fingerprint
from humpback_exp.progress import table

REPEATED = 3
THRESHOLD = 0.8


def rows(count: int) -> Iterator[Fingerprint]:
    """Signatures of which every third is that of a row somewhere before it, whole or with a tenth of its values changed."""
    for number in range(count):
        drawn = np.random.default_rng(number)
        repeats = number % REPEATED == 0 and number > 0
        source = int(drawn.integers(number)) if repeats else number
        source -= source % REPEATED == 0 and source > 0
        values = np.random.default_rng(source).integers(0, 1 << 32, PERMUTATIONS, dtype=np.uint32)
        whole = repeats and number % 2 == 0
        if repeats and not whole:
            values[: PERMUTATIONS // 10] = drawn.integers(0, 1 << 32, PERMUTATIONS // 10)
        digest = f"{(source if whole else number) * 0x9E3779B97F4A7C15 % 2**64:016x}"
        yield Fingerprint(id=f"{number:016x}", digest=digest, signature=values.tobytes().hex())


def peak() -> float:
    """The high-water mark of this process, in MiB."""
    line = next(line for line in open("/proc/self/status", encoding="ascii") if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def timed(name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
    """The stage with its seconds of processor time and its peak printed."""

    def run(*arguments: Any) -> Any:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        started = time.process_time()
        found = stage(*arguments)
        print(f"{name}\t{time.process_time() - started:.1f}\t{peak():.1f}")
        return found

    return run


def work(count: int) -> None:
    """The search over so many rows, in this process; a line a stage."""
    for name in ("_hash", "_group", "_judge"):
        setattr(dedup, name, timed(name.lstrip("_"), getattr(dedup, name)))
    with tempfile.TemporaryDirectory() as folder:
        found = dedup.verdicts(rows(count), count, THRESHOLD, Path(folder, "scratch"))
    print(f"dropped\t{found.drops().total()}\t0")


def main() -> None:
    """Print a row for each size and stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        work(arguments.sizes[0])
        return
    shown = []
    for size in arguments.sizes:
        command = [sys.executable, __file__, "--here", str(size)]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        for stage, seconds, memory in (line.split("\t") for line in lines):
            shown.append({"signatures": size, "stage": stage, "CPU s": float(seconds), "peak MiB": float(memory)})
    print(table(shown, ".1f"))


if __name__ == "__main__":
    main()
