"""The record of each state of the data, and its way in and out of Parquet.

page -> Segment -> Candidate -> ScoredCandidate (-> RewrittenCandidate) -> Example. Ids never change: an example's id is its
candidate's, a candidate's is its segment's, and a segment's is a hash of where its text stands.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq


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
class Measured:
    """The columns of a ScoredCandidate that its figures are made of: no texts, so that a million fit in memory."""

    id: str
    score: float | None
    outcome: str
    dropped: str
    generated: float | None
    expected: float | None
    mass: float | None
    forward: float | None
    backward: float | None
    contrast: float | None = None


@dataclass(slots=True, kw_only=True)
class Example:
    """One training pair."""

    id: str
    source: str
    """seed or web."""
    instruction: str
    output: str
    score: float | None = None


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


R = TypeVar("R")
_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema(cls: type) -> pa.Schema:
    """The Arrow schema of a record class."""
    return pa.schema([pa.field(name, _arrow(hint)) for name, hint in get_type_hints(cls).items()])


def _arrow(hint: Any) -> pa.DataType:
    if hint in _ARROW:
        return _ARROW[hint]
    inner = hint.__args__[0]
    return pa.list_(_ARROW[inner]) if getattr(hint, "__origin__", None) is list else _ARROW[inner]


def write(path: Path, cls: type[R], rows: Iterable[R]) -> int:
    """Write rows to `path` by atomic rename and return their number; equal rows give equal bytes.

    The scratch file has a name of its own, so a worker that was taken for dead cannot write into another's.
    """
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schema(cls))  # type: ignore[call-overload]
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
    try:
        with scratch.open("wb") as sink:
            pq.write_table(table, sink, compression="zstd")
            sink.flush()
            os.fsync(sink.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return int(table.num_rows)


def parts(folder: Path, subfolder: str = "data") -> list[Path]:
    """The Parquet files of an artifact folder, in order."""
    return sorted((folder / subfolder).glob("*.parquet"))


def read_file(path: Path, cls: type[R]) -> Iterator[R]:
    """Records of one Parquet file, a batch at a time; a damaged file raises ValueError."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024, columns=[f.name for f in fields(cls)]):  # type: ignore[arg-type]
                for row in batch.to_pylist():
                    yield cls(**row)
    except (pa.ArrowException, TypeError) as error:
        raise ValueError(
            f"{path}: not a readable {cls.__name__} file ({str(error).splitlines()[0]}); "
            "delete its folder and run the stage that wrote it again"
        ) from error


def read(folder: Path, cls: type[R], subfolder: str = "data") -> Iterator[R]:
    """All records of an artifact folder, in order, in bounded memory."""
    for path in parts(folder, subfolder):
        yield from read_file(path, cls)


def read_ids(folder: Path) -> Iterator[str]:
    """The ids of all records of an artifact folder, in order, without reading the rest."""
    for path in parts(folder):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024, columns=["id"]):
                yield from batch.column("id").to_pylist()
