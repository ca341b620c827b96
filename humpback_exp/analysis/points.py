"""The points of a sweep: evaluations, each with the model it measured and what that model was trained on.

A sweep is the runs whose `tracking.group` bears its name. That key says how a run is tracked, not what it is, so it stands
in the frozen `config.yaml` and not in the manifest. An evaluation without a group belongs to its model's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from humpback_exp import reasons
from humpback_exp.analysis.collect import Inventory, Run, read_history
from humpback_exp.evaluation.intervals import Grid
from humpback_exp.evaluation.win_rate import POINTS
from humpback_exp.records import read

Row = tuple[float, float]
"""Value and weight: loss and labelled tokens, or points of a verdict and 1."""


@dataclass(slots=True, kw_only=True)
class _Loss:
    """The columns of an Answer that a mean needs."""

    id: str
    loss: float
    labels: int


@dataclass(slots=True, kw_only=True)
class _Outcome:
    """The columns of a Verdict that a mean needs."""

    id: str
    outcome: str


@dataclass(eq=False)
class Point:
    """One evaluated model."""

    inventory: Inventory = field(repr=False)
    evaluation: Run
    model: Run | None
    """None for a model that was not trained here."""
    scored: Run | None
    """The scored folder its web pairs were selected from."""
    rounds: int
    """Rounds of self-curation behind it: 0 for M0."""
    opponent: "Point | None" = field(default=None, repr=False)
    """The reference its answers were judged against; None where that does not lie below this output_root."""

    def setting(self, key: str) -> Any:
        """A key of the model's config, or None."""
        return None if self.model is None else self.model.manifest.config.get(key)

    @property
    def seed(self) -> int:
        run = self.evaluation if self.model is None else self.model
        return int(run.manifest.config.get("seed") or 0)

    def short(self, source: str) -> bool:
        """Whether there were fewer pairs of `source` than asked for; those too long for the context were there."""
        asked = self.setting({"seed": "data.seed_size", "web": "data.size"}[source])
        if self.model is None or asked is None:
            return False
        return self.model.rows(source) + self.model.manifest.drops.get(reasons.TOO_LONG, 0) < int(asked)

    @property
    def examples(self) -> int:
        return 0 if self.model is None else self.model.rows("examples")

    @cached_property
    def steps(self) -> int | None:
        """Optimiser steps it was trained for, None where no history tells."""
        if self.model is None or "history.csv" not in self.model.manifest.files:
            return None
        history = self.inventory.try_read(self.model, lambda run: read_history(run.folder))
        return int(history[-1]["step"]) if history else None

    @cached_property
    def losses(self) -> Mapping[str, Row]:
        """Held-out row -> loss a token and labelled tokens; rows beyond the context are left out."""
        rows = self.inventory.try_read(self.evaluation, lambda run: list(read(run.folder, _Loss))) or []
        return {row.id: (row.loss, row.labels) for row in rows if row.labels}

    @cached_property
    def wins(self) -> Mapping[str, Row]:
        """Held-out row -> points of the judge's verdict, in percent."""
        rows = self.inventory.try_read(self.evaluation, lambda run: list(read(run.folder, _Outcome, "verdicts"))) or []
        return {row.id: (100 * POINTS[row.outcome], 1.0) for row in rows}


def group_of(folder: Path) -> str | None:
    """`tracking.group` of a frozen config; None where it is unset or the file is damaged."""
    try:
        config = yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=_LOADER)
        group = config["tracking"]["group"]
    except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError):
        return None
    return group if isinstance(group, str) else None


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser where it was built: a config takes it half a millisecond, a tenth of the other's time."""


def points(inventory: Inventory) -> dict[str, list[Point]]:
    """Group -> its evaluations, in the inventory's order; the same settings measured twice count once."""
    lineage = _Lineage(inventory)
    found: dict[str, dict[str, Point]] = {}
    for run in inventory.of("evals"):
        point = lineage.point(run)
        group = group_of(run.folder) or (group_of(point.model.folder) if point.model else None)
        if group is not None:
            found.setdefault(group, {}).setdefault(run.manifest.fingerprint, point)
    return {group: list(members.values()) for group, members in found.items()}


def points_of(inventory: Inventory, evaluations: Sequence[Run]) -> list[Point]:
    """The given evaluations with what they came from."""
    lineage = _Lineage(inventory)
    return [lineage.point(run) for run in evaluations]


class _Lineage:
    """From an evaluation back to its model and that model's scores, by fingerprint."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.folders = {run.folder.resolve(): run for run in inventory.runs}
        self.marks = {(run.kind, run.manifest.fingerprint): run for run in inventory.runs}

    def source(self, run: Run, key: str, kind: str) -> Run | None:
        """The run that was read as `key`: the very folder while it is the same still, else one made alike."""
        mark = run.input_fingerprint(key)
        there = self.folders.get(Path(run.input_path(key) or "").resolve())
        if there is not None and there.kind == kind and there.manifest.fingerprint == mark:
            return there
        return self.marks.get((kind, mark or ""))

    def point(self, evaluation: Run) -> Point:
        model = self.source(evaluation, "model_path", "models")
        scored = None if model is None else self.source(model, "data.scored", "scored")
        reference = self.source(evaluation, "reference", "evals")
        opponent = None if reference is None else self.point(reference)
        return Point(self.inventory, evaluation, model, scored, 0 if model is None else self.rounds(model), opponent)

    def rounds(self, model: Run) -> int:
        scored = self.source(model, "data.scored", "scored")
        if scored is None:
            return 0
        rater = self.source(scored, "model_path", "models")
        return 1 + (0 if rater is None else self.rounds(rater))


def grid(members: list[Mapping[str, Row]], rows: list[str]) -> Grid:
    """Runs x the given rows, all of which every run has; weights are the runs' mean."""
    cells = np.array([[member[row] for row in rows] for member in members], dtype=float)
    return Grid(cells[:, :, 0], cells[:, :, 1].mean(axis=0))


def shared(members: list[Mapping[str, Row]]) -> list[str]:
    """Rows that every run has, in the first one's order."""
    return [row for row in members[0] if all(row in member for member in members)] if members else []
