"""Jobs that ask models and lose their nodes end in order, are queued again, and leave the bytes of an unbroken run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from humpback_exp import artifacts
from tests.bulk.folders import ECHO, made_segments
from tests.conftest import ROOT, run
from tests.rehearsal.test_rehearsal import wait_until
from tests.rehearsal.walk import prepared

TINY = ("model_path=models/tiny", "engine=transformers", "engine.dtype=float32", "tracking=none")
AUGMENT = ("augment.py", "model_path=echo", "chunk_size=1", "tracking=none")
CURATE = ("curate.py", "name=m0", "scorer=likelihood", "gate.pairs=0", "top_fraction=0.5", "min_score=null", *TINY)
EVALUATE = ("evaluate.py", "name=m0", *TINY)
JOBS = {
    "candidates/web": (["jobs/generate.sbatch", *AUGMENT], "data/00003.parquet"),
    "scored/m0": (["jobs/generate.sbatch", *CURATE, "chunk_size=1"], "data/00003.parquet"),
    "evals/m0": (["jobs/evaluate.sbatch", *EVALUATE[1:]], "begun.json"),
}
"""What a job makes -> its command, and a file whose presence shows that it is at work."""


@pytest.fixture(scope="module")
def whole(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output root of unbroken commands, on 60 segments."""
    root = tmp_path_factory.mktemp("unbroken")
    made_segments(root, 60)
    line = [sys.executable, *AUGMENT, f"output_root={root}"]
    subprocess.run(line, cwd=ROOT, env=os.environ | ECHO, check=True, capture_output=True)
    for command in ((*CURATE, "chunk_size=1"), EVALUATE):
        result = run(*command, f"output_root={root}")
        assert result.returncode == 0, result.stderr
    return root


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("folder", "taken_by"), [*zip(JOBS, ("slurm", "time", "slurm"), strict=True)])
def test_a_job_that_loses_its_node_ends_in_the_same_bytes(
    folder: str, taken_by: str, whole: Path, tmp_path: Path
) -> None:
    """By `slurm`, which wants the node for another, or at the end of its time, of which its script is told."""
    (command, at_work), root, page = JOBS[folder], tmp_path / "outputs", tmp_path / "page"
    inputs = [f"segments={whole}/segments/web"] if "augment.py" in command else []
    inputs += [f"candidates={whole}/candidates/web"] if "curate.py" in command else []
    echo = ECHO | {"ECHO_SECONDS": "0.05"} if inputs else {}
    environment = prepared(page) | echo
    subprocess.run(["sbatch", *command, *inputs, f"output_root={root}"], cwd=page, env=environment, check=True)
    wait_until(lambda: (root / folder / at_work).exists())
    assert not (root / folder / "manifest.json").exists()
    if taken_by == "slurm":
        subprocess.run([sys.executable, ROOT / "tests/fake_slurm.py", "preempt", "1"], env=environment, check=True)
    else:
        os.kill(script_of(int((page / "state/task-1").read_text())), signal.SIGUSR1)
    wait_until(lambda: (page / "state/ended-1").exists())
    log = next(page.glob("logs/*.log")).read_text()
    assert (page / "state/ended-1").read_text() == "0", log
    assert log.count("SIGTERM; what was finished is kept, the same command goes on from there") == 1
    assert "Traceback" not in log
    assert artifacts.load(root / folder).files == artifacts.load(whole / folder).files


def script_of(job: int) -> int:
    """The process of a job that runs its script."""
    return int(subprocess.run(["ps", "--ppid", str(job), "-o", "pid="], capture_output=True, text=True).stdout)
