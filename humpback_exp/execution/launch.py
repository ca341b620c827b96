"""From a config to its stage: frozen into its folder, then run in this process or in a fresh process group.

`python -m humpback_exp.execution.launch FOLDER` runs a folder that `launch` froze; every rank of a process group is started
that way.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import GateConfig, StageConfig, TrainConfig
from humpback_exp.data.pinning import pinned
from humpback_exp.distributed import die_with_parent, join_slurm, rank, session, started_outside
from humpback_exp.errors import exit_on_user_error, user_errors
from humpback_exp.execution.group import check_ranks, ranks_here, run_group, wait_for_first
from humpback_exp.execution.stage_modules import stage_module
from humpback_exp.planning.preflight import check_gate, check_machine, prepared
from humpback_exp.planning.tensor_parallel import with_tensor_parallel
from humpback_exp.progress import log, set_up_logging
from humpback_exp.tracking import track

MODULE = "humpback_exp.execution.launch"


def enter(steps: Callable[[], list[StageConfig]], sweep: bool) -> list[StageConfig] | None:
    """What a root script does in Hydra's task function: run its stages, or return them as a point of a sweep.

    Several stages have a process each, so that none finds the memory of the one before.
    """
    if sweep:
        return steps()

    def run() -> None:
        stages = steps()
        if rank() == 0:  # the others check what they take part in
            check_gate(stages)
            stages = prepared(stages)
        check_ranks(stages)
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
    if rank() > 0:
        _join(config, fresh)
        return config.folder
    if not waits:
        check_machine(config)  # before anything is written
    check_ranks([config])
    config = pinned(config)
    with artifacts.locked(config.folder, waits) as lock:
        if waits:
            check_machine(config)  # who waited may find it finished, or the memory of who made it free
        _open_and_run(with_tensor_parallel(config), fresh, lock)
    if isinstance(config, GateConfig):
        from humpback_exp.evaluation.gate import require_passed

        require_passed(config, artifacts.load(config.folder).metrics)
    return config.folder


def _open_and_run(config: StageConfig, fresh: bool, lock: int) -> None:
    """Freeze the config into its folder and run it from there; the lock is shared with the processes that do it."""
    artifact = artifacts.begin(config)
    if artifact.finished:
        log.info("%s: finished already, skipped", artifact.folder)
        return
    if started_outside():
        artifacts.write_text(config.folder / artifacts.OPENED_BY, session())
    if fresh or ranks_here(config) > 1:
        run_group(config, MODULE, [lock])
    else:
        _run(config, artifact)


def _join(config: StageConfig, fresh: bool) -> None:
    """As a rank other than the first: take part in a training, or wait for the end of what the first rank does alone."""
    if isinstance(config, TrainConfig):
        check_machine(config)
    check_ranks([config])
    if not wait_for_first(config):
        return
    if fresh:
        run_group(config, MODULE)
    else:
        _run(config, artifacts.open_stage(config.folder)[1])


def _run(config: StageConfig, artifact: artifacts.Artifact) -> None:
    log.info("%s: %s", config.stage, artifact.folder)
    with track(config, artifact) as tracker:
        tracker.finished(stage_module(config).run(config, artifact, tracker))


def main() -> None:
    """Run the frozen folder named on the command line, in this process."""
    die_with_parent()
    set_up_logging()
    config, artifact = artifacts.open_stage(Path(sys.argv[1]))
    _run(config, artifact)


if __name__ == "__main__":
    user_errors(main, child=True)
