"""sbatch, srun, squeue, sacct, scancel and scontrol for a cluster of processes: `python fake_slurm.py sbatch ...`; state lies in $FAKE_SLURM.

Tasks of an array really run the script given, as a node would run it.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

STATE = Path(os.environ["FAKE_SLURM"])


def option(name: str, text: str) -> str:
    return re.search(rf"--{name}=(\S+)", text)[1]


def alive(task: Path) -> bool:
    stat = Path("/proc", task.name, "stat")
    return stat.exists() and stat.read_text().split(") ")[1][0] != "Z"


def tasks(arguments: str) -> list[Path]:
    return [task for task in STATE.glob(f"{option('name', arguments)}/*") if alive(task)]


def sbatch(arguments: str) -> None:
    path = Path(arguments.split()[-1])
    script = path.read_text()
    with (STATE / "submitted").open("a") as file:
        print(arguments.rsplit(" ", 1)[0], file=file)
    if "--partition=missing" in script:
        sys.exit("sbatch: error: invalid partition specified: missing")
    copy = STATE / f"script-{os.getpid()}"
    copy.write_text(script)
    folder = STATE / option("job-name", script)
    folder.mkdir(exist_ok=True)
    first, last = map(int, option("array", script).split("%")[0].split("-"))
    for number in range(first, last + 1):
        output = Path(option("output", script).replace("%A", "1").replace("%a", str(number)))
        output.parent.mkdir(exist_ok=True)
        log = output.open("w")
        own = {"SLURM_ARRAY_TASK_ID": str(number), "SLURM_JOB_ID": "1", "SLURM_NODELIST": "node1"}
        own |= {"SLURM_ARRAY_JOB_ID": "1", "SLURM_NTASKS": "1", "SLURM_NNODES": "1", "SLURM_NODEID": "0"}
        process = subprocess.Popen(["bash", copy], env=os.environ | own, stdout=log, stderr=log, start_new_session=True)
        (folder / str(process.pid)).touch()
    print("Submitted batch job 1")


def srun(arguments: str) -> None:
    """One task on the same node; its output goes where the script's goes."""
    command = arguments[arguments.index(sys.executable) :].split()
    own = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_NODELIST": "node1"}
    os.execve(command[0], command, os.environ | own)


def sacct(arguments: str) -> None:
    """Tasks that ended leave their result in a file; of others it is enough to know that they ended."""
    running = any(alive(task) for task in STATE.glob("*/*") if task.name.isdecimal())
    print("JobID|State|NodeList", f"1_[0-99]|{'RUNNING' if running else 'COMPLETED'}|node1", sep="\n")


def squeue(arguments: str) -> None:
    print(*["RUNNING" for _ in tasks(arguments)], sep="\n")


def scancel(arguments: str) -> None:
    for task in tasks(arguments):
        os.killpg(int(task.name), signal.SIGKILL)


def scontrol(arguments: str) -> None:
    print(arguments.split()[-1])


if __name__ == "__main__":
    globals()[sys.argv[1]](" ".join(sys.argv[2:]))
