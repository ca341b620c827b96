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
ANSWER_SECONDS = 60.0
"""What the controller may take for an answer."""
QUESTIONS = 10
"""How often a busy controller is asked before a job is submitted."""


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
    if queued_surely(executor.job_name):
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
            with suppress(subprocess.SubprocessError):  # a controller that is busy; ask again later
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
        [WorkerStep(config)],
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
    """Whether a task of the job waits, runs or is just ending.

    Raises:
        subprocess.SubprocessError: the controller is busy.
    """
    command = ["squeue", "--noheader", f"--user={getpass.getuser()}", f"--name={name}", "--format=%T"]
    return bool(
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=ANSWER_SECONDS).stdout.strip()
    )


def queued_surely(name: str) -> bool:
    """The same, asked again while the controller is busy: a job that is queued already must not be submitted twice.

    Raises:
        ValueError: there is no squeue, or the controller never answers.
    """
    for _ in range(QUESTIONS):
        try:
            return queued(name)
        except OSError as error:
            raise ValueError(f"executor=slurm: squeue cannot be run ({error.strerror}); put it on the PATH") from None
        except subprocess.SubprocessError as error:
            said = str(getattr(error, "stderr", None) or error).strip()
            log.info("squeue does not answer; asking again in %g s", QUEUE_SECONDS)
            time.sleep(QUEUE_SECONDS)
    raise ValueError(f"executor=slurm: squeue does not answer ({said}); repeat the command when the controller is well")


def cancel(name: str) -> None:
    """End what is left of the job, which may still wait for a node, and see it gone before the folder is finished."""
    deadline = time.monotonic() + QUEUE_SECONDS
    with suppress(
        OSError, subprocess.SubprocessError
    ):  # a job that nobody can ask about ends by itself: no chunk is missing
        subprocess.run(
            ["scancel", f"--user={getpass.getuser()}", f"--name={name}"], capture_output=True, timeout=ANSWER_SECONDS
        )
        while queued(name) and time.monotonic() < deadline:
            time.sleep(1)
