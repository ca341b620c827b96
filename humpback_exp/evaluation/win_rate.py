"""Pairwise comparison by a judge model: both orders, ties where they disagree, standard error over prompts."""

from collections.abc import Sequence

from humpback_exp.evaluation.statistics import mean_and_error
from humpback_exp.inference.engine import Engine
from humpback_exp.prompts import comparison
from humpback_exp.records import Answer, Verdict

POINTS = {"win": 1.0, "tie": 0.5, "loss": 0.0}


def compare(judge: Engine, ours: Sequence[Answer], theirs: dict[str, str]) -> list[Verdict]:
    """Judge our answers against those of a reference to the same prompts, each shown first and second.

    Args:
        theirs: prompt id -> the reference's answer; prompts it did not answer are left out.
    """
    both = [(row, row.answer, theirs[row.id]) for row in ours if row.answer is not None and row.id in theirs]
    first = judge.choose([comparison(row.instruction, a, b) for row, a, b in both], ["1", "2"])
    second = judge.choose([comparison(row.instruction, b, a) for row, a, b in both], ["1", "2"])
    return [
        verdict(row.id, a, b, as_first[0], as_second[1])
        for (row, a, b), as_first, as_second in zip(both, first, second, strict=True)
    ]


def verdict(row_id: str, ours: str, theirs: str, as_first: float, as_second: float) -> Verdict:
    """Both orders joined: a win or loss needs both; equal answers tie whatever the judge says."""
    if ours == theirs or (as_first > 0.5) != (as_second > 0.5) or 0.5 in (as_first, as_second):
        outcome = "tie"
    else:
        outcome = "win" if as_first > 0.5 else "loss"
    return Verdict(id=row_id, first_probability=as_first, second_probability=as_second, outcome=outcome)


def win_rate(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Wins plus half the ties, and the position-free preference of the judge, each with its standard error.

    `preference` is the mean over both orders of the probability given to our answer: it moves where a judge with a
    strong liking for one position only ever ties. `position_share` is how often the first answer was preferred.
    """
    points, error = mean_and_error([POINTS[v.outcome] for v in verdicts])
    preference, preference_error = mean_and_error([(v.first_probability + v.second_probability) / 2 for v in verdicts])
    firsts = sum((v.first_probability > 0.5) + (v.second_probability < 0.5) for v in verdicts)
    counts = {f"{name}s" if name != "loss" else "losses": sum(v.outcome == name for v in verdicts) for name in POINTS}
    return {
        "win_rate": points,
        "win_rate_error": error,
        "preference": preference,
        "preference_error": preference_error,
        "position_share": firsts / (2 * len(verdicts)),
        "prompts": len(verdicts),
    } | counts
