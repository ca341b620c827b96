"""A rating model's completion -> a score from 1 to 5, or None when it is unreadable.

The unofficial reimplementation read any digits behind "Score:" anywhere and got scores up to 10502, or lost two thirds
of its pairs (rivals.md 3.1). Here the declared slot is the last line that is not blank, and nothing else counts.
"""

import re

_SLOT = re.compile(r"[*_`\s]*score[*_`\s]*:[*_`\s]*([1-5])(?:\.0+)?(?:\s*/\s*5)?[*_`\s.]*", re.IGNORECASE)


def parse_score(completion: str) -> float | None:
    """The rating in the last line `Score: n`, n from 1 to 5; None for anything else.

    Emphasis marks, `/5` and a full stop are tolerated, since they leave no doubt about the number; 0, 6, 10, 4.5,
    a range, a score in prose or one that is not on the last line are unreadable.
    """
    lines = [line for line in completion.splitlines() if line.strip()]
    found = _SLOT.fullmatch(lines[-1]) if lines else None
    return float(found.group(1)) if found else None


def gain(unconditional: float, conditional: float) -> float:
    """The likelihood score: nats a token by which the instruction lowers the loss of the output."""
    return unconditional - conditional
