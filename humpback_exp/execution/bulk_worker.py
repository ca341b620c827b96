"""One worker of a bulk stage: opens the frozen folder, does its share, leaves a word when it cannot go on.

`python -m humpback_exp.execution.bulk_worker FOLDER` is a local worker.
"""

import json
import signal
import sys
import traceback
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk.chunks import Bulk, work_through
from humpback_exp.bulk.leases import Leases
from humpback_exp.bulk.workers import FAILED
from humpback_exp.config import BulkConfig
from humpback_exp.distributed import die_with_parent
from humpback_exp.errors import format_error
from humpback_exp.execution.stage_modules import stage_module
from humpback_exp.progress import set_up_logging

USERS = (ValueError, OSError, ModuleNotFoundError)
"""What the user can mend; said in one line."""


def work_on(folder: Path) -> None:
    """Do chunks of the stage in `folder` until none is missing; a folder that is finished needs nothing.

    Raises:
        Exception: whatever went wrong, left in `FAILED` for the command that waits for the workers.
    """
    if artifacts.is_finished(folder):
        return
    try:
        config, _ = artifacts.open_stage(folder)
        assert isinstance(config, BulkConfig)
        work: Bulk = stage_module(config).bulk(config)
        leases = Leases(folder / CHECKPOINTS, config.executor.lease)
        work_through(work.chunks(config), work, leases, lambda *_: None, lambda *_: None)
    except Exception as error:
        line = f"{type(error).__name__}: {error}" if not isinstance(error, USERS) else format_error(error)
        told = {"line": line, "traceback": None if isinstance(error, USERS) else traceback.format_exc()}
        artifacts.write_text(folder / CHECKPOINTS / FAILED, json.dumps(told))
        raise


def main() -> None:
    """A local worker; the parent says what went wrong, and ends us on Ctrl-C."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_up_logging()
    try:
        work_on(Path(sys.argv[1]))
    except Exception:
        sys.exit(1)


if __name__ == "__main__":
    main()
