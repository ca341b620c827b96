"""The win rate of a model over another, from what a judge says of their answers to the same prompts.

A share lies in [0, 1]: 1 where the model's answer is better, 0 where the other's is, 0.5 for a tie; a judge that weighs says
how sure it is. None stands for a verdict that could not be read, which is neither a tie nor a loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from humpback_exp.evaluation.statistics import mean_and_error

POINTS = {"win": 1.0, "tie": 0.5, "loss": 0.0}
"""What an outcome counts."""
DRAWS = 10_000
"""Of the bootstrap: the ends of its intervals then move by about a hundredth of their width from seed to seed."""


@dataclass(frozen=True, slots=True)
class WinRate:
    """A model against another, over the verdicts that could be read; nan without any."""

    percent: float
    """Mean share."""
    error: float
    """Standard error of the mean, in percent (ddof 1)."""
    wins: int
    losses: int
    ties: int
    unscored: int


def win_rate(shares: Sequence[float | None]) -> WinRate:
    """The mean of the shares that are known, and the counts of all."""
    known = [share for share in shares if share is not None]
    mean, error = mean_and_error(known)
    return WinRate(
        percent=100 * mean,
        error=100 * error,
        wins=sum(share > 0.5 for share in known),
        losses=sum(share < 0.5 for share in known),
        ties=sum(share == 0.5 for share in known),
        unscored=len(shares) - len(known),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """One model's win rate less another's over the same opponent, in percentage points."""

    points: float
    low: float
    high: float
    """Ends of the 95 % interval."""
    p: float
    """Of the two-sided test that there is none."""
    prompts: int


def paired_bootstrap(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> Difference:
    """Compare two models on the prompts that both were judged on: prompts are drawn with replacement, both shares together."""
    gaps = 100 * (np.array(ours) - np.array(theirs))
    generator = np.random.default_rng(seed)
    drawn = np.array([gaps[generator.integers(len(gaps), size=len(gaps))].mean() for _ in range(DRAWS)])
    low, high = np.percentile(drawn, [2.5, 97.5])
    beyond = min((drawn <= 0).mean(), (drawn >= 0).mean())
    return Difference(float(gaps.mean()), float(low), float(high), min(1.0, 2 * float(beyond)), len(gaps))
