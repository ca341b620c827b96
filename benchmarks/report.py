"""Seconds for the pages over 500 runs: everything, one sweep of them, and a comparison of two.

    python benchmarks/report.py [runs]

The runs are small folders as stages leave them: a model and its evaluation on 40 pairs each, half of them in the sweep.
Each page is built in a process of its own, imports included.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "analysis"))

import sweep_folders as folders  # noqa: E402


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root, rng = Path(scratch), np.random.default_rng(0)
        for number in range(runs):
            size, least = 3200 * 2 ** (number % 4), (None, 4.0, 4.5)[number // 4 % 3]
            folders.point(
                root, ("data_size", "other")[number % 2], f"run{number}", folders.noisy(rng, 3.0),
                outcomes=folders.judged(rng, 0.5), seed=number, data=folders.curated(root, size, least),
            )  # fmt: skip
        for wanted in ([], ["sweep=data_size"], ["runs=run0,run1"]):
            started = time.perf_counter()
            command = [sys.executable, "report.py", f"output_root={root}", *wanted]
            subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
            print(f"{' '.join(wanted) or 'everything':20} {time.perf_counter() - started:6.1f} s over {runs} runs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
