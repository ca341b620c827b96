"""Figures with their standard errors."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pair = tuple[float | None, float | None]
Components = NDArray[np.float64]


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error; nan for the mean of no value and for the error of fewer than two."""
    count = len(values)
    if not count:
        return math.nan, math.nan
    mean = sum(values) / count
    if count < 2:
        return mean, math.nan
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, math.sqrt(variance / count)


def ratio_and_error(sums: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """sum(sums) / sum(counts) and the standard error of that ratio over rows (delta method); nan without rows.

    The held-out loss a token is such a ratio: rows, not tokens, are what is independent.
    """
    if not sums:
        return math.nan, math.nan
    ratio = sum(sums) / sum(counts)
    if len(sums) < 2:
        return ratio, math.nan
    residuals = [s - ratio * c for s, c in zip(sums, counts, strict=True)]
    scale = sum(counts) / len(counts)
    return ratio, mean_and_error(residuals)[1] / scale


def paired_area(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Probability that a random first value lies above a random second, ties counting half, and its standard error.

    DeLong's components, summed over the two values of a pair before they are squared, since those are not independent
    (Obuchowski 1997, Biometrics 53, 567). A value that is None is left out; nan where a side has none.
    """
    area, parts = _area(pairs)
    return area, _error(parts)


def area_difference(ours: Sequence[Pair], theirs: Sequence[Pair]) -> tuple[float, float]:
    """How far the first area lies above the second on the same pairs, and its standard error (DeLong 1988, Biometrics 44, 837).

    What both find hard does not count against their difference, so its error is smaller than either area's.
    """
    (area, parts), (other, other_parts) = _area(ours), _area(theirs)
    return area - other, _error(parts - other_parts)


def _area(pairs: Sequence[Pair]) -> tuple[float, Components]:
    """The area and how much each pair moves it."""
    first, second = np.array(pairs, dtype=float).reshape(-1, 2).T
    ours, theirs = ~np.isnan(first), ~np.isnan(second)
    if not ours.any() or not theirs.any():
        return math.nan, np.full(len(pairs), math.nan)
    wins = np.sign(first[ours][:, None] - second[theirs][None, :]) / 2 + 0.5
    area, parts = float(wins.mean()), np.zeros(len(pairs))
    parts[ours] += (wins.mean(1) - area) / ours.sum()
    parts[theirs] += (wins.mean(0) - area) / theirs.sum()
    return area, parts


def _error(parts: Components) -> float:
    count = len(parts)
    return math.sqrt(count / (count - 1) * float((parts**2).sum())) if count > 1 else math.nan


def wilson(share: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share of `count` independent ones (Wilson 1927); all there is, (0, 1), for none.

    For means of values in [0, 1] that are not 0 or 1 alone it is too wide rather than too narrow.
    """
    if not count:
        return 0.0, 1.0
    z = 1.959964
    middle, reach = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    low, high = ((middle + side) / (1 + z * z / count) for side in (-reach, reach))
    return max(0.0, min(share, low)), min(1.0, max(share, high))  # rounding puts the end of a share of 1 below it
