"""How far two scorers agree on the pairs that both have rated."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from humpback_exp.curation.calibration import quantiles
from humpback_exp.records import Measured

LEVELS = (1, 2, 3, 4, 5)


def nearest(score: float) -> int:
    """The level a score is nearest to; halves go up."""
    return math.floor(score + 0.5)


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Rank correlation, ties at their mean rank; nan for fewer than two pairs or where one side is all alike."""
    ranks = np.array([quantiles(np.asarray(side, dtype=float)) for side in (first, second)])
    ranks -= ranks.mean(1, keepdims=True)
    squares = float((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum())
    return float((ranks[0] * ranks[1]).sum()) / math.sqrt(squares) if squares > 0 else math.nan


def agreement(generated: Sequence[float], expected: Sequence[float]) -> dict[str, Any]:
    """Figures for the manifest: rows compared, `spearman`, shares `equal` and `within_1` of rounded scores, and `confusion`.

    `confusion[i][j]` counts the rows with written level i + 1 and expected level j + 1.
    """
    levels = [(nearest(a), nearest(b)) for a, b in zip(generated, expected, strict=True)]
    confusion = [[levels.count((a, b)) for b in LEVELS] for a in LEVELS]
    count = max(len(levels), 1)
    return {
        "compared": len(levels),
        "spearman": spearman(generated, expected),
        "equal": sum(a == b for a, b in levels) / count,
        "within_1": sum(abs(a - b) <= 1 for a, b in levels) / count,
        "confusion": confusion,
    }


def comparison(rows: Iterable[Measured]) -> dict[str, Any]:
    """What a scored folder tells beside its scores: mean probability on the levels, and `agreement_` figures; none where
    nothing was measured. Only the rows that were rated both ways stay in memory."""
    count, mass = 0, 0.0
    both: list[tuple[float, float]] = []
    for row in rows:
        if row.mass is not None and math.isfinite(row.mass):
            count, mass = count + 1, mass + row.mass
        if row.generated is not None and row.expected is not None and math.isfinite(row.generated + row.expected):
            both.append((row.generated, row.expected))
    figures: dict[str, Any] = {"mean_mass": mass / count} if count else {}
    found = agreement(*map(list, zip(*both, strict=True))) if both else {}
    return figures | {f"agreement_{name}": value for name, value in found.items()}
