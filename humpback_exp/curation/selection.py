"""Scored candidates -> the ids that are kept: one pure function for curate.py and train.py, which sees no text."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from humpback_exp.records import Score, ScoredCandidate, read


def shuffled_rank(seed: int, row_id: str) -> str:
    """A sort key that orders rows at random but the same way for every size, so smaller draws are prefixes of larger."""
    return hashlib.sha256(f"{seed}:{row_id}".encode()).hexdigest()


def select(
    rows: Iterable[Score],
    *,
    min_score: float | None = None,
    top_fraction: float | None = None,
    size: int | None = None,
    seed: int = 0,
) -> list[str]:
    """The ids kept, in the seeded order of `shuffled_rank`.

    Args:
        min_score: keep rows scored at least this; abandoned rows never pass a threshold.
        top_fraction: keep this share of all rows, the best scored first, ties broken by the seeded order.
        size: keep at most the first so many of the seeded order. With neither bound, every row is kept, abandoned too:
            that is the paper's "no curation".
    """
    ordered = sorted(rows, key=lambda row: shuffled_rank(seed, row.id))
    if min_score is not None:
        ordered = [row for row in ordered if row.score is not None and row.score >= min_score]
    if top_fraction is not None:
        count = math.floor(top_fraction * len(ordered) + 0.5)
        readable = [row for row in ordered if row.score is not None]
        best = sorted(readable, key=lambda row: -(row.score or 0.0))[:count]
        kept = {row.id for row in best}
        ordered = [row for row in ordered if row.id in kept]
    return [row.id for row in ordered[:size]]


def read_kept(folder: Path, ids: Sequence[str]) -> list[ScoredCandidate]:
    """The rows of a scored folder that were kept, in the order of `ids`; of the others nothing stays in memory."""
    wanted = set(ids)
    rows = {row.id: row for row in read(folder, ScoredCandidate) if row.id in wanted}
    return [rows[row_id] for row_id in ids]


def ids_hash(ids: Iterable[str]) -> str:
    """SHA-256 over sorted ids: what a model's manifest says of the selection it was trained on."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
