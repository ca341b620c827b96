"""The records of all Parquet files, and their way in and out."""

from humpback_exp.records.pairs import (
    Candidate,
    DroppedSegment,
    Example,
    HeldoutPair,
    Measured,
    Measures,
    RewrittenCandidate,
    Score,
    ScoredCandidate,
    Segment,
)
from humpback_exp.records.parquet import Writer, parts, read, read_file, read_ids, write
from humpback_exp.records.results import Annotation, Answer, Pair, QuestionLosses, Rating, TaggedAnswer, Verdict
