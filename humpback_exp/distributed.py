"""Which rank this process is, how a signal ends it, how a child ends with its parent, and a process with its work."""

import atexit
import ctypes
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_PR_SET_PDEATHSIG = 1
LOST = os.EX_PROTOCOL
"""Exit status of a rank that ends only because another one did."""
STOPS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that ask a run to save and leave. People and schedulers send SIGTERM, Slurm's `--signal=USR1@300` sends SIGUSR1, and
Slurm sends SIGUSR2 to all processes of a point that submitit started."""


class Stopped(SystemExit):
    """A signal asked this process to leave, and it has saved what it has to save; the status is 128 + signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.name = signal.Signals(signum).name


def rank() -> int:
    """The global rank of this process, as torchrun or Slurm's srun sets it; 0 where there is only one process."""
    if "RANK" in os.environ:
        return int(os.environ["RANK"])
    return int(os.environ["SLURM_PROCID"]) if started_outside() else 0


def started_outside() -> bool:
    """Whether torchrun, srun or a parent of ours started all ranks, this one among them."""
    return "RANK" in os.environ or int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1


def session() -> str:
    """A name that all ranks started together share, and that ranks of another job or another attempt do not have."""
    slurm = [f"SLURM_{name}" for name in ("JOB_ID", "STEP_ID", "RESTART_COUNT")]
    names = (*slurm, "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_PORT")
    return " ".join(os.environ.get(name, "-") for name in names)


def join_slurm() -> None:
    """Set torchrun's environment variables from srun's. All ranks meet at the first rank of the first node."""
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
    """Ask the kernel to kill this process when its parent dies. Stages and workers may die anywhere, so SIGKILL does no harm.

    Args:
        parent: the parent's process id, where the child knows it; this covers a parent that died before this call.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def ended_with_its_work() -> Iterator[None]:
    """End the process with the status of what is run inside, without taking the interpreter down.

    Libraries leave threads behind that know nothing of Python: gloo's, for DeepSpeed holds on to process groups that were
    destroyed, and pyarrow's. One that meets a part of the program which is taken down already aborts a command that has done
    all its work. So Python's own threads are waited for, exit functions run, what was said is written, and the process leaves.
    """
    status = 0
    try:
        yield
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, and ends those of executors, as Python does
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)
