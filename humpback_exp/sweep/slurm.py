"""Points on a cluster, through submitit: submitted once, joined by the same command, told as each ends.

Hydra's own submitit launcher composes every config again on the node, waits for all jobs or none, and forgets its jobs when it
is stopped. Here a job carries the frozen configs, and where it is queued lies beside the point's note.
"""

import json
import sys
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from humpback_exp import artifacts
from humpback_exp.config import TrainConfig
from humpback_exp.distributed import Stopped, rank, started_outside
from humpback_exp.execution.ranks import GRACE, save_and_stop
from humpback_exp.progress import log
from humpback_exp.sweep.attempt import attempt
from humpback_exp.sweep.point import Numbered, Point
from humpback_exp.sweep.status import log_status, write_status

SECONDS = 2.0
"""Between looks for notes of points that have ended."""
ASK = 60.0
"""Seconds between questions to Slurm about jobs that have left no note."""
SHARED = "name nodes tasks_per_node gpus_per_node cpus_per_task mem_gb timeout_min stderr_to_stdout".split()
"""submitit's names of what all kinds of clusters have."""


class Attempt:
    """What a job runs. When Slurm takes its node away, submitit asks for a `checkpoint` and has the job queued again."""

    def __call__(self, point: Point) -> int:
        """The exit status, with which a task of several ends, so that srun ends those that wait for it."""
        try:
            code = attempt(point)
        except Stopped:
            if rank() == 0:
                raise
            return 0  # all have saved; a bad exit would end the first task before it has asked for another run
        if code and started_outside():
            time.sleep(GRACE if rank() else 0)  # the first task is to note why
            sys.exit(code)
        return code

    def checkpoint(self, point: Point) -> Any:
        """The same again. It is queued at once, and Slurm then leaves little time, so the ranks must have saved."""
        from submitit.helpers import DelayedSubmission

        save_and_stop()
        return DelayedSubmission(self, point)


class Cluster:
    """A submitit launcher of Hydra's, of which only the parameters are used."""

    def __init__(self, name: str, parameters: dict[str, Any]) -> None:
        self.name, self.parameters = name, parameters

    def __call__(self, points: Sequence[Numbered]) -> None:
        """Submit the points that are not queued or running already, and wait for all of them.

        Raises:
            ValueError: a job could not be submitted.
        """
        jobs = {number: self.queued(point) for number, point in points}
        joined = [number for number, job in jobs.items() if job is not None]
        if joined:
            log.info("points %s: queued or running already, waiting for them", ", ".join(map(str, joined)))
        new = sorted((each for each in points if jobs[each[0]] is None), key=lambda each: job_shape(each[1]))
        try:
            for wanted, group in groupby(new, key=lambda each: job_shape(each[1])):
                jobs |= self.submit(list(group), wanted)
            wait_for_jobs(points, jobs)
        except BaseException:
            log.warning("points that were submitted go on by themselves; the same command joins them")
            raise

    def queued(self, point: Point) -> Any:
        """The Slurm job that a command before this one left for the point, while it waits or runs; else None."""
        from submitit.slurm.slurm import SlurmJob

        if self.name != "slurm" or not job_file(point).exists():
            return None
        there = json.loads(job_file(point).read_text(encoding="utf-8"))
        job: Any = SlurmJob(there["folder"], there["job"], there["tasks"])
        return None if has_ended(job, asks=True) else job

    def submit(self, points: Sequence[Numbered], wanted: tuple[int, int]) -> dict[int, Any]:
        """One array of jobs for points of one shape, by number; each leaves a mark of where it is queued."""
        from submitit.core.utils import FailedJobError

        executor = self.executor(*wanted)
        for _, point in points:
            job_file(point).parent.mkdir(parents=True, exist_ok=True)
        try:
            jobs = executor.map_array(Attempt(), [point for _, point in points])
        except (FailedJobError, OSError, RuntimeError) as error:
            raise ValueError(f"hydra/launcher: {str(error).strip().rpartition(chr(10))[2]}") from None
        for (_, point), job in zip(points, jobs, strict=True):
            tasks = list(range(job.num_tasks))
            facts = {"job": job.job_id, "folder": str(self.parameters["submitit_folder"]), "tasks": tasks}
            artifacts.write_text(job_file(point), json.dumps(facts))
        log.info("submitted %d points: jobs %s", len(jobs), ", ".join(job.job_id for job in jobs))
        return dict(zip([number for number, _ in points], jobs, strict=True))

    def executor(self, nodes: int, tasks: int) -> Any:
        """submitit's executor with the launcher's parameters, those that Slurm alone knows under its name."""
        from submitit import AutoExecutor

        wanted = dict(self.parameters)
        if nodes > 1:
            wanted |= {"nodes": nodes, "tasks_per_node": tasks, "srun_args": ["--kill-on-bad-exit=1"]}
        folder = wanted.pop("submitit_folder")
        named = {key if key in SHARED else f"{self.name}_{key}": value for key, value in wanted.items()}
        first = {"slurm_max_num_timeout": named.pop("slurm_max_num_timeout", 0)} if self.name == "slurm" else {}
        executor = AutoExecutor(folder=folder, cluster=self.name, **first)
        executor.update_parameters(**{key: value for key, value in named.items() if value is not None})
        return executor


def job_shape(point: Point) -> tuple[int, int]:
    """Nodes a point takes, and tasks on each: one that starts its own ranks, or on several nodes one a rank."""
    trainers = [stage.trainer for stage in point.stages if isinstance(stage, TrainConfig)]
    nodes = max((trainer.nodes for trainer in trainers), default=1)
    return nodes, max(trainer.devices for trainer in trainers) if nodes > 1 else 1


def job_file(point: Point) -> Path:
    """Where it is written in which job a point is."""
    return point.status_file.with_suffix(".job")


def has_ended(job: Any, asks: bool) -> bool:
    """Whether a job has ended; `asks` Slurm, which done() would not do of a job of several tasks."""
    if asks:
        job.get_info(mode="force")
    return bool(job.done())


def wait_for_jobs(points: Sequence[Numbered], jobs: dict[int, Any]) -> None:
    """Tell every point as it ends: by its own note, or because Slurm says that its job is gone."""
    waiting, asked = list(points), time.monotonic()
    while waiting:
        asks = time.monotonic() - asked >= ASK
        asked = time.monotonic() if asks else asked
        for number, point in list(waiting):
            job = jobs[number]
            if not point.status_file.exists():
                if not has_ended(job, asks):
                    continue
                if not point.status_file.exists():
                    write_status(point, 0, f"job {job.job_id} ended as {job.state}; logs: {job.paths.stderr}")
            waiting.remove((number, point))
            log_status(number, point)
        time.sleep(SECONDS if waiting else 0)
