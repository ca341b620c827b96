"""The ranks of a stage as one process group: how many there must be, how those of a node are started, how others join.

Ranks on one node are started from here. On several nodes torchrun or srun starts the command itself once a rank: the first rank
does what a single process would do, the others follow it from stage to stage and take part in its trainings.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import StageConfig, TrainConfig
from humpback_exp.distributed import STOPS, Stopped, join_slurm, session, started_outside
from humpback_exp.errors import ERRORS, StageFailed
from humpback_exp.execution.ranks import start_ranks, wait_for

POLL = 0.1
"""Seconds between two looks of a rank that waits for the first."""


def check_ranks(stages: Sequence[StageConfig]) -> None:
    """Raise unless the ranks that each unfinished training wants are started: by torchrun or srun on several nodes.

    Raises:
        ValueError: as many were started as no training of these wants, or none were where several nodes are wanted.
    """
    join_slurm()
    for stage in stages:
        if isinstance(stage, TrainConfig) and not artifacts.is_finished(stage.folder):
            _check_ranks(stage.trainer.nodes, stage.trainer.devices)


def _check_ranks(nodes: int, devices: int) -> None:
    started = int(os.environ["WORLD_SIZE"]) if started_outside() else 0
    if started and nodes * devices != started:
        raise ValueError(
            f"trainer.devices={devices}: on trainer.nodes={nodes} node(s) that makes {nodes * devices} ranks, but {started} "
            f"were started; start as many, or set both to what was started"
        )
    if nodes > 1 and not started:
        raise ValueError(
            f"trainer.nodes={nodes}: start the ranks on every node, with srun or "
            f"torchrun --nnodes={nodes} --nproc-per-node={devices} {Path(sys.argv[0]).name} ..."
        )


def ranks_here(config: StageConfig) -> int:
    """Processes that this one starts for the stage: all ranks of this node, or its own where each has a parent like this."""
    return config.trainer.devices if isinstance(config, TrainConfig) and not started_outside() else 1


def run_group(config: StageConfig, module: str, keep: Sequence[int] = ()) -> None:
    """Start every rank, all from the frozen config, with `python -m MODULE FOLDER`, and wait until they have ended.

    Args:
        keep: descriptors that the children share, as the folder's lock; they die with us.

    Raises:
        StageFailed: a rank ended badly; all have ended.
        Stopped: a signal reached this process or a rank; all have saved and ended.
    """
    count = ranks_here(config)
    reader, writer = os.pipe()
    processes = start_ranks([module, str(config.folder)], count, [*keep, writer], {ERRORS: str(writer)})
    os.close(writer)
    culprit, code = wait_for(processes)
    with os.fdopen(reader, encoding="utf-8") as lines:
        said = list(dict.fromkeys(line.rstrip("\n") for line in lines))
    if code - 128 in STOPS:
        raise Stopped(code - 128)
    if code:
        raise StageFailed(config.folder, f"rank {culprit} of {count} " if count > 1 else "", code, said)


def wait_for_first(config: StageConfig) -> bool:
    """Wait, as a rank other than the first, until the first has opened a training for us or finished the stage.

    Returns:
        Whether there is a training to take part in.
    """
    opened = config.folder / artifacts.OPENED_BY
    while not artifacts.is_finished(config.folder):
        ours = opened.exists() and opened.read_text(encoding="utf-8") == session()
        if isinstance(config, TrainConfig) and ours:
            return True
        time.sleep(POLL)
    return False
