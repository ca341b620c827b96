"""How much a judge's verdicts go with the length of answers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LengthBias:
    """Verdicts about answers of different lengths, in shares; nan where there are none."""

    longer: float
    """Verdicts for the longer answer, of those that decide."""
    verdicts: int
    """How many decide between answers of different lengths."""
    where_longer: float
    """Win rate where our answer is the longer one."""
    where_shorter: float


def length_bias(judged: Sequence[tuple[float, int, int]]) -> LengthBias:
    """
    Args:
        judged: of each comparison the share for our answer, and the characters of ours and of theirs.
    """
    longer = [share for share, ours, theirs in judged if ours > theirs]
    shorter = [share for share, ours, theirs in judged if ours < theirs]
    decided = [share for share in longer if share != 0.5] + [1 - share for share in shorter if share != 0.5]
    return LengthBias(_mean([float(share > 0.5) for share in decided]), len(decided), _mean(longer), _mean(shorter))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
