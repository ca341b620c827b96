"""Ranks of a process group, and children that do not outlive their parent."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def rank() -> int:
    """This process's place among all ranks, as torchrun or Slurm's srun tells it; 0 where there is only one."""
    if "RANK" in os.environ:
        return int(os.environ["RANK"])
    return int(os.environ["SLURM_PROCID"]) if started_outside() else 0


def started_outside() -> bool:
    """Whether torchrun or srun started all ranks, this one among them."""
    return "RANK" in os.environ or int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel for a SIGKILL when the parent dies; stages and workers may die anywhere, so nothing gentler is needed.

    Args:
        parent: the parent's process id where the child knows it, for a parent that died before this call.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
