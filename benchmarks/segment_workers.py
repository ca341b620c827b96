"""How much faster two workers cut and filter pages than one, by the clock, on a machine with two free cores.

    python benchmarks/segment_workers.py /usr/share/doc/sqlite3 --rounds 5

Workers are processes as those of the segment stage, and take bundles of the same pages in memory as they become free. Each
has worked through some pages before its time is taken, so that imports and models are loaded.
"""

import argparse
import statistics
import time
from multiprocessing import get_context
from pathlib import Path

from benchmarks.segment import Pages, whole
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import pages

BUNDLE = 8
"""Pages that a worker takes at a time."""
LOADED: Pages = []
"""The pages, which workers have from the process that they are forked from."""


def work(start: int) -> None:
    """Cut, filter and sign one bundle."""
    config = CorpusConfig(path="pages")
    for page in LOADED[start : start + BUNDLE]:
        whole(page, config)


def seconds(workers: int) -> float:
    """Time by the clock in which so many workers go through all pages."""
    starts = range(0, len(LOADED), BUNDLE)
    with get_context("fork").Pool(workers) as pool:
        pool.map(work, [*starts] * 2, chunksize=1)
        started = time.perf_counter()
        pool.map(work, starts, chunksize=1)
        return time.perf_counter() - started


def main() -> None:
    """Print the seconds of one and of two workers in every round, and the median ratio with its spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    units = pages.units(str(arguments.corpus), 256)
    LOADED.extend(page for unit in units for page in pages.read(unit) if not page.reason)
    ratios = []
    for _ in range(arguments.rounds):
        one, two = seconds(1), seconds(2)
        ratios.append(one / two)
        print(f"one worker {one:.2f} s, two workers {two:.2f} s")
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"{len(LOADED)} pages, {arguments.rounds} rounds: {statistics.median(ratios):.2f} times as fast ({spread})")


if __name__ == "__main__":
    main()
