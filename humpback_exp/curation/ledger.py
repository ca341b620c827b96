"""What became of every candidate: scored, re-asked or abandoned. The three add up to what went in."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from humpback_exp.records import Candidate, ScoredCandidate

SCORED, RE_ASKED, ABANDONED = "scored", "re-asked", "abandoned"


@dataclass(slots=True)
class Ledger:
    """Counts by outcome, and the scores themselves."""

    outcomes: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())

    def readable_share(self) -> float:
        return 1 - self.outcomes[ABANDONED] / self.total if self.total else 0.0


def tally(rows: Iterable[ScoredCandidate]) -> Ledger:
    """The ledger of a scored folder."""
    ledger = Ledger()
    for row in rows:
        ledger.outcomes[row.outcome] += 1
        if row.score is not None:
            ledger.scores.append(row.score)
    return ledger


def outcome(score: float | None, attempts: int) -> str:
    """How a candidate ended, given its score and how often it was asked for."""
    if score is None:
        return ABANDONED
    return SCORED if attempts == 1 else RE_ASKED


def scored(candidate: Candidate, score: float | None, raw: Sequence[str]) -> ScoredCandidate:
    """The candidate with its score and every completion it was read from."""
    return ScoredCandidate(
        id=candidate.id,
        url=candidate.url,
        offset=candidate.offset,
        heading_path=candidate.heading_path,
        instruction=candidate.instruction,
        output=candidate.output,
        score=score,
        outcome=outcome(score, max(len(raw), 1)),
        raw=list(raw),
    )
