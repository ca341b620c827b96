"""How a figure grows with the number of training examples: w = alpha ln N + C, as in the paper's Table 3."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 2000
LEVEL = 0.95
FEWEST = 5
"""Points an interval needs: from four, 95 % intervals cover the truth in 92 % of simulated curves, from five in 95 %."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """A fitted curve. Both intervals are None below `FEWEST` points or three different N, or where the curve meets all points."""

    alpha: float
    """What a factor of e in data brings."""
    intercept: float
    """C: the curve at N = 1."""
    alpha_interval: tuple[float, float] | None
    intercept_interval: tuple[float, float] | None
    points: int

    def __call__(self, count: float) -> float:
        return self.alpha * float(np.log(count)) + self.intercept


def fit(counts: Sequence[float], values: Sequence[float], seed: int = 0) -> Scaling | None:
    """Least squares in ln N, with intervals from a studentised bootstrap of the residuals.

    Plain percentile intervals are far too narrow for the four to eight points such a curve has; studentising
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, algorithms 6.1 and section 6.2.5) mends that.

    Args:
        counts: training examples, one for each run; runs of several seeds repeat it.
        values: win rate or loss, in any unit.

    Returns:
        None unless there are two different counts, none of them 0.
    """
    if len(set(counts)) < 2 or min(counts) <= 0:
        return None
    design = np.column_stack([np.log(counts), np.ones(len(counts))])
    observed = np.asarray(values, dtype=float)
    inverse = np.linalg.inv(design.T @ design)
    found = inverse @ design.T @ observed
    residuals = observed - design @ found
    enough = len(counts) >= FEWEST and len(set(counts)) > 2 and not np.allclose(residuals, 0)
    alpha, intercept = _intervals(design, inverse, found, residuals, seed) if enough else (None, None)
    return Scaling(float(found[0]), float(found[1]), alpha, intercept, len(counts))


def _intervals(
    design: np.ndarray, inverse: np.ndarray, found: np.ndarray, residuals: np.ndarray, seed: int
) -> list[tuple[float, float]]:
    """Of both coefficients; residuals are first brought to equal variance by their leverage.

    Three different N at least: with two, a run alone at its N has leverage 1, and its residual tells nothing.
    """
    freedom = len(residuals) - 2
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    pool = residuals / np.sqrt(1 - leverage)
    pool -= pool.mean()
    drawn = np.random.default_rng(seed).choice(pool, (DRAWS, len(pool)))
    shifts = drawn @ design @ inverse
    left = drawn - shifts @ design.T
    unit = np.sqrt(np.diag(inverse))
    noise = np.sqrt((left**2).sum(axis=1) / freedom)
    sound = noise > 1e-9 * np.abs(pool).max()
    pivots = shifts[sound] / (noise[sound, None] * unit)
    errors = np.sqrt((residuals**2).sum() / freedom) * unit
    low, high = np.quantile(pivots, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [
        (float(value - h * e), float(value - lo * e)) for value, lo, h, e in zip(found, low, high, errors, strict=True)
    ]
