"""Worker processes of this machine: started, followed, ended; and what dead ones leave in a stage's folder."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk.leases import SUFFIX
from humpback_exp.config import ExecutorConfig
from humpback_exp.distributed import die_with_parent
from humpback_exp.planning.machine import visible_gpus
from humpback_exp.progress import log

FAILED = "failed.json"
"""Beside the leases: the error of the first worker that failed."""
AnyAlive = Callable[[], bool]
"""Whether a worker is still alive."""


def clear(folder: Path) -> None:
    """Remove what dead workers left: leases, half-written chunks, errors. Only for who knows that all are dead."""
    there = folder / CHECKPOINTS
    for path in [*folder.rglob(".*.parquet*.tmp"), *there.rglob(".*.tmp"), *there.glob(f"*{SUFFIX}")]:
        path.unlink(missing_ok=True)
    (folder / CHECKPOINTS / FAILED).unlink(missing_ok=True)


def worker_command(folder: Path) -> list[str]:
    """What runs a worker in a process of its own."""
    return [sys.executable, "-m", "humpback_exp.execution.bulk_worker", str(folder)]


@contextmanager
def local(folder: Path, config: ExecutorConfig, restarts: int, most: int) -> Iterator[AnyAlive]:
    """Processes of this machine, which die with this one; when one is killed the others do its chunk.

    Args:
        restarts: how many workers that were killed are replaced.
        most: workers that have something to do; each has the threads that it has among all.

    datatrove's own local executor is not used: its pool waits for ever for a worker that was killed, and its manager
    process outlives a parent that was.
    """
    own = environments(config, visible_gpus() if config.gpus else [])
    workers = [_started(folder, each) for each in own[:most]]
    reported: set[int] = set()
    left = restarts

    def any_alive() -> bool:
        nonlocal left
        for number, worker in enumerate(workers):
            if worker.pid in reported or (worker.poll() or 0) >= 0:
                continue
            reported.add(worker.pid)
            how = signal.Signals(-worker.returncode).name
            then = "another takes its place" if left else "others do its chunk"
            log.warning("worker %d of %d was killed by %s; %s", number + 1, len(workers), how, then)
            if left:
                left -= 1
                workers[number] = _started(folder, own[number])
        return any(worker.poll() is None for worker in workers)

    try:
        yield any_alive
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _started(folder: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(worker_command(folder), env=os.environ | environment, preexec_fn=die_with_parent)


def environments(config: ExecutorConfig, gpus: Sequence[str]) -> list[dict[str, str]]:
    """What each worker of this machine finds in its environment: its GPUs, and its part of the cores as threads.

    Args:
        gpus: ids of the GPUs to be given out, in order.

    Raises:
        ValueError: the workers want more than there are.
    """
    wanted = config.workers * config.gpus
    if wanted > len(gpus):
        raise ValueError(
            f"executor.workers={config.workers}: with executor.gpus={config.gpus} that takes {wanted} GPUs, "
            f"and {len(gpus)} are visible; start {len(gpus) // config.gpus} workers"
        )
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // config.workers))
    slices = [gpus[worker * config.gpus : (worker + 1) * config.gpus] for worker in range(config.workers)]
    own = [{"CUDA_VISIBLE_DEVICES": ",".join(each)} if each else {} for each in slices]
    return [{"OMP_NUM_THREADS": threads} | each for each in own]


def raise_failure(folder: Path) -> None:
    """Raise what a worker left: ValueError for the user's mistakes, RuntimeError with its traceback for ours."""
    path = folder / CHECKPOINTS / FAILED
    if path.exists():
        failure = json.loads(path.read_text())
        raise RuntimeError(failure["traceback"]) if failure["traceback"] else ValueError(f"a worker: {failure['line']}")
