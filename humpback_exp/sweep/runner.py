"""Points of a sweep: shown with what they cost, run where they are not finished, and told in a table.

Every point has a process of its own, which starts a process group a stage and dies with this one. A point that fails or is
killed costs no other; how it ended lies in `output_root/sweeps/`, so that points on other machines are told, too.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

from humpback_exp.config import HardwareConfig
from humpback_exp.config.bounds import require
from humpback_exp.distributed import Stopped, die_with_parent, rank
from humpback_exp.errors import INTERRUPTED, PointFailed, format_error, report
from humpback_exp.execution.launch import launch
from humpback_exp.execution.ranks import SOON, end
from humpback_exp.planning.machine import visible_gpus
from humpback_exp.progress import log, set_up_logging, table
from humpback_exp.sweep.costs import Costs
from humpback_exp.sweep.point import Point, label, log_status, planned_state, status, write_status
from humpback_exp.sweep.validate import check, require_distinct, shortfalls

Numbered = tuple[int, Point]
Submit = Callable[[Sequence[Numbered]], None]
"""Runs numbered points elsewhere, tells each as it ends, and returns after the last."""


def run(
    points: Sequence[Point], hardware: HardwareConfig | None = None, submit: Submit | None = None, n_jobs: int = 1
) -> None:
    """Print the grid with its estimates, run what is not finished, print how every point ended.

    Args:
        hardware: what hours are estimated for; None estimates none.
        submit: runs the points on a cluster; None runs them here, `n_jobs` at a time.

    Raises:
        ValueError: `n_jobs` is not positive, two points would write the same folder, or the hardware is not of the trainer's
            kind.
        PointFailed: at least one point is not finished.
        SystemExit: every point is a mistake, and each mistake has been said.
    """
    set_up_logging()
    require(n_jobs > 0, "n_jobs", n_jobs, "must be positive")
    require_distinct([point.stages for point in points])
    costs = Costs(hardware)
    check(points, n_jobs if submit is None else None)
    if points and all(point.mistake for point in points):
        sys.exit(2)
    left = [(i, point) for i, point in enumerate(points, start=1) if point.mistake is None and not point.finished]
    if left:
        rows = [
            label(i, point) | {"state": planned_state(point)} | costs.row(() if point.mistake else point.stages)
            for i, point in enumerate(points, 1)
        ]
        print(f"points\n{table(rows, '.3g')}\n{len(left)} of {len(points)} points to run, {costs.total}\n", flush=True)
        for line in shortfalls(points):
            log.warning(line)
    for _, point in left:
        point.status_file.unlink(missing_ok=True)  # of an attempt before this one
    started = time.time()
    try:
        if left and submit:
            submit(left)
        else:
            run_locally(left, n_jobs)
    finally:
        rows = [label(i, point) | status(point) for i, point in enumerate(points, 1)]
        print(f"\npoints after {time.time() - started:.0f} seconds\n{table(rows, '.4g')}", flush=True)
    if any(point.mistake is not None or not point.finished for point in points):
        raise PointFailed


def attempt(point: Point) -> int:
    """Run a point's stages, each in a process group of its own, note how it ended, and return the exit status."""
    set_up_logging()
    started, line = time.time(), ""
    try:
        for stage in point.stages:
            launch(stage, fresh=True, waits=True)
    except Exception as error:
        line = format_error(error)
        return report(error)
    else:
        return 0
    finally:
        if rank() == 0 and (line or point.finished):  # neither of a point that is to be queued again
            write_status(point, time.time() - started, line)


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
