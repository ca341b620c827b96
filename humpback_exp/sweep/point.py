"""A point of a sweep: the stages it runs, and which of their folders are missing."""

from dataclasses import dataclass
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import StageConfig


@dataclass(slots=True)
class Point:
    """The stages of a point in the order they run, or what was wrong with its config."""

    varies: dict[str, str]
    """What tells it from the others: key -> value."""
    stages: list[StageConfig]
    mistake: Exception | None = None

    @property
    def missing(self) -> set[Path]:
        """Folders it has still to make."""
        return {stage.folder for stage in self.stages if not artifacts.is_done(stage)}

    @property
    def finished(self) -> bool:
        return bool(self.stages) and not self.missing

    @property
    def begun(self) -> bool:
        return any(artifacts.is_begun(stage.folder) for stage in self.stages)

    @property
    def status_file(self) -> Path:
        """Where `write_status` keeps how the point ended."""
        last = self.stages[-1]
        return Path(last.output_root) / "sweeps" / last.kind / f"{last.name}.json"


Numbered = tuple[int, Point]
"""A point and its number, from 1."""
