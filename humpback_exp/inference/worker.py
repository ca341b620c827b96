"""One worker of a bulk stage: opens the frozen folder, does its share, leaves a word when it cannot go on.

`python -m humpback_exp.inference.worker FOLDER` is a local worker; a cluster's call `work_on`.
"""

import importlib
import json
import signal
import sys
import traceback
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.config import BulkConfig
from humpback_exp.inference.bulk import Bulk, Chunks, share
from humpback_exp.inference.claims import Claims
from humpback_exp.processes import die_with_parent
from humpback_exp.progress import set_up_logging

FAILED = "failed.json"
"""Beside the claims: what the first worker that failed had to say."""
USERS = (ValueError, OSError, ModuleNotFoundError)
"""What the user can mend; said in one line."""


def work_on(folder: Path) -> None:
    """Do chunks of the stage in `folder` until none is missing; a folder that is finished needs nothing.

    Raises:
        Exception: whatever went wrong, left in `FAILED` for the command that waits for the workers.
    """
    if (folder / "manifest.json").exists():
        return
    try:
        config, _ = artifacts.open_stage(folder)
        assert isinstance(config, BulkConfig)
        work: Bulk = importlib.import_module(f"humpback_exp.stages.{config.stage}").bulk(config)
        claims = Claims(folder / CHECKPOINTS, config.executor.lease)
        share(Chunks(folder, work.total, config.chunk_size), work, claims, lambda *_: None, lambda *_: None)
    except Exception as error:
        line = f"{type(error).__name__}: {error}" if not isinstance(error, USERS) else str(error)
        told = {"line": line, "traceback": None if isinstance(error, USERS) else traceback.format_exc()}
        artifacts.write_text(folder / CHECKPOINTS / FAILED, json.dumps(told))
        raise


def raise_failure(folder: Path) -> None:
    """Raise what a worker left: ValueError for the user's mistakes, RuntimeError with its traceback for ours."""
    path = folder / CHECKPOINTS / FAILED
    if path.exists():
        told = json.loads(path.read_text())
        raise RuntimeError(told["traceback"]) if told["traceback"] else ValueError(f"a worker: {told['line']}")


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
