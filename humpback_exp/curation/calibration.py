"""Likelihoods in nats -> scores from 1 to 5, so that thresholds keep what they keep in the paper.

A likelihood has no level of its own: 0.3 nats a token is much for one model and little for another. Its place among all
candidates is comparable, and the paper tells what share it kept of them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from humpback_exp.records import Measured, ScoredCandidate, parts, read, read_file, write

Floats = npt.NDArray[np.float64]

KNOTS = ((0.0, 1.0), (1 - 0.388, 4.0), (1 - 0.083, 4.5), (1.0, 5.0))
"""Quantile -> score. The paper kept 38.8 % at 4 and more, 8.3 % at 4.5 and more (A_4, A_5: Table 2); the ends are the ends of
the scale, and straight lines run between."""


def quantiles(values: Floats) -> Floats:
    """The place of each value among all: the share below it and half the share of its equals, within (0, 1); nan stays nan."""
    known = ~np.isnan(values)
    distinct, place, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    ranks = np.full(len(values), np.nan)
    ranks[known] = ((below + counts / 2) / max(int(known.sum()), 1))[place]
    return ranks


def calibrated(measures: Sequence[Floats]) -> Floats:
    """Scores by the mean quantile of one or more measures of the same rows; equal means score alike.

    Args:
        measures: arrays of (rows,), nan where a row was not readable; a row that any of them lacks has no score (nan).
    """
    mean: Floats = np.array([quantiles(values) for values in measures]).mean(0)
    # Rounded, since sums that are equal on paper may differ in their last bit.
    places, scores = np.array(KNOTS).T
    return np.asarray(np.interp(quantiles(np.round(mean, 12)), places, scores))


def calibrate(folder: Path, measures: Sequence[str]) -> None:
    """Write the scores that follow from all rows together: a pass over the numbers, then one that rewrites each chunk.

    The raw measures stay as they are, so a pass that was killed is simply done again. Memory holds a few numbers a row.
    """
    columns = [
        np.fromiter((getattr(row, name) for row in read(folder, Measured)), dtype=np.float64) for name in measures
    ]
    scores = iter(calibrated(columns).tolist())
    for path in parts(folder):
        rows = list(read_file(path, ScoredCandidate))
        for row, score in zip(rows, scores, strict=False):
            row.score = None if row.dropped else score
        write(path, ScoredCandidate, rows)
