"""Figures with their standard errors."""

import math
from collections.abc import Sequence


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error; nan for the error of fewer than two values."""
    count = len(values)
    mean = sum(values) / count
    if count < 2:
        return mean, math.nan
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, math.sqrt(variance / count)


def ratio_and_error(sums: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """sum(sums) / sum(counts) and the standard error of that ratio over rows (delta method).

    The held-out loss a token is such a ratio: rows, not tokens, are what is independent.
    """
    ratio = sum(sums) / sum(counts)
    if len(sums) < 2:
        return ratio, math.nan
    residuals = [s - ratio * c for s, c in zip(sums, counts, strict=True)]
    scale = sum(counts) / len(counts)
    return ratio, mean_and_error(residuals)[1] / scale


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a random positive scores above a random negative; ties count half."""
    if not positive or not negative:
        return math.nan
    wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    return wins / (len(positive) * len(negative))
