"""Walks docs/reproduce.md at toy size: `python -m tests.rehearsal.walk FOLDER`, called by `make rehearsal`.

The commands are those of the page, word for word. Each gets the sizes of conf/rehearsal/ behind its script's name; two tasks
stand for all, and the Slurm of the tests stands for Slurm. One training is killed on the way, and its line submitted again.
"""

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
SIZES = {"PAGES": "examples/pages", "GPUS": "0", "COPIES": "1"}
"""What the page's own words are set to."""
KILLED = "experiment=m1"
"""The line that is killed after its first checkpoint."""


def lines() -> list[str]:
    """Every line of the page's shell blocks, in order."""
    return [line for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")) for line in block.splitlines() if line]


def at_toy_size(line: str) -> str:
    """A line of the page with the sizes of a rehearsal behind each script that has some, and two tasks for all."""
    line = SCRIPT.sub(lambda found: f"{found[0]} +rehearsal={found[1]}", line)
    line = re.sub(r"--ntasks-per-node=\d+ ?", "", line)
    tasks = 2 if re.search(r"train\.sbatch|doctor\.py", line) else 1
    return re.sub(r"^(sbatch|srun)( --wait)?( --nodes=\S+)?", rf"\1\2 --nodes={tasks} --ntasks-per-node=1", line)


def with_sizes(line: str) -> str:
    """A line that sets words, with those of `SIZES`."""
    return re.sub(r"\b([A-Z]+)=(\S+)", lambda found: f"{found[1]}={SIZES.get(found[1], found[2])}", line)


def walk(folder: Path) -> None:
    """Run the page's lines one after another in one shell's words, in a copy of the checkout's front in `folder`.

    Raises:
        SystemExit: a line failed; its own output is above.
    """
    environment = prepared(folder)
    words = ""
    for line in lines():
        if re.match(r"[A-Z]+=", line):
            words += with_sizes(line) + "\n"
            continue
        command = at_toy_size(line)
        started = time.time()
        print(f"$ {command}", flush=True)
        if KILLED in line:
            kill_midway(words + command, folder, environment)
            print("  killed after its first checkpoint; the same line again", flush=True)
        status = subprocess.run(["bash", "-euc", words + command], cwd=folder, env=environment).returncode
        print(f"  {time.time() - started:.0f} s", flush=True)
        if status:
            told = sorted((folder / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
            sys.exit(f"{line}: ended with status {status}\n" + (told[-1].read_text()[-3000:] if told else ""))


def prepared(folder: Path) -> dict[str, str]:
    """Links to what the page's commands need, the tools of a Slurm of processes, and the environment to find them."""
    (folder / "bin").mkdir(parents=True)
    (folder / "state").mkdir()
    for name in TOOLS:
        tool = folder / "bin" / name
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/fake_slurm.py {name} "$@"\n')
        tool.chmod(0o755)
    for path in [
        *ROOT.glob("*.py"),
        ROOT / "conf",
        ROOT / "jobs",
        ROOT / "examples",
        ROOT / "models",
        ROOT / "humpback_exp",
    ]:
        (folder / path.name).symlink_to(path)
    path = f"{folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "FAKE_SLURM": f"{folder}/state", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}


def kill_midway(command: str, folder: Path, environment: dict[str, str]) -> None:
    """Submit a training and kill the whole of its job once it has a checkpoint."""
    process = subprocess.Popen(["bash", "-euc", command], cwd=folder, env=environment)
    model = next(iter(folder.glob("outputs/*"))) / "models/m1"
    while not any((model / "checkpoints").glob("*.ckpt")):
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.05)
    for task in (folder / "state/train").iterdir():
        if Path("/proc", task.name).exists():
            os.killpg(int(task.name), signal.SIGKILL)
    process.wait()
    assert not (model / "manifest.json").exists(), "the training had ended before it was killed"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    walk(target.absolute())
