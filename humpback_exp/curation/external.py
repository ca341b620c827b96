"""Ratings that people or a stronger model gave, from disk: the labels of the paper's section 3.6.3."""

import json
from collections.abc import Iterator, Set
from pathlib import Path

from humpback_exp.config.bounds import require


def load_ratings(path: str, ids: Set[str]) -> dict[str, float]:
    """Candidate -> score, from JSON lines with `id` and `score`, or `label`, as `annotate.py` exports them.

    Args:
        ids: of all candidates.

    Raises:
        ValueError: no such file, a line without an id of a candidate or a score in [1, 5], or an id that stands twice.
    """
    require(Path(path).is_file(), "ratings", path, "no such file; give JSON lines with id and score or label")
    found: dict[str, float] = {}
    for number, line in numbered_lines(path, "ratings"):
        place = f"ratings={path}:{number}"
        row_id, score = _rating(line, place)
        if row_id in found:
            raise ValueError(f"{place}: id {row_id!r} stands twice; give each candidate one")
        if row_id not in ids:
            raise ValueError(f"{place}: id {row_id!r} is no candidate's; see their Parquet files")
        found[row_id] = score
    return found


def numbered_lines(path: str | Path, key: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank; line ends are those of files, as texts may hold others.

    Args:
        key: the config key of the path, for the ValueError of a file that is no text.
    """
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{key}={path}: unreadable ({error}); give JSON lines in UTF-8") from None


def _rating(line: str, place: str) -> tuple[str, float]:
    try:
        row = json.loads(line)
        row_id, score = row["id"], row["score"] if "score" in row else row["label"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError(f"{place}: {line[:80]!r} is no object with id and score or label") from None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 1 <= score <= 5:
        raise ValueError(f"{place}: score {score!r} must be a number from 1 to 5")
    return str(row_id), float(score)
