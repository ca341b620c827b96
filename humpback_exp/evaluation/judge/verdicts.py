"""What a judge said of a comparison in one order or both -> a verdict, and the figures over all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.config import JudgeConfig
from humpback_exp.evaluation.judge.asking import Reading
from humpback_exp.evaluation.judge.bias import longer_share, position_share
from humpback_exp.evaluation.judge.prompt import Question
from humpback_exp.evaluation.statistics import mean_and_error
from humpback_exp.evaluation.win_rate import POINTS, win_rate
from humpback_exp.inference.protocol import row_seed
from humpback_exp.records import Verdict

CERTAIN = 1e-6
"""Probabilities closer to 0 or 1 than this are taken as this close, so that their log-odds are finite."""
ROUNDING = 1e-9
"""Log-odds that are nothing but the position bias differ from it by less."""


@dataclass(slots=True, frozen=True)
class Comparison:
    """Our answer and an opponent's to one prompt."""

    id: str
    instruction: str
    ours: str
    theirs: str

    def shown(self, swapped: bool) -> Question:
        """The question with our answer first, or second where swapped."""
        first, second = (self.theirs, self.ours) if swapped else (self.ours, self.theirs)
        return Question(self.instruction, first, second)


Asked = tuple[Comparison, bool]
"""A comparison, and whether the answers are swapped: ours second."""


def asked_of(compared: Sequence[Comparison], config: JudgeConfig, seed: int, both: bool = False) -> list[Asked]:
    """Each time that the judge is asked.

    Args:
        both: in both orders, whatever `config.order` says.
    """
    if both or config.order == "both":
        return [(one, swapped) for one in compared for swapped in (False, True)]
    return [(one, row_seed(seed, "order", one.id) % 2 == 1) for one in compared]


def verdicts_of(asked: Sequence[Asked], readings: Sequence[Reading]) -> list[Verdict]:
    """The verdicts that can be read, in the order of the comparisons; a comparison that was asked twice needs both."""
    found: dict[str, list[tuple[bool, Reading]]] = {one.id: [] for one, _ in asked}
    for (one, swapped), reading in zip(asked, readings, strict=True):
        found[one.id].append((swapped, reading))
    whole = {one.id: verdict for one, _ in asked if (verdict := joined(one, found[one.id])) is not None}
    verdicts = list(whole.values())
    if any(reading.mass is None for reading in readings) or len(asked) == len(found):
        return verdicts
    return without_position_bias(verdicts, {one.id for one, _ in asked if one.ours == one.theirs})


def joined(comparison: Comparison, asked: Sequence[tuple[bool, Reading]]) -> Verdict | None:
    """The verdict of a comparison by the mean of its orders; None where one of them could not be read.

    Args:
        asked: whether the answers were swapped, and what the judge said.
    """
    shares = {swapped: reading.share for swapped, reading in asked if reading.share is not None}
    if len(shares) < len(asked):
        return None
    first, second = shares.get(False), shares.get(True)
    verdict = Verdict(
        id=comparison.id,
        first_probability=math.nan if first is None else first,
        second_probability=math.nan if second is None else 1 - second,
        outcome="tie",
        replies=[reading.reply for _, reading in asked if reading.reply],
    )
    if comparison.ours != comparison.theirs:
        verdict.outcome = outcome_of(verdict.preference)
    return verdict


def outcome_of(share: float) -> str:
    """Of a share for our answer."""
    return "tie" if share == 0.5 else "win" if share > 0.5 else "loss"


def without_position_bias(verdicts: Sequence[Verdict], equal: set[str]) -> list[Verdict]:
    """Verdicts of probabilities in both orders, after the judge's position bias is taken out of their outcomes.

    Small judges prefer one position nearly always; read plainly, every verdict of theirs is a tie. The bias is the mean
    log-odds of the first answer over all comparisons, where each answer stands first once; it is about zero for a judge
    without one, and then nothing changes. A win or loss needs both orders.

    Args:
        equal: ids of comparisons of equal answers, which tie whatever the judge says.
    """
    odds = [(log_odds(v.first_probability), log_odds(v.second_probability)) for v in verdicts]
    bias = sum(first - second for first, second in odds) / max(2 * len(odds), 1)
    for verdict, (first, second) in zip(verdicts, odds, strict=True):
        low, high = sorted((first - bias, second + bias))
        outcome = "win" if low > ROUNDING else "loss" if high < -ROUNDING else "tie"
        verdict.outcome = "tie" if verdict.id in equal else outcome
    return list(verdicts)


def log_odds(probability: float) -> float:
    clamped = min(max(probability, CERTAIN), 1 - CERTAIN)
    return math.log(clamped / (1 - clamped))


def summary(
    verdicts: Sequence[Verdict], comparisons: Sequence[Comparison] = (), placed: bool = True
) -> dict[str, float]:
    """Wins plus half the ties, and the judge's mean preference, each with its standard error; nan without verdicts.

    `preference` is AlpacaEval's raw win rate: the mean over both orders of the share given to our answer. `position_share` is
    how often the first answer was preferred: near 0 or 1 the judge looks at places more than at answers. `longer_share` is how
    often the longer one was, of answers of different lengths.

    Args:
        placed: whether it is known which answer was shown first, which it is not of verdicts from elsewhere.
    """
    rate = win_rate([POINTS[verdict.outcome] for verdict in verdicts])
    preference, error = mean_and_error([verdict.preference for verdict in verdicts])
    figures = {
        "win_rate": rate.percent / 100,
        "win_rate_error": rate.error / 100,
        "preference": preference,
        "preference_error": error,
        "position_share": position_share(verdicts) if placed else math.nan,
        "prompts": len(verdicts),
        "wins": rate.wins,
        "ties": rate.ties,
        "losses": rate.losses,
    }
    shares = {verdict.id: verdict.preference for verdict in verdicts}
    judged = [(shares[one.id], len(one.ours), len(one.theirs)) for one in comparisons if one.id in shares]
    return figures | ({"longer_share": longer_share(judged)} if judged else {})
