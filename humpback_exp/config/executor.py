"""Where the chunks of a bulk stage are done: in this process, in several, on a Slurm or a Ray cluster."""

from dataclasses import dataclass, field

from humpback_exp.config.bounds import NOT_NEGATIVE, POSITIVE, bounded, check_bounds, choice, require


@dataclass(kw_only=True, slots=True)
class ExecutorConfig:
    """The workers of bulk stages. The result does not depend on them, so no option identifies a run.

    A worker loads one engine and takes chunks until none is left.
    """

    name: str = bounded("local", choice("local", "slurm", "ray"))
    """local, slurm or ray."""
    workers: int = bounded(1, POSITIVE)
    """How many engines work at the same time. With local, one worker runs in the process of the command itself."""
    gpus: int = bounded(0, NOT_NEGATIVE)
    """GPUs that a worker has to itself: 1, or the engine's tensor parallel size. 0 lets every worker use all GPUs it sees."""
    lease: float = bounded(60.0, POSITIVE)
    """Seconds without a sign of life after which a worker counts as dead and another one does its chunk."""
    cpus: int = bounded(1, POSITIVE)
    """Cores requested for each worker (slurm, ray)."""
    memory: int = bounded(8, POSITIVE)
    """GB of main memory requested for each of these cores (slurm, ray)."""
    address: str = "auto"
    """Ray cluster: auto for the one of this machine or of RAY_ADDRESS, else host:port."""
    partition: str | None = None
    """Slurm partition; slurm needs one."""
    time: str = "24:00:00"
    """Slurm's time limit for a worker. A worker that reaches it loses at most one chunk; the same command goes on."""
    setup: str = ". .venv/bin/activate"
    """Shell line that makes Python and this package ready on a Slurm node, in the folder the command was given in."""
    sbatch: dict[str, str] = field(default_factory=dict)
    """Further options of sbatch, `{account: nlp, gres: gpu:h100:1}` say."""

    def __post_init__(self) -> None:
        check_bounds(self, "executor.")
        named = self.name != "slurm" or bool(self.partition)
        remedy = "name the Slurm partition to run in; sinfo lists them"
        require(named, "executor.partition", self.partition, remedy)
