"""What became of every candidate: scored, re-asked or abandoned. The three add up to what went in."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from humpback_exp.curation.agreement import LEVELS, nearest
from humpback_exp.curation.parsing import Rated
from humpback_exp.reasons import ABANDONED
from humpback_exp.records import Candidate, Measured, ScoredCandidate

SCORED = "scored"
RE_ASKED = "re-asked"


@dataclass(slots=True)
class Outcomes:
    """Counts, never rows."""

    counts: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    """Abandoned rows by reason."""
    levels: Counter[int] = field(default_factory=Counter)
    """Scores by the level they are nearest to."""
    sum: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def readable(self) -> int:
        return self.total - self.counts[ABANDONED]

    def mean(self) -> float:
        """Of the scores; nan where there is none."""
        return self.sum / self.readable if self.readable else math.nan

    def histogram(self) -> dict[str, int]:
        """Level -> rows."""
        return {str(level): self.levels[level] for level in LEVELS}


def tally(rows: Iterable[Measured]) -> Outcomes:
    """The outcomes of a scored folder, in one pass."""
    outcomes = Outcomes()
    for row in rows:
        outcomes.counts[row.outcome] += 1
        assert (row.score is None) == (row.outcome == ABANDONED) == bool(row.dropped), row
        if row.score is None:
            outcomes.drops[row.dropped] += 1
        else:
            outcomes.levels[nearest(row.score)] += 1
            outcomes.sum += row.score
    return outcomes


def scored(candidate: Candidate, score: float | None, rated: Rated) -> ScoredCandidate:
    """The candidate with its score, all that was measured of it, and every completion that was read."""
    measured = asdict(rated)
    re_asked = measured.pop("re_asked")
    return ScoredCandidate(
        id=candidate.id,
        url=candidate.url,
        offset=candidate.offset,
        heading_path=candidate.heading_path,
        instruction=candidate.instruction,
        output=candidate.output,
        score=score,
        outcome=ABANDONED if rated.dropped else RE_ASKED if re_asked else SCORED,
        **measured,
    )
