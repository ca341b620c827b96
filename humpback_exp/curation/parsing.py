"""What a model says of a pair -> a score from 1 to 5, or None when it is unreadable.

The unofficial reimplementation read any digits behind "Score:" anywhere and got scores up to 10502, or lost two thirds
of its pairs (rivals.md 3.1). Here the declared slot is the last line that holds a letter or a digit, and nothing else counts.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from humpback_exp.completions import answer_in
from humpback_exp.records import Measures

_FRAME = r"[#*_`>\-•\s]*"
_RATING = r"([0-5])(?:\.0+)?(?:\s*(?:/|(?:out )?of)\s*5)?(?:\s(?:points?|stars?))?"
_SLOT = re.compile(
    rf"{_FRAME}(?:\d{{1,2}}[.)]\s+)?(?:(?:my|the)\s+)?(?:(?:final|overall|total)\s+)?(?:score|rating)"
    rf"(?:\s+(?:[01]-5|out of 5))?\s*[:=]\s*{_RATING}[\s.!,;。]*",
    re.IGNORECASE,
)
_ALONE = re.compile(
    rf"{_FRAME}(?:\[{{1,2}}([0-5])\]{{1,2}}|([0-5])\s+out\s+of\s+5|\$?\\boxed\{{([0-5])\}}\$?"
    r"|<(?:score|rating)>\s*([0-5])\s*</(?:score|rating)>)[*_`\s.!]*",
    re.IGNORECASE,
)
"""A rating without the word before it, in a form that means nothing else."""
_DRESS = re.compile(
    r"<([0-5])>|</?(?!del\b|strike\b)[a-z]{1,10}\s?/?>|\\(?:boxed|text(?:bf)?|mathbf)(?=\{)|[*_`\"'“”$()\[\]{}]",
    re.IGNORECASE,
)
"""Emphasis, quotes, brackets and tags, of which the number stays; without them digits only ever join to what is no rating."""


ROUNDING = 1e-3
"""How far probabilities that were rounded may sum beyond 1."""


@dataclass(slots=True, kw_only=True)
class Rated(Measures):
    """What one scorer measured of a pair; the columns of the same names in `ScoredCandidate`."""

    raw: list[str] = field(default_factory=list)
    dropped: str = ""
    re_asked: bool = False


def parse_score(completion: str, lowest: int = 1) -> float | None:
    """The level in the last line `Score: n`, n from `lowest` to 5, where 0 counts as level 1; None for anything else.

    What leaves no doubt about the number is tolerated: emphasis, headings, quotes, tags and brackets, full-width and invisible
    signs, `rating` or `final score`, `/5`, `out of 5` and `points` behind it, a line break before it, `[n]` or `n out of 5` alone,
    marks of turns, thinking before. 6, 10, 4.5, a range, a score in prose or one that is not on the last line are unreadable,
    and so is 0 under a rubric that does not offer it.
    """
    lines = [line for line in answer_in(completion).splitlines() if re.search(r"\w", line)]
    last, two = (_visible("\n".join(lines[-count:])) for count in (1, 2))
    found = _ALONE.fullmatch(last) or _SLOT.fullmatch(_undressed(last)) or _SLOT.fullmatch(_undressed(two))
    rating = int(next(filter(None, found.groups()))) if found else -1
    return level(rating) if rating >= lowest else None


def _visible(text: str) -> str:
    """Full-width signs as plain ones, without those that show nothing, such as zero-width spaces and the frame of 4️⃣."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in plain if unicodedata.category(sign) != "Cf" and sign not in "\ufe0f\u20e3")


def _undressed(text: str) -> str:
    return _DRESS.sub(r"\1", text)


def level(rating: int) -> float:
    """The level of a rating: a 0 says no more against a pair than a 1."""
    return float(max(rating, 1))


def expectation(ratings: Sequence[int], probabilities: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean level under the probabilities of the ratings, scaled to sum to 1, and their sum.

    The mean is None where the sum is not positive or exceeds 1, and so is the sum where it is no number.

    With ratings 1 to 5 the mean is sum k p_k / sum p_k: G-Eval's weighted score (arXiv 2303.16634, section 2).
    """
    mass = math.fsum(probabilities)
    if not 0 < mass <= 1 + ROUNDING:
        return None, None if math.isnan(mass) else mass
    return math.fsum(level(rating) * p for rating, p in zip(ratings, probabilities, strict=True)) / mass, mass


def gain(unconditional: float, conditional: float) -> float:
    """The forward likelihood score: nats a token by which the instruction lowers the loss of the output."""
    return unconditional - conditional
