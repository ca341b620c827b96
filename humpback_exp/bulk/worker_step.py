"""A worker as a step of datatrove, whose executors start it on the nodes of a cluster; the stage's folder is on a shared disk."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep
from loguru import logger

from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk.workers import worker_command
from humpback_exp.config import BulkConfig
from humpback_exp.distributed import die_with_parent

logger.disable("datatrove")  # workers' lines are kept in files, and those of this process say nothing new


class WorkerStep(PipelineStep):
    """One worker of a bulk stage. Workers take chunks by lease, so datatrove's rank says nothing about which."""

    type = "humpback"
    name = "worker"

    def __init__(self, config: BulkConfig) -> None:
        super().__init__()
        self.working_directory = os.getcwd()
        self.folder, self.restarts = config.folder, config.restarts

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """A worker in a process of its own: datatrove's Ray task waits for ever for a step that is killed.

        Raises:
            RuntimeError: it was killed, or could not go on.
        """
        os.chdir(self.working_directory)  # the config's paths may be relative
        die_with_parent()
        for _ in range(1 + self.restarts):
            status = subprocess.Popen(worker_command(self.folder), preexec_fn=die_with_parent).wait()
            if status >= 0:
                break
        if status:
            raise RuntimeError(f"the worker ended with status {status}")
        yield from ()


def log_folder(config: BulkConfig) -> Path:
    """Where datatrove keeps the script it submits and what workers print."""
    return config.folder.absolute() / CHECKPOINTS / config.executor.name
