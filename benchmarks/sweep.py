"""What a sweep costs beside its stages: finished grids composed and checked, and the overhead of a point.

    python benchmarks/sweep.py [--repeats 3]

The grids have 64 points each: seeds of one model; `joint`, whose points choose among option files; `iterations`, whose points
are whole loops. They are finished by the real command with stages that do nothing; then the command is timed, which has only to
compose, check and tell. The overhead of a point is what a sweep takes beyond the seconds in its stages' manifests; the floor is
what a process takes that only imports what those stages import.
"""

import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import ScoreConfig
from humpback_exp.records import ScoredCandidate, write
from humpback_exp.sweep import local
from humpback_exp.sweep.point import Point

ROOT = Path(__file__).parents[1]
SEEDS = ",".join(map(str, range(64)))
GRIDS = {
    "seeds": ["train.py", "-m", "experiment=m0", "evaluation=heldout", "name='m0-s${seed}'", f"seed={SEEDS}"],
    "joint": ["train.py", "-m", "-cd", "sweeps", "-cn", "joint", "data.size=1,2,3,4", "seed=0,1,2,3"],
    "iterations": ["pipeline.py", "-m", "-cd", "sweeps", "-cn", "iterations", f"seed={SEEDS[:37]}"],
}
STAGES = {"segment": ["segment"], "train and evaluate": ["train", "evaluate"]}
POINTS = {
    "segment": ["segment.py", "-m", "corpus.path=examples/pages", "workers=1"],
    "train and evaluate": [
        "train.py", "-m", "experiment=m0", "model=tiny", "trainer.precision=fp32", "evaluation=heldout", "optim.max_steps=2",
        "optim.batch_size=8",
    ],
}  # fmt: skip


def candidate(number: int) -> ScoredCandidate:
    """One that every selection keeps."""
    texts = {"id": str(number), "url": "u", "instruction": "i", "output": "o"}
    return ScoredCandidate(**texts, offset=number, heading_path=[], raw=[], score=5.0, outcome="scored", dropped="")


def pretend(point: Point) -> int:
    """Finish a point's folders without its stages."""
    for stage in point.stages:
        if not artifacts.is_finished(stage.folder):
            artifacts.finish(artifacts.begin(stage), started=time.time(), rows={})
    return 0


def finished(words: Sequence[str], repeats: int) -> list[float]:
    """Seconds of a command all of whose points are finished."""
    with tempfile.TemporaryDirectory() as root:
        own = f"output_root='{root}/s${{seed}}'" if words[0] == "pipeline.py" else f"output_root={root}"
        command = [*words, "tracking=none", own]
        scored = artifacts.begin(ScoreConfig(output_root=root, name="m1", candidates="c", model_path="m"))
        write(scored.folder / "data" / "00000.parquet", ScoredCandidate, [candidate(number) for number in range(8)])
        artifacts.finish(scored, started=time.time(), rows={"candidates": 8})
        if os.fork() == 0:
            sys.argv, local.attempt = command, pretend
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            runpy.run_path(words[0], run_name="__main__")
            os._exit(0)
        assert os.wait()[1] == 0, words
        return [timed(*command) for _ in range(repeats)]


def overhead(words: Sequence[str], stages: int, repeats: int, points: int = 4) -> list[float]:
    """Seconds of a point beyond those its stages take."""
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as root:
            names = ",".join(f"s{i}" for i in range(points))
            seconds = timed(*words, f"name={names}", "tracking=none", f"output_root={root}")
            made = [json.loads(path.read_text())["wall_seconds"] for path in Path(root).rglob("manifest.json")]
            assert len(made) == points * stages
            found.append((seconds - sum(made)) / points)
    return found


def floor(stages: Sequence[str], repeats: int) -> list[float]:
    """Seconds that processes take which only import the stages, one after the other."""
    imports = [f"import humpback_exp.execution.launch, humpback_exp.stages.{stage}" for stage in stages]
    return [sum(timed("-c", line) for line in imports) for _ in range(repeats)]


def timed(*words: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def show(what: str, seconds: Sequence[float]) -> None:
    print(f"{what:40} {min(seconds):6.2f} to {max(seconds):.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    os.chdir(ROOT)
    for name, words in GRIDS.items():
        show(f"64 finished points, {name}", finished(words, repeats))
    for name, words in POINTS.items():
        show(f"overhead of a point, {name}", overhead(words, len(STAGES[name]), repeats))
        show(f"of which imports, {name}", floor(STAGES[name], repeats))


if __name__ == "__main__":
    main()
