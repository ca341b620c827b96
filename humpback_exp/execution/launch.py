"""From a config to its stage: frozen config -> fresh process group.

`python -m humpback_exp.execution.launch FOLDER` runs a folder that `launch` froze; every rank of a process
group is started that way.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import GateConfig, StageConfig, TrainConfig
from humpback_exp.data.sources import pinned
from humpback_exp.distributed import STOPS, Stopped, die_with_parent, join_slurm, rank, session, started_outside
from humpback_exp.errors import ERRORS, StageFailed, exit_on_user_error, user_errors
from humpback_exp.execution.ranks import start_ranks, wait_for
from humpback_exp.execution.stage_modules import stage_module
from humpback_exp.planning.engines import with_tensor_parallel
from humpback_exp.planning.preflight import check_gate, check_machine, check_stages
from humpback_exp.progress import log, set_up_logging
from humpback_exp.tracking import track


def enter(steps: Callable[[], list[StageConfig]], sweep: bool) -> list[StageConfig] | None:
    """What a root script does in Hydra's task function: run its stages, or return them as a point of a sweep.

    Several stages have a process each, so that none finds the memory of the one before.
    """
    if sweep:
        return steps()

    def run() -> None:
        stages = [pinned(stage) for stage in steps()]
        check_gate(stages)
        check_stages(stages)
        for stage in stages:
            launch(stage, fresh=len(stages) > 1)

    exit_on_user_error(run)
    return None


def launch(config: StageConfig, fresh: bool = False, waits: bool = False) -> Path:
    """Run a stage unless its folder is finished, and return the folder.

    Args:
        fresh: always use a process of its own, as sweep points and pipeline stages do.
        waits: wait for another process that writes the folder, as points do that share a stage.
    """
    join_slurm()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        die_with_parent()
    set_up_logging()
    check_ranks(config)
    config = with_tensor_parallel(config)
    if rank() > 0:
        return _follow(config, fresh)
    config = pinned(config)
    if not waits:
        check_machine(config)  # before anything is written
    with artifacts.locked(config.folder, waits) as lock:
        if waits:
            check_machine(config)  # who waited may find it finished, or the memory of who made it free
        artifact = artifacts.begin(config)
        if started_outside() and not artifact.finished:
            artifacts.write_text(config.folder / artifacts.OPENED_BY, session())
        if artifact.finished:
            log.info("%s: finished already, skipped", artifact.folder)
        elif fresh or (ranks(config) > 1 and not started_outside()):
            _in_process_group(config, [lock])
        else:
            _in_process(config, artifact)
    if isinstance(config, GateConfig):
        from humpback_exp.evaluation.gate import require_passed

        require_passed(config, artifacts.load(config.folder).metrics)
    return config.folder


def check_ranks(config: StageConfig) -> None:
    """Raise unless torchrun or srun, where it started this process, started as many ranks as the config wants."""
    if not isinstance(config, TrainConfig) or not started_outside():
        return
    nodes, devices, started = config.trainer.nodes, config.trainer.devices, int(os.environ["WORLD_SIZE"])
    if nodes * devices != started:
        raise ValueError(
            f"trainer.devices={devices}: on trainer.nodes={nodes} node(s) that makes {nodes * devices} ranks, but {started} "
            f"were started; start as many, or set both to what was started"
        )


def ranks(config: StageConfig) -> int:
    """Processes on this node that the stage runs in.

    Raises:
        ValueError: it needs several nodes, whose ranks only torchrun or srun on each of them can start.
    """
    if not isinstance(config, TrainConfig):
        return 1
    if config.trainer.nodes > 1 and not started_outside():
        raise ValueError(
            f"trainer.nodes={config.trainer.nodes}: start the ranks on every node, with srun or "
            f"torchrun --nnodes={config.trainer.nodes} --nproc-per-node={config.trainer.devices} train.py ..."
        )
    return config.trainer.devices


def _follow(config: StageConfig, fresh: bool) -> Path:
    """A rank other than the first: join in a training once the first has opened it; wait for the end of what one rank does."""
    trains = isinstance(config, TrainConfig)
    if trains:
        check_machine(config)
    while not artifacts.is_finished(config.folder):
        opened = config.folder / artifacts.OPENED_BY
        if trains and opened.exists() and opened.read_text(encoding="utf-8") == session():
            break
        time.sleep(0.1)
    if artifacts.is_finished(config.folder):
        return config.folder
    if fresh:
        _in_process_group(config, [])
    else:
        _in_process(config, artifacts.open_stage(config.folder)[1])
    return config.folder


def _in_process(config: StageConfig, artifact: artifacts.Artifact) -> None:
    log.info("%s: %s", config.stage, artifact.folder)
    with track(config, artifact) as tracker:
        tracker.finished(stage_module(config).run(config, artifact, tracker))


def _in_process_group(config: StageConfig, keep: list[int]) -> None:
    """Start every rank, all from the frozen config; where torchrun or srun started us, only our own.

    Args:
        keep: descriptors that the children share, as the folder's lock; they die with us.

    Raises:
        StageFailed: a rank ended badly; all have ended.
        Stopped: a signal reached this process or a rank; all have saved and ended.
    """
    count = 1 if started_outside() else ranks(config)
    reader, writer = os.pipe()
    os.environ[ERRORS] = str(writer)
    processes = start_ranks(["humpback_exp.execution.launch", str(config.folder)], count, keep=[*keep, writer])
    del os.environ[ERRORS]
    os.close(writer)
    culprit, code = wait_for(processes)
    with os.fdopen(reader, encoding="utf-8") as lines:
        said = list(dict.fromkeys(line.rstrip("\n") for line in lines))
    if code - 128 in STOPS:
        raise Stopped(code - 128)
    if code:
        raise StageFailed(config.folder, f"rank {culprit} of {count} " if count > 1 else "", code, said)


def main() -> None:
    """Run the frozen folder named on the command line, in this process."""
    die_with_parent()
    set_up_logging()
    config, artifact = artifacts.open_stage(Path(sys.argv[1]))
    _in_process(config, artifact)


if __name__ == "__main__":
    user_errors(main, child=True)
