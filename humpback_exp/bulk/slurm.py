"""Workers as the tasks of a Slurm array job, submitted by datatrove's Slurm executor."""

import getpass
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from datatrove.executor.slurm import SlurmPipelineExecutor

from humpback_exp.artifacts import digest, open_stage
from humpback_exp.bulk.worker_step import WorkerStep, log_folder
from humpback_exp.bulk.workers import AnyAlive, clear
from humpback_exp.config import BulkConfig
from humpback_exp.progress import log

QUEUE_SECONDS = 30.0
"""Between two questions to Slurm's controller, which many ask."""


@contextmanager
def on_slurm(config: BulkConfig) -> Iterator[AnyAlive]:
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
        log.info(
            "submitted job %s; scancel --name=%s ends it, its logs: %s", *[executor.job_name] * 2, log_folder(config)
        )
    asked, answer = time.monotonic(), True

    def any_alive() -> bool:
        nonlocal asked, answer
        if time.monotonic() - asked > QUEUE_SECONDS:
            asked = time.monotonic()
            with suppress(subprocess.CalledProcessError):  # a controller that is busy; ask again later
                answer = queued(executor.job_name)
        return answer

    try:
        yield any_alive
    except KeyboardInterrupt:
        log.info("job %s goes on; the same command waits for it again", executor.job_name)
        raise
    except (ValueError, RuntimeError) as error:
        cancel(executor.job_name)
        raise type(error)(f"{error} (logs: {log_folder(config)})") from None
    cancel(executor.job_name)


class _ArrayJob(SlurmPipelineExecutor):
    def launch_merge_stats(self) -> None:
        """No second job for datatrove's statistics; ours are in the folder."""


def slurm_executor(config: BulkConfig) -> SlurmPipelineExecutor:
    """datatrove's executor for a stage; its job's name is that of the folder, so that it can be found again."""
    wanted = config.executor
    return _ArrayJob(
        [WorkerStep(config.folder)],
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
        logging_dir=str(log_folder(config)),
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
