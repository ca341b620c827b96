"""Workers on a Ray or a Slurm cluster, started by datatrove's executors; the stage's folder must be on a shared disk."""

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from datatrove.executor.ray import RayPipelineExecutor
from datatrove.executor.slurm import SlurmPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from humpback_exp.artifacts import CHECKPOINTS, digest, open_stage
from humpback_exp.bulk.workers import Left, clear, worker_command
from humpback_exp.config import BulkConfig
from humpback_exp.distributed import die_with_parent
from humpback_exp.progress import log

logger.disable(
    "datatrove"
)  # of its many lines, those of workers are kept in files; those of this process say nothing new
RAY = "pip install 'ray>=2.50,<3'"
QUEUE_SECONDS = 30.0
"""Between two questions to Slurm's controller, which many ask."""


class Share(PipelineStep):
    """A worker's share of a bulk stage as a step of datatrove; chunks are claimed, so its rank says nothing about them."""

    type, name = "humpback", "share"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.place, self.folder = os.getcwd(), folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """A worker in a process of its own: datatrove's Ray task waits for ever for a step that is killed.

        Raises:
            RuntimeError: it was killed, or could not go on.
        """
        os.chdir(self.place)  # the config's paths may be relative
        die_with_parent()
        status = subprocess.Popen(worker_command(self.folder), preexec_fn=die_with_parent).wait()
        if status:
            raise RuntimeError(f"the worker ended with status {status}")
        yield from ()


@contextmanager
def on_ray(config: BulkConfig) -> Iterator[Left]:
    """Workers on a Ray cluster that is running already; those of a node that is lost are started again elsewhere.

    Raises:
        ValueError: Ray is not installed, or there is no cluster.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ValueError(f"executor=ray: Ray is not installed; {RAY}") from None
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
        [Share(config.folder)],
        tasks=wanted.workers,
        cpus_per_task=wanted.cpus,
        mem_per_cpu_gb=wanted.memory,
        gpus_per_task=wanted.gpus,
        logging_dir=str(_logs(config)),
        skip_completed=False,
    )
    thread = Thread(target=_until_shutdown, args=(executor,), daemon=True)
    thread.start()
    try:
        yield thread.is_alive
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


@contextmanager
def on_slurm(config: BulkConfig) -> Iterator[Left]:
    """The tasks of an array job. A job that is still queued from an earlier command is joined, not submitted again.

    Ctrl-C ends this command, not the job.

    Raises:
        ValueError: there is no Slurm here, or it refuses the job.
    """
    if not shutil.which("sbatch"):
        raise ValueError(
            "executor=slurm: no sbatch on the PATH; run this on a login node of the cluster, or executor=local"
        )
    executor = slurm_executor(config)
    if queued(executor.job_name):
        log.info("job %s is queued or running already; waiting for it", executor.job_name)
    else:
        clear(config.folder)
        try:
            executor.run()
        except subprocess.CalledProcessError as error:
            raise ValueError(
                f"executor=slurm: sbatch ended with status {error.returncode}; its own line is above"
            ) from None
        log.info("submitted job %s; scancel --name=%s ends it, its logs: %s", *[executor.job_name] * 2, _logs(config))
    asked, answer = time.monotonic(), True

    def left() -> bool:
        nonlocal asked, answer
        if time.monotonic() - asked > QUEUE_SECONDS:
            asked = time.monotonic()
            with suppress(subprocess.CalledProcessError):  # a controller that is busy; ask again later
                answer = queued(executor.job_name)
        return answer

    try:
        yield left
    except KeyboardInterrupt:
        log.info("job %s goes on; the same command waits for it again", executor.job_name)
        raise
    except (ValueError, RuntimeError) as error:
        cancel(executor.job_name)
        raise type(error)(f"{error} (logs: {_logs(config)})") from None
    cancel(executor.job_name)


class _Job(SlurmPipelineExecutor):
    def launch_merge_stats(self) -> None:
        """No second job for datatrove's statistics; ours are in the folder."""


def slurm_executor(config: BulkConfig) -> SlurmPipelineExecutor:
    """datatrove's executor for a stage; its job's name is that of the folder, so that it can be found again."""
    wanted = config.executor
    return _Job(
        [Share(config.folder)],
        tasks=wanted.workers,
        time=wanted.time,
        partition=wanted.partition,
        cpus_per_task=wanted.cpus,
        mem_per_cpu_gb=wanted.memory,
        gpus_per_task=wanted.gpus,
        job_name=job_name(config),
        qos=None,
        env_command=wanted.setup,
        sbatch_args=wanted.sbatch,
        logging_dir=str(_logs(config)),
        skip_completed=False,
        with_srun=False,  # one task a job step; srun would not pass on the cores of the task
    )


def job_name(config: BulkConfig) -> str:
    """The same for the same run in the same place, however often it is started."""
    _, artifact = open_stage(config.folder)
    place = digest([artifact.manifest.fingerprint, str(config.folder.absolute())])
    return f"{config.stage}-{config.name}-{place[:12]}".replace("/", "-")


def queued(name: str) -> bool:
    """Whether a task of the job waits, runs or is just ending."""
    command = ["squeue", "--noheader", f"--user={getpass.getuser()}", f"--name={name}", "--format=%T"]
    return bool(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def cancel(name: str) -> None:
    """End what is left of the job, which may still wait for a node, and see it gone before the folder is finished."""
    subprocess.run(["scancel", f"--user={getpass.getuser()}", f"--name={name}"], capture_output=True)
    deadline = time.monotonic() + QUEUE_SECONDS
    while queued(name) and time.monotonic() < deadline:
        time.sleep(1)


def _logs(config: BulkConfig) -> Path:
    return config.folder.absolute() / CHECKPOINTS / config.executor.name
