"""The record of each state of the training data, from a segment to a pair.

page -> Segment -> Candidate -> ScoredCandidate (-> RewrittenCandidate) -> Example. Ids never change: an example's id is its
candidate's, a candidate's is its segment's, and a segment's is a hash of where its text stands.
"""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Segment:
    """The text below one header of a page, subtrees included."""

    id: str
    url: str
    """Where the page came from: its WARC target URI, or its path below the corpus folder."""
    offset: int
    """Where the header begins in the page's HTML, in bytes."""
    heading_path: list[str]
    """Headers from the page's outermost down to the segment's own."""
    text: str
    """What stands below the header; the header itself is heading_path[-1]."""


@dataclass(slots=True, kw_only=True)
class DroppedSegment:
    """A segment that failed a filter, with enough of it to judge the filter by."""

    url: str
    offset: int
    heading_path: list[str]
    chars: int
    reason: str
    excerpt: str
    """The first 200 characters."""


@dataclass(slots=True, kw_only=True)
class HeldoutPair:
    """A question that stands on a page as a header, and the answer below it."""

    id: str
    page: str
    """The page's url; other questions of the same page are the hardest to tell from this one."""
    instruction: str
    output: str


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A segment and the instruction the backward model wrote for it."""

    id: str
    url: str
    offset: int
    heading_path: list[str]
    instruction: str
    output: str
    raw: str
    """The generated text as it came."""
    dropped: str = ""
    """Why the row is no candidate; empty when it is one."""


@dataclass(slots=True, kw_only=True)
class ScoredCandidate:
    """A candidate, what was measured of it, and the score that follows; None for what was not measured or not readable."""

    id: str
    url: str
    offset: int
    heading_path: list[str]
    instruction: str
    output: str
    score: float | None
    """From 1 to 5, by the run's scorer; None when abandoned."""
    outcome: str
    """scored, re-asked (readable after another try) or abandoned."""
    dropped: str = ""
    """Why it was abandoned; empty when it has a score."""
    generated: float | None = None
    """Mean of the written ratings, 1 to 5."""
    expected: float | None = None
    """Mean of the levels weighed by their probabilities, 1 to 5."""
    mass: float | None = None
    """The probability, of 1, that fell on the levels."""
    forward: float | None = None
    """Nats a token that the instruction saves on the output, under the rating model."""
    backward: float | None = None
    """Minus the loss of the instruction given the output, nats a token, under the backward model."""
    contrast: float | None = None
    """Loss of the output under the base model less its loss under the rating model, nats a token."""
    raw: list[str] = field(default_factory=list)
    """Every completion of the rating model, in the order asked."""


@dataclass(slots=True, kw_only=True)
class RewrittenCandidate(ScoredCandidate):
    """A selected candidate whose output is the rewriting where there is a usable one, so it reads as a ScoredCandidate."""

    draft: str
    """The output as it was: the web text."""
    rewriting: str
    """The generated text as it came."""
    draft_kept: str = ""
    """Why the draft was kept as the output; empty where it was rewritten."""


@dataclass(slots=True, kw_only=True)
class Score:
    """The columns of a ScoredCandidate that a selection looks at."""

    id: str
    score: float | None


@dataclass(slots=True, kw_only=True)
class Measures:
    """The columns of a ScoredCandidate that a scorer fills."""

    generated: float | None = None
    expected: float | None = None
    mass: float | None = None
    forward: float | None = None
    backward: float | None = None
    contrast: float | None = None


@dataclass(slots=True, kw_only=True)
class Measured(Measures):
    """The columns of a ScoredCandidate that its figures are made of: no texts, so that a million fit in memory."""

    id: str
    score: float | None
    outcome: str
    dropped: str


@dataclass(slots=True, kw_only=True)
class Example:
    """One training pair."""

    id: str
    source: str
    """seed or web."""
    instruction: str
    output: str
    score: float | None = None
