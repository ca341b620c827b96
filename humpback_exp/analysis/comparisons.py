"""One setting less another: which measures can be compared at all, and by which of the tests of `evaluation.intervals`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from humpback_exp.analysis.evaluations import LOSS, MEASURES, WIN, Evaluation, Measure, Row, by_group
from humpback_exp.analysis.plans import Pair, Plan, alone, pair, plan_of_study, plans_of_loop
from humpback_exp.analysis.settings import Setting, grid, judged_alike, opposed, settings, shared
from humpback_exp.analysis.studies import STUDIES, by_folder
from humpback_exp.evaluation.intervals import Grid, Interval, paired, paired_by_seed, unpaired

FEWEST = 10
"""Below so many rows an interval is itself too uncertain to carry a claim."""
JUDGED = "Some win rates are against other opponents or by other judges, so they are not compared with the rest."
TOKENS = (
    "Some models split the same answers into other tokens, as with another tokenizer or template, so their losses a token "
    "are not compared with the rest."
)


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
        """1 for better and -1 for worse beyond noise, 0 within it: the one rule of all pages.

        A change is beyond noise when its interval keeps clear of 0, over enough rows for a claim.
        """
        change = self.interval
        if change.rows < FEWEST or not change.error > 0 or abs(change.value) <= change.reach:
            return 0
        return self.measure.better if change.value > 0 else -self.measure.better

    @property
    def level(self) -> Interval:
        """Of a side that was judged against the other: its win rate, with the interval of the change."""
        return replace(
            self.interval, value=self.interval.value + (self.measure.even or 0.0), bounds=self.measure.bounds
        )

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
    for measure in MEASURES:
        left, right = _rows(ours, theirs, measure), _rows(theirs, ours, measure)
        if not left or not right:
            continue
        rows = shared([*left, *right])
        grids = [grid(side, rows) for side in (left, right)] if len(rows) > 1 else []
        why = _unlike(measure, ours, theirs, grids)
        if why:
            left_out.append(why)
            continue
        by_seed = _seeds(ours, measure) == _seeds(theirs, measure)
        test = paired_by_seed if by_seed else paired
        own = test(*grids) if grids else unpaired(ours.figures[measure.key], theirs.figures[measure.key])
        even = measure.even is not None and opposed(ours, theirs) and not theirs.measured(measure)
        own = replace(own, comparisons=comparisons)
        changes[measure.key] = Change(measure, own, bool(grids), by_seed, even)
    return Comparison(ours, theirs, changes, tuple(left_out))


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


@dataclass(frozen=True, slots=True)
class Result:
    """The comparisons of a plan, made."""

    plan: Plan
    stated: list[Comparison]
    """The headline first; empty where nothing can be compared yet."""
    table: dict[Setting, Comparison]
    """The change of each setting from the one it is compared with."""

    @property
    def count(self) -> int:
        """That the changes of the table are corrected for."""
        changes = (change for one in self.table.values() for change in one.changes.values())
        return max((change.interval.comparisons for change in changes), default=1)


def make(plan: Plan, corrections: Mapping[Pair, int]) -> Result:
    """Compare, each pair corrected for as many as `corrections` says, so that it has one verdict on every page.

    Args:
        corrections: of the plans below the output root; a pair none of them makes is corrected for `plan.count`.
    """

    def made(ours: Setting, theirs: Setting) -> Comparison:
        return compare(ours, theirs, corrections.get(pair(ours, theirs), plan.count))

    table = {ours: made(ours, theirs) for ours, theirs in plan.against.items()}
    if plan.best:
        return Result(plan, _best(list(table.values())), table)
    return Result(plan, [table[o] if plan.against.get(o) is t else made(o, t) for o, t in plan.stated], table)


def _best(made: Sequence[Comparison]) -> list[Comparison]:
    """By the win rate where all have one, else by the loss."""
    measure = WIN if all(WIN.key in one.changes for one in made) else LOSS
    known = [one for one in made if measure.key in one.changes]
    return sorted(known, key=lambda one: -measure.better * one.changes[measure.key].interval.value)[:1]


def corrections(found: Sequence[Evaluation]) -> dict[Pair, int]:
    """Pair -> the most comparisons that one plan below the output root makes at once, the pair among them."""
    loops: dict[str, list[Evaluation]] = {}
    for run in found:
        loops.setdefault(run.folder.label.partition("evals/")[0], []).append(run)
    plans = [plan for runs in loops.values() for plan in plans_of_loop([*map(alone, runs)]).values()]
    for group, members in by_group(found).items():
        study = STUDIES.get(group) or by_folder(group)
        told = settings(study, members)
        plans += [plan_of_study(study, told)] if told else []
    counts: dict[Pair, int] = {}
    for plan in plans:
        counts |= {one: max(plan.count, counts.get(one, 1)) for one in plan.pairs}
    return counts
