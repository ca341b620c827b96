"""Walks docs/reproduce.md at toy size: `python -m tests.rehearsal.walk FOLDER`, called by `make rehearsal`.

The commands are those of the page, word for word. Each gets the sizes of conf/rehearsal/ behind its script's name; two tasks
stand for all, and the Slurm of the tests stands for Slurm. For 65B one training is killed on the way, and the same lines are
pasted again; for 33B, whose heads 8 GPUs cannot share, the walk goes up to the candidates, by the page's other way to them,
while jobs for 65B run.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reproduce.md"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SCRIPT = re.compile(r"\b(segment|train|augment|curate|evaluate|plan|doctor)\.(py|sbatch)\b")
TOOLS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sacct")
SIZES = {"PAGES": "examples/pages", "CANDIDATES": "24", "GPUS": "0", "COPIES": "1", "WORKERS": "1"}
SIZES |= {"JUDGE": "models/rehearsal/heads-32"}
"""What the words of jobs/run.env are set to; the judge is a model of another size."""
OTHER_WAY = "executor=slurm"
"""In the page's line that stands for the one which makes the candidates as a job."""
ANOTHER_SIZE = ("cp ", ". ", "SEGMENTS=", "BACKWARD=", f"python augment.py {OTHER_WAY}")
"""Beginnings of the lines that are walked for 33B."""


def lines() -> list[str]:
    """Every line of the page's shell blocks, in order."""
    return [line for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")) for line in block.splitlines() if line]


def walked(model: str) -> list[str]:
    """The page's lines that are typed for a model: for 65B all but `OTHER_WAY`, for 33B those of `ANOTHER_SIZE`."""
    if model == "llama65b":
        return [line for line in lines() if OTHER_WAY not in line]
    return [line for line in lines() if line.startswith(ANOTHER_SIZE)]


def at_toy_size(line: str) -> str:
    """A line of the page with the sizes of a rehearsal behind each script that has some, two tasks for all, and one worker."""
    line = SCRIPT.sub(lambda found: f"{found[0]} +rehearsal={found[1]}", line)
    line = re.sub(r"--ntasks-per-node=\d+ ?", "", line)
    line = re.sub(r"\bworkers=\d+", "workers=1", line)
    tasks = 2 if re.search(r"train\.sbatch|doctor\.py", line) else 1
    return re.sub(r"(sbatch --parsable|^srun)( --nodes=\S+)?", rf"\1 --nodes={tasks} --ntasks-per-node=1", line)


def with_sizes(words: str, model: str) -> str:
    """The words of jobs/run.env, with those of `SIZES`."""
    sizes = SIZES | {"MODEL": model}
    return re.sub(
        r"^([A-Z]+)=(\S+)", lambda word: f"{word[1]}={sizes.get(word[1], word[2])}", words, flags=re.MULTILINE
    )


def walk(folder: Path) -> None:
    """Type the page's lines for each model in a folder of its name, with a copy of the checkout's front in it.

    Raises:
        SystemExit: a line or a job failed; its own output is above.
    """
    large, medium = folder / "llama65b", folder / "llama33b"
    try:
        queue(large)
        kill_midway(large)
        print("m1 was killed after its first checkpoint; the same lines again", flush=True)
        queue(large)
        for walked_in in (queue(medium), large):
            finish(walked_in)
    finally:
        end_jobs(large / "state")
        end_jobs(medium / "state")


def queue(folder: Path) -> Path:
    """Type the lines up to the last one that queues a job, in a folder that is prepared if it was not; return it."""
    if not folder.exists():
        prepared(folder)
        words = (ROOT / "jobs/run.env").read_text(encoding="utf-8")
        (folder / "jobs/run.env").write_text(with_sizes(words, folder.name))
    type_lines(by_queue(walked(folder.name))[0], folder)
    return folder


def finish(folder: Path) -> None:
    """Wait for the jobs and type the lines that want them to have ended, in a new shell."""
    before, after = by_queue(walked(folder.name))
    wait_for_jobs(folder)
    type_lines([*(line for line in before if line.startswith(". ")), *after], folder)


def by_queue(typed: list[str]) -> tuple[list[str], list[str]]:
    """The lines up to the last one that queues a job, and those behind, which want the jobs to have ended."""
    end = max(i for i, line in enumerate(typed) if "sbatch" in line) + 1
    return typed[:end], typed[end:]


def type_lines(typed: list[str], folder: Path) -> None:
    """Paste lines into one shell, which stops at the first that fails."""
    script = "\n".join(["set -xeuo pipefail", *map(at_toy_size, typed)])
    status = subprocess.run(["bash", "-c", script], cwd=folder, env=environment_in(folder)).returncode
    if status:
        sys.exit(f"the line above ended with status {status}")


def wait_for_jobs(folder: Path) -> None:
    """Return once every job has ended; exit where one failed that was not submitted again. An array's command waits itself."""
    state = folder / "state"
    newest = {(state / f"arguments-{job}").read_text(): job for job in jobs(state)}
    for arguments, job in newest.items():
        while not (state / f"ended-{job}").exists():
            time.sleep(0.2)
        if (state / f"ended-{job}").read_text() != "0":
            told = next(folder.glob(f"logs/*-{job}.log")).read_text()[-3000:]
            sys.exit(f"job {job}, {arguments}: failed\n{told}")


def jobs(state: Path) -> list[int]:
    """Numbers of the jobs that were submitted, but for arrays, in their order."""
    return sorted(int(path.name.partition("-")[2]) for path in state.glob("task-*") if "_" not in path.name)


def prepared(folder: Path) -> dict[str, str]:
    """Links to what the page's commands need, the tools of a Slurm of processes, and the environment to find them."""
    for name in ("bin", "state", "jobs"):
        (folder / name).mkdir(parents=True)
    for name in TOOLS:
        tool = folder / "bin" / name
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/fake_slurm.py {name} "$@"\n')
        tool.chmod(0o755)
    for script in ROOT.glob("jobs/*.sbatch"):
        shutil.copy(script, folder / "jobs")
    for path in [*ROOT.glob("*.py"), *(ROOT / name for name in ("conf", "examples", "models", "humpback_exp"))]:
        (folder / path.name).symlink_to(path)
    (folder / ".venv").symlink_to(sys.prefix)
    return environment_in(folder)


def environment_in(folder: Path) -> dict[str, str]:
    """The environment of a shell in a prepared folder."""
    path = f"{folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "FAKE_SLURM": f"{folder}/state", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}


def kill_midway(folder: Path) -> None:
    """Kill the whole job that trains M1 once there is a checkpoint, and wait until what depends on it has ended."""
    state, model = folder / "state", folder / "outputs" / folder.name / "models/m1"
    job = next(job for job in jobs(state) if "experiment=m1" in (state / f"arguments-{job}").read_text())
    while not any((model / "checkpoints").glob("*.ckpt")):
        assert not (state / f"ended-{job}").exists(), "the training ended before it could be killed"
        time.sleep(0.05)
    os.killpg(int((state / f"task-{job}").read_text()), signal.SIGKILL)
    while not all((state / f"ended-{other}").exists() for other in jobs(state) if other != job):
        time.sleep(0.2)
    assert not (model / "manifest.json").exists(), "the training had ended before it was killed"


def end_jobs(state: Path) -> None:
    """Leave no job behind where the walk ends early."""
    for job in jobs(state):
        if not (state / f"ended-{job}").exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int((state / f"task-{job}").read_text()), signal.SIGKILL)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    walk(target.absolute())
