"""Figures over seeds and held-out rows, and their differences, with 95 % intervals.

Two things are drawn at random: the held-out rows, which all runs share, and the luck of each training. The error of a mean
over seeds x rows therefore has a part from either, each estimated from its own margin (crossed random effects, as in
Owen, The pigeonhole bootstrap, 2007), and Student's t takes Satterthwaite's degrees of freedom. With one seed only the
rows' part can be known; the page then says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

LEVEL = 0.95
ROUNDING = 1e-12
"""An error below this share of its figure is none: all rows are alike but for floating point."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, or a difference of two."""

    value: float
    error: float
    """Standard error; nan where it cannot be known."""
    freedom: float
    rows: int
    seeds: tuple[int, ...]
    """Runs pooled, for each side."""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """Where the figure can lie at all; its interval ends there."""
    comparisons: int = 1
    """Made at once with this one; interval and p are Bonferroni's for so many."""

    @property
    def reach(self) -> float:
        """Half the width of the interval."""
        from scipy.special import stdtrit

        if not self.error > 0:
            return self.error
        return float(stdtrit(self.freedom, 1 - (1 - LEVEL) / 2 / self.comparisons)) * self.error

    @property
    def low(self) -> float:
        return max(self.bounds[0], self.value - self.reach)

    @property
    def high(self) -> float:
        return min(self.bounds[1], self.value + self.reach)

    @property
    def ends(self) -> tuple[float, float]:
        """Of the interval; the value itself where none is known."""
        return (self.low, self.high) if self.error > 0 else (self.value, self.value)

    @property
    def p(self) -> float:
        """Of the two-sided test that the value is 0; nan where the error is not known."""
        from scipy.special import stdtr

        if not self.error > 0:
            return 1.0 if self.value == self.error == 0 else float("nan")
        return min(1.0, self.comparisons * 2 * float(stdtr(self.freedom, -abs(self.value) / self.error)))


@dataclass(frozen=True, slots=True)
class Grid:
    """A measurement of several runs on the same rows."""

    values: np.ndarray
    """seeds x rows."""
    weights: np.ndarray
    """rows; labelled tokens for a loss a token, ones for a win rate."""


def pooled(grid: Grid, bounds: tuple[float, float] = (-math.inf, math.inf)) -> Interval:
    """The mean over seeds and rows."""
    value = mean(grid)
    residuals = _residuals(grid, value)
    parts = [_part(residuals.mean(axis=0)), _part(residuals.mean(axis=1))]
    return replace(_interval(value, parts, grid.values.shape[1], (len(grid.values),)), bounds=bounds)


def paired(ours: Grid, theirs: Grid) -> Interval:
    """Ours less theirs on the same rows: paired over rows, while each side's seeds are drawn by themselves."""
    return weighted([1.0, -1.0], [ours, theirs])


def paired_by_seed(ours: Grid, theirs: Grid) -> Interval:
    """Ours less theirs where both sides have the same seeds in the same order: paired over seeds, too.

    What a seed brings to both sides cancels: the order of the examples, the first weights of an adapter, a whole loop of its own.
    """
    left, right = _residuals(ours, mean(ours)), _residuals(theirs, mean(theirs))
    parts = [_part((left - right).mean(axis=axis)) for axis in (0, 1)]
    return _interval(mean(ours) - mean(theirs), parts, *_counted([ours, theirs]))


def weighted(factors: Sequence[float], grids: Sequence[Grid], deviation: tuple[float, float] = (0.0, 0.0)) -> Interval:
    """The sum of the grids' means, each times its factor: paired over rows, each grid's seeds drawn by themselves.

    Args:
        deviation: variance of the sum as the grids' deviations from a model of them show it, with its degrees of freedom.
            The luck of seeds is in these, too, so only what exceeds the seeds' own part is added.
    """
    residuals = [factor * _residuals(grid, mean(grid)) for factor, grid in zip(factors, grids, strict=True)]
    rows = _part(np.sum([each.mean(axis=0) for each in residuals], axis=0))
    seeds = [_part(each.mean(axis=1)) for each in residuals]
    beyond = max(0.0, deviation[0] - sum(part for part, _ in seeds))
    value = sum(factor * mean(grid) for factor, grid in zip(factors, grids, strict=True))
    return _interval(value, [rows, *seeds, (beyond, deviation[1])], *_counted(grids))


def unpaired(ours: Interval, theirs: Interval) -> Interval:
    """Ours less theirs where they were measured on other rows (Welch)."""
    parts = [(side.error**2, side.freedom) for side in (ours, theirs)]
    return _interval(ours.value - theirs.value, parts, min(ours.rows, theirs.rows), ours.seeds + theirs.seeds)


def mean(grid: Grid) -> float:
    """Over seeds and rows."""
    return float((grid.values @ grid.weights).mean() / grid.weights.sum())


def _residuals(grid: Grid, value: float) -> np.ndarray:
    """Each row's share in the deviation of a ratio of sums (delta method); plain deviations where weights are equal."""
    share: np.ndarray = (grid.values - value) * grid.weights / grid.weights.mean()
    return share


def _counted(grids: Sequence[Grid]) -> tuple[int, tuple[int, ...]]:
    """Rows, and the seeds of each grid."""
    return grids[0].values.shape[1], tuple(len(grid.values) for grid in grids)


def _part(margin: np.ndarray) -> tuple[float, float]:
    """Variance of a margin's mean, and its degrees of freedom; nothing is known from one value."""
    freedom = len(margin) - 1
    return (float(margin.var(ddof=1)) / len(margin), freedom) if freedom else (0.0, 0.0)


def _interval(value: float, parts: Sequence[tuple[float, float]], rows: int, seeds: tuple[int, ...]) -> Interval:
    variance = sum(part for part, _ in parts)
    spent = sum(part**2 / freedom for part, freedom in parts if freedom)
    error = float("nan") if rows < 2 else float(np.sqrt(variance))
    error = 0.0 if error < ROUNDING * max(abs(value), 1.0) else error
    return Interval(value, error, variance**2 / spent if spent else 1.0, rows, seeds)
