"""Points of a sweep: shown with what they cost, run where they are not finished, and told in a table.

Every point has a process of its own, which starts a process group a stage and dies with this one. A point that fails or is
killed costs no other; how it ended lies in `output_root/sweeps/`, so that points on other machines are told, too.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

from humpback_exp import artifacts
from humpback_exp.config import HardwareConfig
from humpback_exp.config.base import require
from humpback_exp.cost import Costs
from humpback_exp.errors import INTERRUPTED, PointFailed, explained, report
from humpback_exp.grid import require_distinct, require_inputs
from humpback_exp.launch import launch
from humpback_exp.point import Point, ended, facts, note, state, tell
from humpback_exp.processes import Stopped, die_with_parent, rank
from humpback_exp.progress import set_up_logging, table

EVERY = 2.0
"""Seconds between looks for notes of points on other machines."""
Submit = Callable[[Sequence[Point]], None]
"""Runs points elsewhere and returns when the last has ended."""


def run(points: Sequence[Point], hardware: HardwareConfig | None = None, submit: Submit | None = None) -> None:
    """Print grid and cost, run what is not finished, print how every point ended.

    Args:
        hardware: what hours are foretold for; None foretells none.
        submit: None runs the points here, `n_jobs` at a time.

    Raises:
        ValueError: two points would write the same folder, or the hardware is not of the trainer's kind.
        PointFailed: at least one point is not finished.
    """
    set_up_logging()
    require_distinct([point.stages for point in points])
    check(points)
    left = [(i, point) for i, point in enumerate(points, start=1) if point.mistake is None and not point.finished]
    for _, point in left:
        point.note.unlink(missing_ok=True)
    started = time.time()
    if left:
        costs = Costs(hardware)
        rows = [
            facts(i, point) | {"state": state(point)} | costs.row(() if point.mistake else point.stages)
            for i, point in enumerate(points, 1)
        ]
        print(f"points\n{table(rows, '.3g')}\n{len(left)} of {len(points)} points to run, {costs.total}\n", flush=True)
    try:
        if left and submit is None:
            run_here(left, left[0][1].stages[0].n_jobs)
        elif left and submit:
            run_there(left, submit)
    finally:
        rows = [facts(i, point) | ended(point) for i, point in enumerate(points, 1)]
        print(f"\npoints after {time.time() - started:.0f} seconds\n{table(rows, '.4g')}", flush=True)
    if any(point.mistake is not None or not point.finished for point in points):
        raise PointFailed


def check(points: Sequence[Point]) -> None:
    """Find what is wrong with points before one is started, and say it once; the others run all the same."""
    said: set[str] = set()
    for point in points:
        try:
            if point.mistake is not None:
                raise point.mistake
            for stage in point.stages:
                require(stage.n_jobs > 0, "n_jobs", stage.n_jobs, "must be positive")
            require_inputs(point.stages)
            for stage in point.stages if point.finished else ():
                artifacts.begin(stage, write=False)
        except Exception as error:
            if explained(error) not in said:
                report(error)
            said.add(explained(error))
            point.mistake = error


def attempt(point: Point) -> int:
    """Run a point's stages, each in a process group of its own, note how it ended, and return the exit status."""
    set_up_logging()
    started, code, line = time.time(), 0, ""
    try:
        for stage in point.stages:
            launch(stage, fresh=True, waits=True)
    except Exception as error:
        code, line = report(error), explained(error)
    if rank() == 0:
        note(point, time.time() - started, line)
    return code


def run_here(points: Sequence[tuple[int, Point]], n_jobs: int) -> None:
    """Run numbered points in forked processes that die with this one, `n_jobs` at a time.

    Raises:
        Stopped: a signal came; the points got it too, have saved and ended.
    """
    waiting, running = list(points), dict[ForkProcess, tuple[int, Point, float]]()
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                number, point = waiting.pop(0)
                process = multiprocessing.get_context("fork").Process(target=alone, args=(point, os.getpid()))
                process.start()
                running[process] = number, point, time.time()
            wait([process.sentinel for process in running])
            for process in [each for each in running if each.exitcode is not None]:
                number, point, started = running.pop(process)
                if (code := process.exitcode or 0) < 0:
                    killed = f"was killed by {signal.Signals(-code).name}; the same command goes on from there"
                    note(point, time.time() - started, killed)
                tell(number, point)
    except Stopped:
        for process in running:
            process.terminate()
        raise
    finally:
        for process in running:
            process.join()


def alone(point: Point, parent: int) -> None:
    """What the process of a point does; on Ctrl-C its parent does the talking."""
    die_with_parent(parent)
    try:
        sys.exit(attempt(point))
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


def run_there(points: Sequence[tuple[int, Point]], submit: Submit) -> None:
    """Run numbered points elsewhere, and say that one has ended when its note is there."""
    over = threading.Event()

    def watch() -> None:
        waiting = list(points)
        while waiting:
            last = over.wait(EVERY)
            for number, point in [each for each in waiting if each[1].note.exists()]:
                waiting.remove((number, point))
                tell(number, point)
            if last:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        submit([point for _, point in points])
    finally:
        over.set()
        watcher.join()
