"""Who does the chunks of a bulk stage: this process alone, or workers that it starts, follows and ends.

However they were started, workers agree through the stage's folder, and the folder says when all is done. An executor
is a context manager: it starts workers, yields a function that says whether any is left, and ends them.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.config import BulkConfig, ExecutorConfig
from humpback_exp.inference.bulk import Bulk, Chunks, share
from humpback_exp.inference.claims import SUFFIX, Claims
from humpback_exp.inference.worker import FAILED, raise_failure
from humpback_exp.planning.machine import visible_gpus
from humpback_exp.processes import die_with_parent
from humpback_exp.progress import Figures, Meter, log
from humpback_exp.tracking import Tracker

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741
Left = Callable[[], bool]
"""Whether a worker is left."""
LOOK = 0.5
"""Seconds between two looks at the folder."""


def run_chunks(config: BulkConfig, work: Bulk[I, O], tracker: Tracker) -> dict[str, float]:
    """Write `data/NNNNN.parquet` of the stage's folder, one file a chunk; chunks that exist are skipped.

    Returns:
        Rows and tokens a second and worker, over all sessions.

    Raises:
        ValueError: a worker could not go on, or none is left and chunks are missing.
    """
    chunks = Chunks(config.folder, work.total, config.chunk_size)
    missing = chunks.missing()
    done = set(chunks.numbers) - missing
    before = sum(map(chunks.figures, done), start=Figures())
    meter = Meter(work.total, f"{config.stage} {config.name}", before, tracker.log)
    if config.executor.name == "local" and config.executor.workers == 1:
        clear(config.folder)
        claims = Claims(config.folder / CHECKPOINTS, config.executor.lease)
        share(chunks, work, claims, meter.advance, meter.committed)
    elif missing:
        with executor(config) as left:
            follow(chunks, done, left, meter)
        clear(config.folder)  # of a worker that was killed while it wrote
    meter.close()
    return meter.done.speeds()


def follow(chunks: Chunks, done: set[int], left: Left, meter: Meter) -> None:
    """Wait for all chunks, moving the meter on with each.

    Args:
        done: chunks that the meter has counted.
    """
    while True:
        alive, missing = left(), chunks.missing()  # in this order: what the last worker did is seen
        for number in set(chunks.numbers) - missing - done:
            done.add(number)
            meter.committed(chunks.figures(number))
        if not missing:
            return
        raise_failure(chunks.folder)
        if not alive:
            raise ValueError(
                f"{chunks.folder}: no worker is left and {len(missing)} chunks are missing, see the lines above; "
                "what is there is kept, the same command goes on from there"
            )
        time.sleep(LOOK)


def executor(config: BulkConfig) -> AbstractContextManager[Left]:
    """The executor that `config` names."""
    if config.executor.name == "local":
        clear(config.folder)
        return local(config.folder, config.executor)
    from humpback_exp.inference import clusters

    return clusters.on_ray(config) if config.executor.name == "ray" else clusters.on_slurm(config)


def clear(folder: Path) -> None:
    """Remove what dead workers left: claims, half-written chunks, last words. Only for who knows that all are dead."""
    for path in [*(folder / "data").glob(".*.tmp"), *(folder / CHECKPOINTS).glob(f"*{SUFFIX}")]:
        path.unlink(missing_ok=True)
    (folder / CHECKPOINTS / FAILED).unlink(missing_ok=True)


def worker_command(folder: Path) -> list[str]:
    """What runs a worker in a process of its own."""
    return [sys.executable, "-m", "humpback_exp.inference.worker", str(folder)]


@contextmanager
def local(folder: Path, config: ExecutorConfig) -> Iterator[Left]:
    """Processes of this machine, which die with this one; when one is killed the others do its chunk.

    datatrove's own local executor is not used: its pool waits for ever for a worker that was killed, and its manager
    process outlives a parent that was.
    """
    own = environments(config, visible_gpus() if config.gpus else [])
    workers = [
        subprocess.Popen(worker_command(folder), env=os.environ | each, preexec_fn=die_with_parent) for each in own
    ]
    told: set[int] = set()

    def left() -> bool:
        for number, worker in enumerate(workers):
            if number not in told and (worker.poll() or 0) < 0:
                told.add(number)
                how = signal.Signals(-worker.returncode).name
                log.warning("worker %d of %d was killed by %s; others do its chunk", number + 1, len(workers), how)
        return any(worker.poll() is None for worker in workers)

    try:
        yield left
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


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
