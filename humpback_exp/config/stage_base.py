"""What every stage has."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from humpback_exp.config.bounds import NOT_NEGATIVE, POSITIVE, bounded, check_bounds, require
from humpback_exp.config.cpu import settle
from humpback_exp.config.executor import ExecutorConfig
from humpback_exp.config.identity import operational
from humpback_exp.config.tracking import TrackingConfig
from humpback_exp.prompts import stage_digest


@dataclass(kw_only=True, slots=True)
class StageConfig:
    """Names, seed and tracking. Its folder is `output_root/kind/name`."""

    stage: ClassVar[str] = ""
    kind: ClassVar[str] = ""

    output_root: str = operational("outputs")
    name: str = operational("scratch")
    seed: int = bounded(0, NOT_NEGATIVE)
    tracking: TrackingConfig = operational(TrackingConfig)

    @property
    def prompts(self) -> str:
        """Digest of the texts said to models that shape the stage; empty for a stage that says nothing."""
        return stage_digest(self.stage, self.templates)

    @property
    def texts(self) -> dict[str, str]:
        """Digests of the texts said to models, by their keys in the manifest: those of the stage, and of parts it may gain."""
        return {"prompts": self.prompts} if self.prompts else {}

    @property
    def templates(self) -> list[str | None]:
        """Names of our chat templates that the stage renders with; None stands for a model's own."""
        return []

    @property
    def measurements(self) -> list[str]:
        """Names of what an evaluation measures, in order; none in other stages."""
        return []

    @property
    def folder(self) -> Path:
        parts = Path(self.name).parts
        inside = bool(parts) and ".." not in parts and not Path(self.name).is_absolute() and self.name.isprintable()
        require(inside, "name", repr(self.name), "must name a folder below output_root")
        require(self.output_root != "", "output_root", "''", "names no folder; use . for this one")
        return Path(self.output_root) / self.kind / self.name


@dataclass(kw_only=True)  # without slots: a class cannot have two bases with slots, and scoring is also a RatingConfig
class BulkConfig(StageConfig):
    """What a stage has whose rows are done chunk by chunk, by any number of workers."""

    restarts: ClassVar[int] = 0
    """How many workers that a signal killed are replaced; none where a worker loads a model that may be what killed it."""

    executor: ExecutorConfig = operational(ExecutorConfig)
    chunk_size: int = bounded(1024, POSITIVE)
    """Rows a committed chunk: what a kill can cost a worker at most, and the share of work given out at a time."""

    def __post_init__(self) -> None:
        settle(self)
        check_bounds(self)
