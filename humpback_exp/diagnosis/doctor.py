"""What a loop will meet on this machine or cluster, asked in a minute, as a table with remedies."""

import sys
from dataclasses import asdict

from humpback_exp.config import PlanConfig, TrainConfig
from humpback_exp.diagnosis.access import check_access
from humpback_exp.diagnosis.finding import BROKEN
from humpback_exp.diagnosis.hardware import check_node
from humpback_exp.diagnosis.installation import check_versions
from humpback_exp.diagnosis.ranks import check_ranks
from humpback_exp.diagnosis.storage import check_storage
from humpback_exp.distributed import join_slurm, rank
from humpback_exp.planning.disk import whole_disk
from humpback_exp.planning.estimate import estimate_loop
from humpback_exp.progress import table
from humpback_exp.workflow.variants import whole_loop


def run(config: PlanConfig) -> None:
    """Print a row for every check. Under srun or torchrun every rank takes part and the first one prints.

    Raises:
        SystemExit: with status 1 where something is broken.
    """
    join_slurm()
    loop = whole_loop(config)
    training = next(stage for stage in loop if isinstance(stage, TrainConfig))
    meeting = check_ranks(training.trainer)
    if rank() > 0:
        return
    findings = [*check_versions(config), *check_node(training), *meeting]
    disk = whole_disk(estimate_loop(config, loop).folders)
    findings += [*check_storage(config.output_root, disk.kept, disk.most), *check_access(config, loop)]
    print(table([asdict(each) for each in findings]), flush=True)
    sys.exit(1 if any(each.state == BROKEN for each in findings) else 0)
