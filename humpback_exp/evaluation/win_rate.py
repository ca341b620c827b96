"""The win rate of a model over another, from what a judge says of their answers to the same prompts.

A share lies in [0, 1]: 1 where the model's answer is better, 0 where the other's is, 0.5 for a tie; a judge that weighs says
how sure it is. None stands for a verdict that could not be read, which is neither a tie nor a loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.evaluation.statistics import mean_and_error

POINTS = {"win": 1.0, "tie": 0.5, "loss": 0.0}
"""What an outcome counts."""


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
