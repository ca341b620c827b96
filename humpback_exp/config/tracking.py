"""Where runs are recorded."""

from dataclasses import dataclass

from humpback_exp.config.base import one_of


@dataclass(kw_only=True, slots=True)
class TrackingConfig:
    """Weights & Biases. The API key comes from the environment only."""

    mode: str = "offline"
    """none, offline (wandb sync uploads later) or online."""
    project: str = "humpback"
    entity: str | None = None
    group: str | None = None
    """What belongs together: the loop (its name by default), the sweep."""

    def __post_init__(self) -> None:
        one_of("tracking.mode", self.mode, ("none", "offline", "online"))
