"""How every stage ends: its manifest, tables of samples for W&B, and a printed table of what went in and came out."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from humpback_exp import artifacts, reasons
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.progress import stage_table
from humpback_exp.tracking import Tracker

SAMPLES = 50
"""Rows shown in W&B."""
EXCERPT = 500
"""Characters shown of a long text there."""


def finish_stage(
    artifact: Artifact,
    tracker: Tracker,
    title: str | None,
    *,
    started: float,
    rows: dict[str, int],
    drops: dict[str, int] | None = None,
    metrics: dict[str, Any] | None = None,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    shown: Mapping[str, float] | None = None,
) -> Manifest:
    """Write the manifest, which makes the folder a finished one, and say how the stage ended.

    Args:
        title: of the printed table; None prints none, for a stage with a table of its own.
        started: `time.time()` at which this session of the stage began.
        rows: name -> count of what went in and came out; `artifacts.manifest.FLOW` says which of them is which.
        drops: reason (`humpback_exp.reasons`) -> rows.
        metrics: figures for the manifest and W&B.
        tables: name -> rows of a table in W&B, as `samples` picks them.
        shown: figures for the printed table; None prints those of the metrics that are single numbers.
    """
    manifest = artifacts.finish(artifact, started=started, rows=rows, drops=drops, metrics=metrics)
    for name, table in (tables or {}).items():
        tracker.table(name, table)
    if title is not None:
        figures = manifest.metrics if shown is None else shown
        stage_table(title, _summary(manifest, figures) + [("folder", artifact.folder)])
    return manifest


def _summary(manifest: Manifest, figures: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Rows in, why some were dropped, rows out, what was counted beside them, what was measured, and how long it took."""
    dropped = reasons.of_rows(manifest.drops)
    most_first = sorted(dropped, key=lambda reason: -dropped[reason])
    beside = {reason: count for reason, count in manifest.drops.items() if reason not in dropped}
    measured = {name.replace("_", " "): value for name, value in figures.items() if isinstance(value, int | float)}
    return [
        ("in", manifest.rows_in),
        *((f"  dropped: {reason}", dropped[reason]) for reason in most_first),
        ("out", manifest.rows_out),
        *beside.items(),
        *measured.items(),
        ("seconds", f"{manifest.wall_seconds:.1f}"),
    ]


def samples(rows: Iterable[Any], *columns: str) -> list[dict[str, Any]]:
    """The first rows, with these columns, short enough to read: the beginning of a text, the last entry of a list."""
    return [{column: _excerpt(getattr(row, column)) for column in columns} for row in islice(rows, SAMPLES)]


def _excerpt(value: Any) -> Any:
    if isinstance(value, list):
        value = value[-1] if value else ""
    return value[:EXCERPT] if isinstance(value, str) else value
