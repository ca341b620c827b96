"""What changes from one setting to another: which measures can be compared at all, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from humpback_exp.analysis.alike import judged_alike
from humpback_exp.analysis.points import Point, grid, shared
from humpback_exp.analysis.settings import MEASURES, WIN, Measure, Setting
from humpback_exp.evaluation.intervals import Grid, Interval, paired, paired_by_seed, unpaired

JUDGED = "Some win rates are against other opponents or by other judges, so they are not compared with the rest."
TOKENS = (
    "Some models split the same answers into other tokens, as with another tokenizer or template, so their losses a token "
    "are not compared with the rest."
)


@dataclass(frozen=True, slots=True)
class Contrast:
    """What changes from one setting to another, and how that was tested."""

    ours: Setting
    theirs: Setting
    changes: dict[str, Interval]
    """Measure -> ours less theirs."""
    paired: bool
    by_seed: bool
    """Whether both sides have the same seeds, so that what a seed brings to both cancels."""
    left_out: tuple[str, ...]
    """Why what both sides have was not compared."""


def contrast(ours: Setting, theirs: Setting, comparisons: int = 1) -> Contrast:
    """Paired over the rows both sides share, and over seeds where both have the same; pooled where they share no row.

    Args:
        comparisons: made at once with this one; intervals and tests are corrected for them.
    """
    changes: dict[str, Interval] = {}
    left_out = []
    by_seed = all(_seeds(ours, measure) == _seeds(theirs, measure) for measure in MEASURES)
    pair, alike = paired_by_seed if by_seed else paired, True
    for measure in MEASURES:
        left, right = ours.members(measure), theirs.members(measure)
        if not left or not right:
            continue
        rows = shared([*left, *right])
        grids = [grid(side, rows) for side in (left, right)] if len(rows) > 1 else []
        why = _unlike(measure, [*ours.points, *theirs.points], grids)
        if why:
            left_out.append(why)
            continue
        alike = alike and bool(grids)
        own = unpaired(ours.figures[measure.key], theirs.figures[measure.key]) if not grids else pair(*grids)
        changes[measure.key] = replace(own, comparisons=comparisons)
    return Contrast(ours, theirs, changes, alike, by_seed, tuple(left_out))


def _unlike(measure: Measure, points: Sequence[Point], grids: Sequence[Grid]) -> str:
    """Why the two figures are not of one kind; empty where they are."""
    if measure is WIN:
        return "" if judged_alike(points) else JUDGED
    return "" if all(np.array_equal(side.weights, grids[0].weights) for side in grids) else TOKENS


def _seeds(setting: Setting, measure: Measure) -> list[int]:
    """Of the runs that have this measurement, in their order."""
    return [point.seed for point in setting.points if measure.rows(point)]
