"""What a sweep costs beside its stages: a finished grid composed and checked, and the overhead of a point.

    python benchmarks/sweep.py [--points 64] [--repeats 3]

The grid is of models that are trained and evaluated, as the shipped sweeps are. Its points are finished by the real command
with stages that do nothing; then the command is timed, which has only to compose, check and tell. The overhead of a point is
what a sweep over segmentations, whose imports are the lightest, takes beyond the seconds in its stages' manifests.
"""

import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from humpback_exp import artifacts, sweep
from humpback_exp.point import Point

ROOT = Path(__file__).parents[1]


def pretend(point: Point) -> int:
    """Finish a point's folders without its stages."""
    for stage in point.stages:
        artifacts.finish(artifacts.begin(stage), started=time.time(), rows={})
    return 0


def command(root: str, points: int) -> list[str]:
    seeds = ",".join(map(str, range(points)))
    return [
        "train.py", "-m", "experiment=m0", "evaluation=heldout", "name='m0-s${seed}'", f"seed={seeds}", "tracking=none",
        f"output_root={root}",
    ]  # fmt: skip


def finished(points: int, repeats: int) -> list[float]:
    """Seconds of a command all of whose points are finished."""
    with tempfile.TemporaryDirectory() as root:
        if os.fork() == 0:
            sys.argv, sweep.attempt = command(root, points), pretend
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            runpy.run_path("train.py", run_name="__main__")
            os._exit(0)
        os.wait()
        return [timed(*command(root, points)) for _ in range(repeats)]


def overhead(points: int, repeats: int) -> list[float]:
    """Seconds of a point beyond those its stages take."""
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as root:
            names = ",".join(f"s{i}" for i in range(points))
            words = ["corpus.path=examples/pages", "workers=1", "tracking=none", f"output_root={root}"]
            seconds = timed("segment.py", "-m", f"name={names}", *words)
            made = [json.loads(path.read_text())["wall_seconds"] for path in Path(root).rglob("manifest.json")]
            assert len(made) == points
            found.append((seconds - sum(made)) / points)
    return found


def timed(*words: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    os.chdir(ROOT)
    for what, seconds in {
        f"{arguments.points} finished points": finished(arguments.points, arguments.repeats),
        "overhead of a point": overhead(4, arguments.repeats),
    }.items():
        print(f"{what}: {min(seconds):.2f} to {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
