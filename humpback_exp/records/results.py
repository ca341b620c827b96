"""What was measured of models and pairs, row by row: answers, losses, verdicts, ratings, and what people judged."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a model answered to a held-out prompt, and the loss of the human's answer under it."""

    id: str
    instruction: str
    human: str
    answer: str | None
    """None where only the loss was measured."""
    loss: float
    """Nats a labelled token of the human's answer."""
    labels: int
    dropped: str = ""
    """Why the answer is not judged; empty where it is, or where there is none."""


@dataclass(slots=True, kw_only=True)
class QuestionLosses:
    """A held-out answer's losses behind its own question and behind others, in nats a token."""

    id: str
    labels: int
    loss: float
    """Behind its own question."""
    questions: list[str]
    """The other questions."""
    losses: list[float]
    """Behind each of these."""

    @property
    def gain(self) -> float:
        """Nats a token that the right question saves on the answer, against the mean of the others; nan if not measured."""
        return sum(self.losses) / len(self.losses) - self.loss

    @property
    def percent_right(self) -> float:
        """100 if the right question makes the answer likelier than any other, else 0."""
        return 100.0 * (self.loss < min(self.losses))


@dataclass(slots=True, kw_only=True)
class Verdict:
    """A judge's view of one prompt."""

    id: str
    first_probability: float
    """That the model's answer is better, shown first; nan where it was not shown first."""
    second_probability: float
    """The same, shown second."""
    outcome: str
    """win, loss, or tie where the two orders disagree. A comparison that the judge does not answer has no verdict."""
    replies: list[str] = field(default_factory=list)
    """What the judge wrote, in the order asked; empty where it gave probabilities."""

    @property
    def preference(self) -> float:
        """The mean share for the model's answer over the orders asked, in [0, 1]."""
        asked = [share for share in (self.first_probability, self.second_probability) if share == share]
        return sum(asked) / len(asked)


@dataclass(slots=True, kw_only=True)
class Pair:
    """The columns of a Candidate or ScoredCandidate that a person labels."""

    id: str
    instruction: str
    output: str
    dropped: str


@dataclass(slots=True, kw_only=True)
class Annotation:
    """What a person chose for one item: which of two answers, or which label for one."""

    item: str
    source: str
    """Id of the prompt or the candidate; in the test, the line of its file."""
    rater: str
    screening: bool
    """Whether it is an item of the test."""
    models: list[str]
    """The two compared, the one whose win counts first; empty for labels and in the test."""
    instruction: str
    texts: list[str]
    """The two answers in the order of `models`, or the one that was labelled."""
    outcome: str
    """win, tie or loss of the first text, or the label."""
    value: int
    """1, 0 or -1 of a comparison; the level of a label, where good is 5 and not good 1."""
    swapped: bool
    """Whether the second text was shown first."""
    reason: str
    seconds: float
    judged_at: str


@dataclass(slots=True, kw_only=True)
class TaggedAnswer:
    """What a model answered to a sensitive prompt under one setting of the tags."""

    id: str
    instruction: str
    tags: str
    """none, seed, web or both."""
    answer: str
    refused: bool
    """By the rule of `evaluation/safety/refusals.py`."""
    dropped: str = ""
    """Why the answer is not whole, such as unfinished; empty where it is."""


@dataclass(slots=True, kw_only=True)
class Rating:
    """One scorer's view of a known pair, as it is or corrupted."""

    id: str
    rubric: str
    """Empty where the scorer asks by none."""
    scorer: str
    kind: str
    """true, shuffled (another pair's output) or truncated (the first half of its output)."""
    score: float | None
    dropped: str
    mass: float | None
    raw: list[str]
