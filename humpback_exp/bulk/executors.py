"""Who does the chunks of a bulk stage: this process alone, or workers that it starts, follows and ends.

However they were started, workers agree through the stage's folder, and the folder says when all is done. An executor
is a context manager: it starts workers, yields a function that says whether any is left, and ends them.
"""

import time
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk.chunks import Bulk, Chunks, work_through
from humpback_exp.bulk.leases import Leases
from humpback_exp.bulk.meter import Meter, Throughput
from humpback_exp.bulk.workers import AnyAlive, clear, local, raise_failure
from humpback_exp.config import BulkConfig
from humpback_exp.tracking import Tracker

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741
LOOK = 0.5
"""Seconds between two looks at the folder."""


def run_chunks(config: BulkConfig, work: Bulk[I, O], tracker: Tracker) -> dict[str, float]:
    """Write `data/NNNNN.parquet` of the stage's folder, one file a chunk; chunks that exist are skipped.

    Returns:
        Rows and tokens a second and worker, over all sessions.

    Raises:
        ValueError: a worker could not go on, or none is left and chunks are missing.
    """
    chunks = work.chunks(config)
    missing = chunks.missing()
    done = set(chunks.numbers) - missing
    before = sum(map(chunks.figures, done), start=Throughput())
    meter = Meter(work.total, f"{config.stage} {config.name}", before, tracker.log, work.words)
    if config.executor.name == "local" and config.executor.workers == 1:
        clear(config.folder)
        leases = Leases(config.folder / CHECKPOINTS, config.executor.lease)
        work_through(chunks, work, leases, meter.advance, meter.committed)
    elif missing:
        with executor(config, len(missing)) as any_alive:
            follow(chunks, done, any_alive, meter)
    clear(config.folder)  # of who was killed while it wrote, the command that ends the stage among them
    meter.close()
    return meter.done.speeds()


def follow(chunks: Chunks, done: set[int], any_alive: AnyAlive, meter: Meter) -> None:
    """Wait for all chunks, moving the meter on with each.

    Args:
        done: chunks that the meter has counted.
    """
    while True:
        alive = any_alive()  # asked first, so that the last chunk of the last worker is seen
        missing = chunks.missing()
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


def executor(config: BulkConfig, chunks: int) -> AbstractContextManager[AnyAlive]:
    """The executor that `config` names, with no more workers than chunks."""
    if config.executor.name == "local":
        clear(config.folder)
        return local(config.folder, config.executor, config.restarts, chunks)
    config = replace(config, executor=replace(config.executor, workers=min(config.executor.workers, chunks)))
    if config.executor.name == "ray":
        from humpback_exp.bulk.ray import on_ray

        return on_ray(config)
    from humpback_exp.bulk.slurm import on_slurm

    return on_slurm(config)
