"""A Slurm whose nodes are processes of this machine: `python fake_slurm.py sbatch ...`; its state lies in $FAKE_SLURM.

Tasks of an array really run the script given, as a node would run it, and srun starts as many ranks as the script asks for.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

STATE = Path(os.environ["FAKE_SLURM"])
GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL, Slurm's default for KillWait."""


def option(name: str, text: str, default: str = "") -> str:
    found = re.search(rf"--{name}=(\S+)", text)
    return found[1] if found else default


def alive(task: Path) -> bool:
    stat = Path("/proc", task.name, "stat")
    return stat.exists() and stat.read_text().split(") ")[1][0] != "Z"


def tasks(arguments: str) -> list[Path]:
    return [task for task in STATE.glob(f"{option('name', arguments)}/*") if alive(task)]


def sbatch(arguments: str) -> None:
    """`sbatch [OPTIONS] SCRIPT [ARGUMENTS]`; options of the command line stand above those of the script."""
    words = arguments.split()
    at = next(i for i, word in enumerate(words) if not word.startswith("-"))
    options, own = words[:at], words[at + 1 :]
    script = "".join(f"#SBATCH {each}\n" for each in options) + Path(words[at]).read_text()
    with (STATE / "submitted").open("a") as file:
        print(*options, file=file)
    if "--partition=missing" in script:
        sys.exit("sbatch: error: invalid partition specified: missing")
    job = len((STATE / "submitted").read_text().splitlines())
    (STATE / f"script-{job}").write_text(script)
    (STATE / f"arguments-{job}").write_text(" ".join(own))
    first, last = map(int, option("array", script, "0-0").split("%")[0].split("-"))
    for n in range(first, last + 1):
        start(f"{job}_{n}" if "--array" in script else str(job))
    print(job if "--parsable" in options else f"Submitted batch job {job}", flush=True)


def start(name: str) -> None:
    """A job or a task of an array; which process it is lies in a file of its name, and in the folder of the job's name."""
    job, _, number = name.partition("_")
    copy = STATE / f"script-{job}"
    script = copy.read_text()
    job_name = option("job-name", script)
    folder = STATE / job_name
    folder.mkdir(exist_ok=True)
    output = Path(option("output", script).replace("%A_%a", name).replace("%j", name).replace("%x", job_name))
    output.parent.mkdir(parents=True, exist_ok=True)
    own = {"SLURM_JOB_ID": job}
    if number:
        own |= {"SLURM_ARRAY_JOB_ID": job, "SLURM_ARRAY_TASK_ID": number, "SLURM_JOB_ID": f"{job}0{number}"}
    own |= {"SLURM_NODELIST": "node1", "SLURM_JOB_NUM_NODES": option("nodes", script, "1")}
    own |= {"SLURM_NTASKS_PER_NODE": option("ntasks-per-node", script, "1")}
    with output.open("a") as log:
        process = subprocess.Popen(
            [sys.executable, __file__, "run", name],
            env=os.environ | own,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / str(process.pid)).touch()
    (STATE / f"task-{name}").write_text(str(process.pid))


def run(name: str) -> None:
    """What the process of a job does: waits for the jobs it depends on, runs the script, and leaves its status in a file. As a
    node does, it kills what the script has left."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # it is for the script and its processes
    job = name.partition("_")[0]
    script = (STATE / f"script-{job}").read_text()
    needed = option("dependency", script).split(":")[1:]
    failed = any([status_of(each) for each in needed])
    words = ["bash", STATE / f"script-{job}", *(STATE / f"arguments-{job}").read_text().split()]
    status = 1 if failed else subprocess.call(words)
    if not (STATE / f"taken-{name}").exists():
        (STATE / f"ended-{name}").write_text(str(status))
    os.killpg(os.getpid(), signal.SIGKILL)


def status_of(job: str) -> int:
    """Wait for a job and return its status, 1 if it was killed; one that is queued again soon has another process."""
    ended, gone = STATE / f"ended-{job}", 0
    while not ended.exists() or not ended.read_text():
        gone = 0 if alive(Path((STATE / f"task-{job}").read_text())) else gone + 1
        if gone > 20:
            return 1
        time.sleep(0.05)
    return int(ended.read_text())


def srun(arguments: str) -> None:
    """The step's ranks, node after node; their output goes where the script's goes."""
    words = arguments.split()
    command = words[next(i for i, word in enumerate(words) if word in ("python", sys.executable)) :]
    nodes = int(option("nodes", arguments, os.environ.get("SLURM_JOB_NUM_NODES", "1")))
    each = int(option("ntasks-per-node", arguments, os.environ.get("SLURM_NTASKS_PER_NODE", "1")))
    os.environ.setdefault("SLURM_JOB_ID", "1")
    shared = {"SLURM_NTASKS": nodes * each, "SLURM_STEP_NUM_TASKS": nodes * each, "SLURM_STEP_NODELIST": "127.0.0.1"}
    ranks = []
    for rank in range(nodes * each):
        own = shared | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank % each, "SLURM_NODEID": rank // each}
        ranks.append(subprocess.Popen(command, env=os.environ | {key: str(value) for key, value in own.items()}))
    while None in [rank.poll() for rank in ranks]:
        if "--kill-on-bad-exit=1" in arguments and any(rank.returncode for rank in ranks):
            for rank in ranks:
                rank.kill()
        time.sleep(0.02)
    sys.exit(max(abs(rank.returncode) for rank in ranks))


def sacct(arguments: str) -> None:
    print("JobID|State|NodeList")
    for task in STATE.glob("task-*"):
        name = task.name.removeprefix("task-")
        ended = "PENDING" if (STATE / f"taken-{name}").exists() else "FAILED"
        print(f"{name}|{'RUNNING' if alive(Path(task.read_text())) else ended}|node1")


def squeue(arguments: str) -> None:
    """The states of a job's tasks; as often as the file `busy` says, the controller does not answer."""
    busy = STATE / "busy"
    if busy.exists():
        left = int(busy.read_text()) - 1
        busy.write_text(str(left)) if left else busy.unlink()
        sys.exit("slurm_load_jobs error: Socket timed out on send/recv operation")
    print(*["RUNNING" for _ in tasks(arguments)], sep="\n")


def scancel(arguments: str) -> None:
    for task in tasks(arguments):
        os.killpg(int(task.name), signal.SIGKILL)


def scontrol(arguments: str) -> None:
    if arguments.startswith("requeue"):
        if os.fork() == 0:  # the job asks for it itself, so who does it must outlive the job
            os.setsid()
            preempt(arguments.split()[-1])
    else:
        print(arguments.split()[-1])


def preempt(name: str) -> None:
    """Take a job's nodes and queue it again: SIGTERM to all its processes, SIGKILL to those that are left after a while."""
    leader = int((STATE / f"task-{name}").read_text())
    (STATE / f"taken-{name}").touch()
    os.killpg(leader, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and alive(Path(str(leader))):
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    start(name)
    (STATE / f"taken-{name}").unlink()


if __name__ == "__main__":
    globals()[sys.argv[1]](" ".join(sys.argv[2:]))
