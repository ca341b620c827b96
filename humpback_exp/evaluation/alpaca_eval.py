"""AlpacaEval's verdicts (`annotations.json`) and the raw win rate over them.

A preference lies in [1, 2]: 1 where the baseline's answer (`output_1`) is better, 2 where the model's (`output_2`) is, 1.5 for a
tie; a weighted judge says how sure it is. AlpacaEval's first files hold 0 for a tie.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

TIE = 1.5


@dataclass(frozen=True, slots=True)
class Annotation:
    """A verdict about one instruction."""

    instruction: str
    output_1: str
    """The baseline's answer."""
    output_2: str
    """The model's answer."""
    dataset: str
    preference: float | None
    """In [1, 2]; None where the judge's reply could not be read."""


@dataclass(frozen=True, slots=True)
class WinRate:
    """A model against its baseline, over the verdicts that could be read."""

    percent: float
    error: float
    """Standard error of the mean, in percent (ddof 1)."""
    wins: int
    losses: int
    ties: int
    unscored: int


def read_annotations(path: Path) -> list[Annotation]:
    """The verdicts of an `annotations.json`.

    Raises:
        ValueError: no list of verdicts, a column lacks, or a preference is none.
    """
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{path}: holds no list of annotations; give AlpacaEval's annotations.json")
    return [annotation(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def annotation(row: dict[str, Any], place: str) -> Annotation:
    """A row of the file as a verdict; `place` names it in errors."""
    if not isinstance(row, dict):
        raise ValueError(f"{place}: is no verdict; give AlpacaEval's annotations.json")
    missing = {"instruction", "output_1", "output_2", "preference"} - row.keys()
    if missing:
        raise ValueError(f"{place}: lacks {', '.join(sorted(missing))}")
    told = row["preference"]
    unread = told is None or (isinstance(told, float) and math.isnan(told))
    if not unread and not isinstance(told, int | float):
        raise ValueError(f"{place}: preference={told!r}: must be a number in [1, 2], 0 for a tie, or null")
    preference = None if unread else TIE if told == 0 else float(told)
    if preference is not None and not 1 <= preference <= 2:
        raise ValueError(f"{place}: preference={told}: must lie in [1, 2], or be 0 for a tie or null")
    return Annotation(row["instruction"], row["output_1"], row["output_2"], row.get("dataset", ""), preference)


def by_dataset(annotations: Sequence[Annotation]) -> dict[str, WinRate]:
    """The win rate over all verdicts, then over those of each data set that has several."""
    found = {"all": win_rate(annotations)}
    for name in sorted({each.dataset for each in annotations} - {""}):
        of_it = [each for each in annotations if each.dataset == name]
        if sum(each.preference is not None for each in of_it) > 1:
            found[name] = win_rate(of_it)
    return found


def win_rate(annotations: Sequence[Annotation]) -> WinRate:
    """The mean preference for the model, and its counts; an unread verdict is counted and takes no part.

    Raises:
        ValueError: fewer than two verdicts can be read.
    """
    told = np.array([each.preference for each in annotations if each.preference is not None])
    if len(told) < 2:
        raise ValueError(f"{len(told)} of {len(annotations)} verdicts can be read; a win rate needs two or more")
    shares = told - 1
    return WinRate(
        percent=100 * float(shares.mean()),
        error=100 * float(shares.std(ddof=1)) / math.sqrt(len(shares)),
        wins=int((told > TIE).sum()),
        losses=int((told < TIE).sum()),
        ties=int((told == TIE).sum()),
        unscored=len(annotations) - len(told),
    )
