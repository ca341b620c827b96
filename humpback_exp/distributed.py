"""Who this process is among the ranks, how a signal ends it, and that no child outlives its parent."""

import ctypes
import os
import re
import signal
from types import FrameType

_PR_SET_PDEATHSIG = 1
LOST = os.EX_PROTOCOL
"""Exit status of a rank that ends only because another one did."""
STOPS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What asks a run to save and leave: SIGTERM by people and schedulers, SIGUSR1 by Slurm's `--signal=USR1@300`, SIGUSR2 by
Slurm to all processes of a point that submitit put there."""


class Stopped(SystemExit):
    """A signal asked this process to leave, and it has saved what it has to save; the status is 128 + signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.name = signal.Signals(signum).name


def rank() -> int:
    """This process's place among all ranks, as torchrun or Slurm's srun tells it; 0 where there is only one."""
    if "RANK" in os.environ:
        return int(os.environ["RANK"])
    return int(os.environ["SLURM_PROCID"]) if started_outside() else 0


def started_outside() -> bool:
    """Whether torchrun, srun or a parent of ours started all ranks, this one among them."""
    return "RANK" in os.environ or int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1


def session() -> str:
    """What ranks that were started together from outside have in common, and those of another job or another try do not."""
    names = (
        "SLURM_JOB_ID",
        "SLURM_STEP_ID",
        "SLURM_RESTART_COUNT",
        "TORCHELASTIC_RUN_ID",
        "TORCHELASTIC_RESTART_COUNT",
    )
    return " ".join(os.environ.get(name, "-") for name in (*names, "MASTER_PORT"))


def join_slurm() -> None:
    """Give what srun tells its ranks the names torchrun uses; the first node's first rank is where all meet."""
    if "RANK" in os.environ or not started_outside():
        return
    slurm = os.environ
    first = re.sub(r"\[([^],-]*)[^]]*\]", r"\1", slurm["SLURM_STEP_NODELIST"]).split(",")[0]
    os.environ |= {
        "RANK": slurm["SLURM_PROCID"],
        "LOCAL_RANK": slurm["SLURM_LOCALID"],
        "GROUP_RANK": slurm["SLURM_NODEID"],
        "WORLD_SIZE": slurm["SLURM_STEP_NUM_TASKS"],
        "MASTER_ADDR": slurm.get("MASTER_ADDR", first),
        "MASTER_PORT": slurm.get("MASTER_PORT", str(20000 + int(slurm["SLURM_JOB_ID"]) % 10000)),
    }


def leave_on_signals() -> None:
    """Make the first signal of `STOPS` raise `Stopped`, as Ctrl-C raises KeyboardInterrupt; later ones are ignored."""

    def leave(signum: int, _: FrameType | None) -> None:
        for each in STOPS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signum)

    for each in STOPS:
        signal.signal(each, leave)


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel for a SIGKILL when the parent dies; stages and workers may die anywhere, so nothing gentler is needed.

    Args:
        parent: the parent's process id where the child knows it, for a parent that died before this call.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
