"""How much a judge's verdicts go with the place of answers and with their length."""

import math
from collections.abc import Sequence

from humpback_exp.records import Verdict


def position_share(verdicts: Sequence[Verdict]) -> float:
    """How often the answer shown first was preferred, of all times that the judge was asked."""
    firsts = [share for v in verdicts for share in (v.first_probability, 1 - v.second_probability) if share == share]
    return sum(share > 0.5 for share in firsts) / len(firsts) if firsts else math.nan


def longer_share(judged: Sequence[tuple[float, int, int]]) -> float:
    """How often the longer answer was preferred, of the verdicts that decide between answers of different lengths.

    Args:
        judged: of each comparison the share for our answer, and the characters of ours and of theirs.
    """
    decided = [
        share if ours > theirs else 1 - share for share, ours, theirs in judged if share != 0.5 and ours != theirs
    ]
    return sum(share > 0.5 for share in decided) / len(decided) if decided else math.nan
