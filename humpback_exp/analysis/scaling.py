"""How a figure grows with the number of training examples: w = alpha ln N + C, as in the paper's Table 3.

The line goes by least squares through one mean a size, so both coefficients are sums of these means, each times a factor.
Runs of one size share what they were measured on and often what they were trained on, so they deviate from the line
together, and only the deviations of sizes, not those of runs, tell how far off it can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from humpback_exp.analysis.comparisons import FEWEST as FEWEST_ROWS
from humpback_exp.analysis.measures import Measure
from humpback_exp.analysis.paper import ALPHA, published
from humpback_exp.analysis.settings import Setting, grid, measured, shared
from humpback_exp.evaluation.intervals import ROUNDING, Grid, Interval, mean, weighted

FEWEST = 3
"""Sizes an interval needs: through two the line goes whatever they are."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """A fitted curve. Both intervals are None below `FEWEST` sizes, or where the curve meets all points."""

    alpha: float
    """What a factor of e in data brings."""
    intercept: float
    """C: the curve at N = 1."""
    alpha_interval: tuple[float, float] | None
    intercept_interval: tuple[float, float] | None
    points: int
    """Runs, or points of a figure."""

    def __call__(self, count: float) -> float:
        return self.alpha * float(np.log(count)) + self.intercept


def fit(counts: Sequence[float], values: Sequence[float]) -> Scaling | None:
    """Through points of which nothing else is known, as those of a printed figure; Student's t intervals.

    Args:
        counts: training examples, one for each point; several of one size count as their mean.
        values: win rate or loss, in any unit.

    Returns:
        None unless there are two different counts, none of them 0.
    """
    sizes = sorted(set(counts))
    means = [fmean(value for count, value in zip(counts, values, strict=True) if count == size) for size in sizes]
    if len(sizes) < 2 or sizes[0] <= 0:
        return None
    found = [
        Interval(float(factors @ means), variance**0.5, freedom, 0, ())
        for factors, variance, freedom in _line(sizes, means)
    ]
    return _scaling(found, len(sizes), len(counts))


def fit_rows(counts: Sequence[float], grids: Sequence[Grid]) -> Scaling | None:
    """Through runs measured on the same rows; one count and one grid a size.

    Each row and each seed has coefficients of its own, so their luck is known as for any difference; what the sizes deviate
    from the line beyond the luck of their seeds is added, as from the pairs that all runs of a size were trained on.

    Returns:
        None unless there are two different counts, none of them 0.
    """
    if len(set(counts)) < 2 or min(counts) <= 0:
        return None
    lines = _line(counts, [mean(grid) for grid in grids])
    found = [weighted(factors.tolist(), grids, (variance, freedom)) for factors, variance, freedom in lines]
    return _scaling(found, len(counts), sum(len(grid.values) for grid in grids))


def _line(counts: Sequence[float], means: Sequence[float]) -> list[tuple[np.ndarray, float, int]]:
    """Of alpha and C: the factor of each mean, and the variance that deviations from the line show, with its freedom."""
    design = np.column_stack([np.log(counts), np.ones(len(counts))])
    factors = np.linalg.pinv(design)
    residuals = np.asarray(means) - design @ (factors @ means)
    freedom = len(counts) - 2
    spread = float(residuals @ residuals) / freedom if freedom else 0.0
    return [(own, spread * float(own @ own), freedom) for own in factors]


def _scaling(found: Sequence[Interval], sizes: int, points: int) -> Scaling:
    known = [sizes >= FEWEST and one.error > ROUNDING * max(abs(one.value), 1.0) for one in found]
    alpha, intercept = (one.ends if told else None for one, told in zip(found, known, strict=True))
    return Scaling(found[0].value, found[1].value, alpha, intercept, points)


def curves(told: Sequence[Setting]) -> list[tuple[str, Measure, Scaling]]:
    """A curve for each series and measure; N counts all training examples, as in the paper."""
    series = dict.fromkeys(setting.place.series for setting in told)
    found = [(name, measure, _curve(name, measure, told)) for name in series for measure in measured(told)]
    return [(name, measure, curve) for name, measure, curve in found if curve is not None]


def _curve(series: str, measure: Measure, told: Sequence[Setting]) -> Scaling | None:
    """Over the rows all its runs share; where they share hardly any, over the runs' own figures."""
    sizes: dict[float, Setting] = {}
    for setting in told:
        if setting.place.series != series or not setting.measured(measure):
            continue
        sizes.setdefault(fmean(run.examples for run in setting.runs), setting)
    rows = shared([member for setting in sizes.values() for member in setting.measured(measure)])
    if len(rows) >= FEWEST_ROWS:
        return fit_rows(list(sizes), [grid(setting.measured(measure), rows) for setting in sizes.values()])
    runs = [(size, figure) for size, setting in sizes.items() for figure in setting.means(measure)]
    return fit([size for size, _ in runs], [figure for _, figure in runs])


def published_curves() -> list[tuple[str, float, Scaling]]:
    """The paper's alpha of each data set, and ours through the points of its figure."""
    found = []
    for name, alpha in ALPHA.items():
        own = [one for one in published("data_efficiency") if one.series == name]
        curve = fit([one.x or 0.0 for one in own], [one.win_rate for one in own])
        assert curve is not None
        found.append((name, alpha, curve))
    return found
