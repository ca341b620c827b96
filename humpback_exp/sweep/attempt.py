"""One point, run: its stages one after another in this process, which a sweep starts for it here or on a cluster."""

import time

from humpback_exp.distributed import rank
from humpback_exp.errors import format_error, report
from humpback_exp.execution.launch import launch
from humpback_exp.planning.preflight import check_later
from humpback_exp.progress import set_up_logging
from humpback_exp.sweep.point import Point
from humpback_exp.sweep.status import write_status


def attempt(point: Point) -> int:
    """Run a point's stages, each in a process group of its own, note how it ended, and return the exit status."""
    set_up_logging()
    started, line = time.time(), ""
    try:
        for number, stage in enumerate(point.stages, start=1):
            launch(stage, fresh=True, waits=True)
            check_later(stage, point.stages[number:])
    except Exception as error:
        line = format_error(error)
        return report(error)
    else:
        return 0
    finally:
        if rank() == 0 and (line or point.finished):  # neither of a point that is to be queued again
            write_status(point, time.time() - started, line)
