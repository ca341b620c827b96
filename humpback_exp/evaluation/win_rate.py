"""Pairwise comparison by a judge model: both orders, ties where they disagree, standard error over prompts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.evaluation.statistics import mean_and_error
from humpback_exp.inference.protocol import Engine
from humpback_exp.prompts import comparison
from humpback_exp.records import Answer, Verdict

POINTS = {"win": 1.0, "tie": 0.5, "loss": 0.0}
NAMES = {"win": "wins", "tie": "ties", "loss": "losses"}
CERTAIN = 1e-6
"""Probabilities closer to 0 or 1 than this are taken as this close, so that their log-odds are finite."""


@dataclass(slots=True, frozen=True)
class Preference:
    """The probability a judge gives our answer, shown first and shown second."""

    id: str
    equal: bool
    """Whether both answers are the same text."""
    first: float
    second: float


def compare(judge: Engine, ours: Sequence[Answer], theirs: dict[str, str]) -> list[Verdict]:
    """Judge our answers against those of a reference to the same prompts, each shown first and second.

    A comparison for which the judge gives no probabilities, in either order, has no verdict: it is no tie.

    Args:
        theirs: prompt id -> the reference's answer; prompts it did not answer are left out.
    """
    both = [(row, row.answer, theirs[row.id]) for row in ours if can_be_judged(row) and row.id in theirs]
    in_order = [comparison(row.instruction, a or "", b) for row, a, b in both]
    swapped = [comparison(row.instruction, b, a or "") for row, a, b in both]
    first, second = (judge.choose(asked, ["1", "2"], "", lambda rows, tokens: None) for asked in (in_order, swapped))
    preferences = [
        Preference(row.id, a == b, share(as_first, 0), share(as_second, 1))
        for (row, a, b), as_first, as_second in zip(both, first, second, strict=True)
    ]
    return verdicts([p for p in preferences if math.isfinite(p.first + p.second)])


def can_be_judged(row: Answer) -> bool:
    """Whether the answer can be judged."""
    return row.answer is not None and not row.dropped


def share(probabilities: Sequence[float], choice: int) -> float:
    """The probability of a choice among all; nan where the judge puts none on any, or what it gives is no number."""
    mass = math.fsum(probabilities)
    return probabilities[choice] / mass if 0 < mass < math.inf else math.nan


def verdicts(preferences: Sequence[Preference]) -> list[Verdict]:
    """Both orders joined, after the judge's position bias is taken out.

    Small judges prefer one position nearly always; read plainly, every verdict of theirs is a tie. The bias is the mean
    log-odds of the first answer over all comparisons, where each answer stands first once; it is about zero for a judge
    without one, and then nothing changes.
    """
    position_bias = sum(log_odds(p.first) - log_odds(p.second) for p in preferences) / max(2 * len(preferences), 1)
    return [verdict(p, position_bias) for p in preferences]


def verdict(preference: Preference, position_bias: float) -> Verdict:
    """A win or loss needs both orders; equal answers tie whatever the judge says."""
    first, second = log_odds(preference.first) - position_bias, log_odds(preference.second) + position_bias
    outcome = "tie"
    if not preference.equal and first * second > 0:
        outcome = "win" if first > 0 else "loss"
    return Verdict(
        id=preference.id, first_probability=preference.first, second_probability=preference.second, outcome=outcome
    )


def log_odds(probability: float) -> float:
    clamped = min(max(probability, CERTAIN), 1 - CERTAIN)
    return math.log(clamped / (1 - clamped))


def win_rate(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Wins plus half the ties, and the judge's mean preference, each with its standard error; nan without verdicts.

    `preference` is the mean over both orders of the probability given to our answer. `position_share` is how often the
    first answer was preferred: near 0 or 1 the judge looks at places more than at answers.
    """
    points, error = mean_and_error([POINTS[v.outcome] for v in verdicts])
    preference, preference_error = mean_and_error([(v.first_probability + v.second_probability) / 2 for v in verdicts])
    firsts = sum((v.first_probability > 0.5) + (v.second_probability < 0.5) for v in verdicts)
    return {
        "win_rate": points,
        "win_rate_error": error,
        "preference": preference,
        "preference_error": preference_error,
        "position_share": firsts / (2 * len(verdicts)) if verdicts else math.nan,
        "prompts": len(verdicts),
    } | {NAMES[outcome]: sum(v.outcome == outcome for v in verdicts) for outcome in POINTS}
