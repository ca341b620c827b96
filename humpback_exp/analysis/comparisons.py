"""One setting less another: which measures can be compared at all, and by which of the tests of `evaluation.intervals`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from humpback_exp.analysis.evaluations import measures
from humpback_exp.analysis.measures import WIN, Measure, Row
from humpback_exp.analysis.recipes import judged_alike
from humpback_exp.analysis.settings import Setting, grid, opposed, shared
from humpback_exp.evaluation.intervals import Grid, Interval, paired, paired_by_seed, unpaired

FEWEST = 10
"""Below so many rows an interval is itself too uncertain to carry a claim."""
JUDGED = "Some win rates are against other opponents or by other judges, so they are not compared with the rest."
TOKENS = (
    "Some models split the same answers into other tokens, as with another tokenizer or template, so their losses a token "
    "are not compared with the rest."
)


def beyond_noise(change: Interval) -> bool:
    """Whether a change keeps clear of 0 with its interval, over enough rows for a claim: the one rule of all pages."""
    return change.rows >= FEWEST and change.error > 0 and abs(change.value) > change.reach


@dataclass(frozen=True, slots=True)
class Change:
    """Ours less theirs by one measure, and how that was tested."""

    measure: Measure
    interval: Interval
    paired: bool
    """Over held-out pairs; else pooled, as the two sides share none."""
    by_seed: bool
    """Whether both sides have the same seeds, so that what a seed brings to both cancels."""
    even: bool
    """Whether theirs is the opponent ours was judged against, which is even with itself."""

    @property
    def side(self) -> int:
        """1 for better and -1 for worse beyond noise, 0 within it."""
        if not beyond_noise(self.interval):
            return 0
        return self.measure.better if self.interval.value > 0 else -self.measure.better

    @property
    def level(self) -> Interval:
        """The change itself; against the very opponent, the win rate with the interval of the change."""
        if not self.even or self.measure.even is None:
            return self.interval
        return replace(self.interval, value=self.measure.even + self.interval.value, bounds=self.measure.bounds)

    @property
    def form(self) -> str:
        """How the change is written: with as many digits as show two of its interval."""
        least, reach = int(self.measure.form[1:-1]), self.interval.reach
        return f"+.{max(least, 1 - math.floor(math.log10(reach))) if reach > 0 else least}f"

    @property
    def effect(self) -> float:
        """The change over half its interval, so that effects by several measures can be ranked."""
        return abs(self.interval.value) / self.interval.reach if self.interval.error > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes from one setting to another."""

    ours: Setting
    theirs: Setting
    changes: dict[str, Change]
    """By measure."""
    left_out: tuple[str, ...]
    """Why what both sides have was not compared."""


def compare(ours: Setting, theirs: Setting, comparisons: int = 1) -> Comparison:
    """Paired over the rows both sides share, and over seeds where both have the same; pooled where they share no row.

    Args:
        comparisons: made at once with this one; intervals and tests are corrected for them.
    """
    changes: dict[str, Change] = {}
    left_out = []
    for measure in measures([*ours.runs, *theirs.runs]):
        left, right = _rows(ours, theirs, measure), _rows(theirs, ours, measure)
        if not left or not right:
            continue
        rows = shared([*left, *right])
        grids = [grid(side, rows) for side in (left, right)] if len(rows) > 1 else []
        why = _unlike(measure, ours, theirs, grids)
        if why:
            left_out.append(why)
            continue
        changes[measure.key] = _change(measure, ours, theirs, grids, comparisons)
    return Comparison(ours, theirs, changes, tuple(left_out))


def _change(measure: Measure, ours: Setting, theirs: Setting, grids: Sequence[Grid], comparisons: int) -> Change:
    """By the test that the seeds and rows of the two sides allow.

    Args:
        grids: of both sides over the rows they share; empty where they share none.
    """
    by_seed = _seeds(ours, measure) == _seeds(theirs, measure)
    test = paired_by_seed if by_seed else paired
    found = test(*grids) if grids else unpaired(ours.figures[measure.key], theirs.figures[measure.key])
    even = measure.even is not None and opposed(ours, theirs) and not theirs.measured(measure)
    low, high = measure.bounds
    bounds = (
        (low - measure.even, high - measure.even) if even and measure.even is not None else (low - high, high - low)
    )
    return Change(measure, replace(found, bounds=bounds, comparisons=comparisons), bool(grids), by_seed, even)


def _rows(side: Setting, other: Setting, measure: Measure) -> list[Mapping[str, Row]]:
    """What was measured; of the very opponent the other side was judged against, that it is even with itself."""
    rows = side.measured(measure)
    if rows or measure.even is None or not opposed(other, side):
        return rows
    return [dict.fromkeys(each, (measure.even, 1.0)) for each in other.measured(measure)]


def _unlike(measure: Measure, ours: Setting, theirs: Setting, grids: Sequence[Grid]) -> str:
    """Why the two figures are not of one kind; empty where they are."""
    if measure is WIN:
        return "" if judged_alike([*ours.runs, *theirs.runs]) else JUDGED
    return "" if all(np.array_equal(side.weights, grids[0].weights) for side in grids) else TOKENS


def _seeds(setting: Setting, measure: Measure) -> list[int]:
    """Of the runs that have this measurement, in their order."""
    return [run.seed for run in setting.runs if run.rows[measure.key]]
