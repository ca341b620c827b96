"""Points of a sweep: shown with what they cost, run where they are not finished, and told in a table.

Every point has a process of its own, which starts a process group a stage and dies with this one. A point that fails or is
killed costs no other; how it ended lies in `output_root/sweeps/`, so that points on other machines are told, too.
"""

import sys
import time
from collections.abc import Callable, Sequence

from humpback_exp.config import HardwareConfig
from humpback_exp.config.bounds import require
from humpback_exp.errors import PointFailed
from humpback_exp.progress import log, set_up_logging, table
from humpback_exp.sweep.costs import Costs
from humpback_exp.sweep.local import run_locally
from humpback_exp.sweep.point import Numbered, Point
from humpback_exp.sweep.status import label, planned_state, status
from humpback_exp.sweep.validate import check, require_distinct, shortfalls

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
