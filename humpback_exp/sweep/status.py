"""How a point stands before a sweep and how it ended, as tables, the log and its file tell it."""

import json

from humpback_exp import artifacts
from humpback_exp.errors import format_error
from humpback_exp.progress import log
from humpback_exp.sweep.point import Point


def label(number: int, point: Point) -> dict[str, object]:
    """What a table calls a point: its number and what tells it from the others."""
    return {"point": number, **point.varies}


def planned_state(point: Point) -> str:
    """What will be done about a point, before anything is started."""
    if point.mistake is not None:
        return "refused"
    return "finished" if point.finished else "to be resumed" if point.begun else "to do"


def status(point: Point) -> dict[str, object]:
    """How a point ended: state, seconds of its last session, its last folder, and the line that says what went wrong."""
    folder = str(point.stages[-1].folder) if point.stages else "-"
    if point.mistake is not None:
        return {"state": "refused", "seconds": 0, "folder": folder, "error": format_error(point.mistake)}
    kept: dict[str, object] = {"seconds": 0, "error": ""}
    if point.status_file.exists():
        kept = json.loads(point.status_file.read_text(encoding="utf-8"))
    state = "finished" if point.finished else "failed" if kept["error"] else "unfinished"
    return {"state": state, "seconds": kept["seconds"], "folder": folder, "error": kept["error"]}


def write_status(point: Point, seconds: float, error: str) -> None:
    """Keep how a session of the point ended, for this command and those on other machines."""
    point.status_file.parent.mkdir(parents=True, exist_ok=True)
    artifacts.write_text(point.status_file, json.dumps({"seconds": round(seconds), "error": error}))


def log_status(number: int, point: Point) -> None:
    """Log how a point ended."""
    ended, varies = status(point), " ".join(f"{key}={value}" for key, value in point.varies.items())
    log.info("point %d (%s): %s after %s s %s", number, varies, ended["state"], ended["seconds"], ended["error"])
