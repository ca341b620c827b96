"""A point of a sweep: what it runs, how it stands, and how it is told."""

import json
from dataclasses import dataclass
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import StageConfig
from humpback_exp.errors import format_error
from humpback_exp.progress import log


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
        return {stage.folder for stage in self.stages if not artifacts.is_finished(stage.folder)}

    @property
    def finished(self) -> bool:
        return bool(self.stages) and not self.missing

    @property
    def begun(self) -> bool:
        return any(artifacts.is_begun(stage.folder) for stage in self.stages)

    @property
    def note(self) -> Path:
        """Where it is written how the point ended."""
        last = self.stages[-1]
        return Path(last.output_root) / "sweeps" / last.kind / f"{last.name}.json"


def facts(number: int, point: Point) -> dict[str, object]:
    return {"point": number, **point.varies}


def state(point: Point) -> str:
    if point.mistake is not None:
        return "refused"
    return "finished" if point.finished else "to be resumed" if point.begun else "to do"


def ended(point: Point) -> dict[str, object]:
    """How a point stands: state, seconds of this session, its last folder, and the line that says what went wrong."""
    folder = str(point.stages[-1].folder) if point.stages else "-"
    told: dict[str, object] = {"seconds": 0, "error": ""}
    if point.mistake is not None:
        return {"state": "refused", "seconds": 0, "folder": folder, "error": format_error(point.mistake)}
    if point.note.exists():
        told = json.loads(point.note.read_text(encoding="utf-8"))
    how = "finished" if point.finished else "failed" if told["error"] else "unfinished"
    return {"state": how, "seconds": told["seconds"], "folder": folder, "error": told["error"]}


def note(point: Point, seconds: float, line: str) -> None:
    point.note.parent.mkdir(parents=True, exist_ok=True)
    artifacts.write_text(point.note, json.dumps({"seconds": round(seconds), "error": line}))


def tell(number: int, point: Point) -> None:
    """Say how a point ended."""
    how, varies = ended(point), " ".join(f"{key}={value}" for key, value in point.varies.items())
    log.info("point %d (%s): %s after %s s %s", number, varies, how["state"], how["seconds"], how["error"])
