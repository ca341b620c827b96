"""Points on this machine, each in a forked process that dies with this one, with its share of the GPUs."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

from humpback_exp.distributed import Stopped, die_with_parent
from humpback_exp.errors import INTERRUPTED
from humpback_exp.execution.ranks import SOON, end
from humpback_exp.planning.machine import visible_gpus
from humpback_exp.sweep.attempt import attempt
from humpback_exp.sweep.point import Numbered, Point
from humpback_exp.sweep.status import log_status, write_status


def run_locally(points: Sequence[Numbered], n_jobs: int) -> None:
    """Run numbered points in forked processes that die with this one, `n_jobs` at a time, each with its share of the GPUs.

    A point waits while another makes a folder that it needs, too, and lets those behind it pass.

    Raises:
        Stopped: a signal came; the points got it too, have saved and ended.
    """
    waiting, running = list(points), dict[ForkProcess, tuple[int, Point, float, str]]()
    free = split_gpus(visible_gpus(), n_jobs)
    try:
        while waiting or running:
            held = {folder for _, point, *_ in running.values() for folder in point.missing}
            ready = next((each for each in waiting if free and not held & each[1].missing), None)
            if ready is not None:
                waiting.remove(ready)
                gpus = free.pop(0)
                process = multiprocessing.get_context("fork").Process(
                    target=run_in_child, args=(ready[1], os.getpid(), gpus)
                )
                process.start()
                running[process] = *ready, time.time(), gpus
                continue
            wait([process.sentinel for process in running])
            for process in [each for each in running if each.exitcode is not None]:
                number, point, started, gpus = running.pop(process)
                free.append(gpus)
                if (code := process.exitcode or 0) < 0:
                    killed = f"was killed by {signal.Signals(-code).name}; the same command goes on from there"
                    write_status(point, time.time() - started, killed)
                log_status(number, point)
    except (Stopped, KeyboardInterrupt) as why:
        end(running, 2 * SOON if isinstance(why, KeyboardInterrupt) else 0.0)
        raise


def split_gpus(gpus: Sequence[str], n_jobs: int) -> list[str]:
    """CUDA_VISIBLE_DEVICES of each of the points that run at a time; empty where there is no GPU."""
    size = len(gpus) // n_jobs
    return [",".join(gpus[place * size : (place + 1) * size]) for place in range(n_jobs)]


def run_in_child(point: Point, parent: int, gpus: str) -> None:
    """What the process of a point does; on Ctrl-C its parent does the talking."""
    die_with_parent(parent)
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus
    try:
        sys.exit(attempt(point))
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
