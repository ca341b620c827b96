"""The tests of the suite that need a GPU: `pytest -m gpu`."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from benchmarks.gpu.rows import Row, Setup, missing


def rows(setup: Setup) -> Iterator[Row]:
    if find_spec("pytest") is None:
        yield missing("marked", "pytest -m gpu", "pytest is not installed", passed=False)
        return
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "--durations=0", *FILES]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout, done.stderr, file=sys.stderr)
    summary = (done.stdout.strip().splitlines() or [f"status {done.returncode}"])[-1].strip("= ")
    skipped = setup.tiny and done.returncode == 0
    yield Row("marked", "pytest -m gpu", summary, "all pass", passed=None if skipped else done.returncode == 0)


FILES = ["tests/test_gpu.py"]
"""Where they stand; the rest of the suite need not be collected."""
