"""Workers on a Ray cluster that is up already, as tasks of datatrove's Ray executor."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from datatrove.executor.ray import RayPipelineExecutor

from humpback_exp.bulk.worker_step import WorkerStep, log_folder
from humpback_exp.bulk.workers import AnyAlive, clear
from humpback_exp.config import BulkConfig
from humpback_exp.progress import log

INSTALL = "pip install 'ray>=2.50,<3'"
LINGER = 15.0
"""Seconds that workers get to end by themselves when all chunks are there."""


@contextmanager
def on_ray(config: BulkConfig) -> Iterator[AnyAlive]:
    """Workers on the cluster; those of a node that is lost are started again elsewhere.

    Raises:
        ValueError: Ray is not installed, or there is no cluster.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ValueError(f"executor=ray: Ray is not installed; {INSTALL}") from None
    wanted = config.executor
    try:
        ray.init(address=wanted.address, logging_level="ERROR", log_to_driver=False)
    except ConnectionError:
        raise ValueError(
            f"executor.address={wanted.address}: no Ray cluster there; start one with `ray start --head`, or give host:port"
        ) from None
    clear(config.folder)
    has = {key: int(ray.cluster_resources().get(key, 0)) for key in ("CPU", "GPU")}
    if wanted.workers * wanted.cpus > has["CPU"] or wanted.workers * wanted.gpus > has["GPU"]:
        log.warning("the cluster has %(CPU)d CPUs and %(GPU)d GPUs now; workers that do not fit wait for more", has)
    executor = RayPipelineExecutor(
        [WorkerStep(config)],
        tasks=wanted.workers,
        cpus_per_task=wanted.cpus,
        mem_per_cpu_gb=wanted.memory,
        gpus_per_task=wanted.gpus,
        logging_dir=str(log_folder(config)),
        skip_completed=False,
    )
    thread = Thread(target=_until_shutdown, args=(executor,), daemon=True)
    thread.start()
    try:
        yield thread.is_alive
        thread.join(LINGER)  # Ray may crash the process where it is shut down while a thread still asks it
    finally:
        ray.shutdown()


def _until_shutdown(executor: RayPipelineExecutor) -> None:
    """Run, quietly ended by the shutdown of Ray: chunks, not this thread, say when all is done."""
    import ray

    try:
        executor.run()
    except Exception as error:
        if ray.is_initialized():
            log.warning("Ray: %s", error)
