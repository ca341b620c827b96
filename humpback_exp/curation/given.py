"""Ratings that people or a stronger model gave, from disk: the labels of the paper's section 3.6.3."""

import json
from collections.abc import Set
from pathlib import Path

from humpback_exp.config.base import require

UNRATED = "not rated"
"""Why a candidate has no score: the file does not name it."""


def load_ratings(path: str, ids: Set[str]) -> dict[str, float]:
    """Candidate -> score, from JSON lines with `id` and `score`.

    Args:
        ids: of all candidates.

    Raises:
        ValueError: no such file, a line without an id of a candidate or a score in [1, 5], or an id that stands twice.
    """
    require(Path(path).is_file(), "ratings", path, "no such file; give JSON lines with id and score")
    found: dict[str, float] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        row_id, score = _rating(line, f"ratings={path}:{number}")
        if row_id not in ids or row_id in found:
            what = (
                "stands twice; give each candidate one"
                if row_id in found
                else "is no candidate's; see their Parquet files"
            )
            raise ValueError(f"ratings={path}:{number}: id {row_id!r} {what}")
        found[row_id] = score
    return found


def _rating(line: str, place: str) -> tuple[str, float]:
    try:
        row = json.loads(line)
        row_id, score = row["id"], row["score"]
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{place}: {line[:80]!r} is no object with id and score") from None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 1 <= score <= 5:
        raise ValueError(f"{place}: score {score!r} must be a number from 1 to 5")
    return str(row_id), float(score)
