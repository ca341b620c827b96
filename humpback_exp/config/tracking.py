"""Where runs are recorded."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from humpback_exp.config.bounds import bounded, check_bounds, choice


@dataclass(kw_only=True, slots=True)
class TrackingConfig:
    """Weights & Biases. The API key comes from the environment only."""

    mode: str = bounded("offline", choice("none", "offline", "online"))
    """none, offline (wandb sync uploads later) or online."""
    project: str = "humpback"
    entity: str | None = None
    group: str | None = None
    """Name under which the runs of a loop or of a sweep stand together; a loop's name by default."""
    tags: list[str] = field(default_factory=list)
    """Tags of your own. The seed, the base model, the direction and the scorer are tags already."""

    def __post_init__(self) -> None:
        check_bounds(self, "tracking.")


@dataclass(kw_only=True, slots=True)
class LinkConfig:
    """Lineage edges of the runs of one output root, once `wandb sync` has uploaded them."""

    output_root: str = "outputs"


@dataclass(kw_only=True, slots=True)
class DashboardConfig:
    """A W&B workspace and a report for a sweep."""

    sweep: str = MISSING
    """Name of a file in sweeps/, without `.yaml`."""
    output_root: str = "outputs"
    """Where its points lie, which say what they were made from."""
    project: str = "humpback"
    entity: str | None = None
    """None for the one the key belongs to."""
    output: str | None = None
    """JSON file to write both to, to look at; nothing is then sent."""
