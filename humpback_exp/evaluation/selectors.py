"""How well a scorer selects, against pairs that people labelled: precision and recall at each threshold (paper section 3.6.3).

The paper has an author label 250 pairs, 20 % of them good, and finds 0.44 and 0.09 for M0, 0.52 and 0.44 for M1.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from humpback_exp.curation.external import numbered_lines
from humpback_exp.evaluation.statistics import Pair, area_difference, paired_area, wilson

THRESHOLDS = (2.0, 3.0, 4.0, 4.5)
"""Of the table; 4 and 4.5 are the paper's A_4 and A_5."""


@dataclass(slots=True, kw_only=True)
class LabelledPair:
    """A candidate and what people think of it."""

    id: str
    instruction: str
    output: str
    label: float
    """The mean of its labels, 1 to 5."""


@dataclass(slots=True, kw_only=True)
class Scored:
    """The columns of a ScoredCandidate that are compared with a label."""

    id: str
    instruction: str
    output: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Cut:
    """A selection of everything scored at least `threshold`."""

    threshold: float
    picked: int
    hits: int
    """How many of those picked are good."""
    good: int
    """How many there are."""

    @property
    def precision(self) -> float:
        """nan where nothing is picked."""
        return self.hits / self.picked if self.picked else math.nan

    @property
    def recall(self) -> float:
        return self.hits / self.good

    @property
    def precision_ends(self) -> tuple[float, float]:
        """Of the 95 % interval."""
        return wilson(self.hits / max(self.picked, 1), self.picked)

    @property
    def recall_ends(self) -> tuple[float, float]:
        return wilson(self.recall, self.good)


@dataclass(frozen=True, slots=True)
class Selector:
    """What a scored folder makes of the labelled pairs that are in it."""

    name: str
    pairs: int
    unscored: int
    """Of these pairs, how many have no score; no threshold picks them."""
    area: float
    """How often a good pair is scored above another, ties counting half (AUC); pairs without a score are left out."""
    area_ends: tuple[float, float]
    """Of its 95 % interval (DeLong)."""
    table: list[Cut]
    """At `THRESHOLDS`."""
    curve: list[Cut]
    """At every score there is, the highest first."""
    sides: dict[str, Pair]
    """Id -> (score, None) of a good pair, (None, score) of another; of pairs that have a score."""

    def above(self, other: "Selector") -> tuple[float, tuple[float, float]]:
        """How far this area lies above another's on the pairs that both have a score for, and the ends of its interval."""
        both = sorted(self.sides.keys() & other.sides.keys())
        ours, theirs = ([one.sides[name] for name in both] for one in (self, other))
        difference, error = area_difference(ours, theirs)
        return difference, (difference - 1.96 * error, difference + 1.96 * error)


def read_labelled(path: Path) -> dict[str, LabelledPair]:
    """Id -> labelled pair, of JSON lines with id, instruction, output and label, as `annotate.py` exports them.

    Raises:
        ValueError: there is no such file, a line cannot be read, or an id stands twice.
    """
    if not path.is_file():
        raise ValueError(f"labelled={path}: no such file; annotate.py candidates=FOLDER writes one")
    found: dict[str, LabelledPair] = {}
    for number, line in numbered_lines(path, "labelled"):
        try:
            row = json.loads(line)
            texts = {name: str(row[name]) for name in ("id", "instruction", "output")}
            pair = LabelledPair(**texts, label=float(row["label"]))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise ValueError(f"{path}:{number}: must be a JSON object of id, instruction, output and label") from None
        if pair.id in found or not 1 <= pair.label <= 5:
            raise ValueError(f"{path}:{number}: id {pair.id} must stand once, with a label from 1 to 5")
        found[pair.id] = pair
    return found


def measure(name: str, rows: Iterable[Scored], labelled: Mapping[str, LabelledPair], good: float) -> Selector | None:
    """Hold the scores of a folder against the labels; None where none of the labelled pairs is in it.

    A pair is the same only with the same texts: another model's instruction to the same segment is another pair.

    Args:
        good: the label from which on a pair is good.

    Raises:
        ValueError: all pairs are good, or none is.
    """
    found: dict[str, tuple[float | None, bool]] = {}
    for row in rows:
        pair = labelled.get(row.id)
        if pair and (pair.instruction, pair.output) == (row.instruction, row.output):
            found[row.id] = row.score, pair.label >= good
    scores = list(found.values())
    if not scores:
        return None
    positives = sum(is_good for _, is_good in scores)
    if positives in (0, len(scores)):
        raise ValueError(
            f"good={good:g}: {positives} of the {len(scores)} labelled pairs in {name} reach it; give another good=, or label more"
        )
    sides: dict[str, Pair] = {
        row_id: (score, None) if is_good else (None, score)
        for row_id, (score, is_good) in found.items()
        if score is not None
    }
    area, error = paired_area(list(sides.values()))
    known = sorted({score for score, _ in scores if score is not None}, reverse=True)
    return Selector(
        name=name,
        pairs=len(scores),
        unscored=sum(score is None for score, _ in scores),
        area=area,
        area_ends=(max(0.0, area - 1.96 * error), min(1.0, area + 1.96 * error)),
        table=[_cut(scores, threshold, positives) for threshold in THRESHOLDS],
        curve=[_cut(scores, threshold, positives) for threshold in known],
        sides=sides,
    )


def _cut(scores: list[tuple[float | None, bool]], threshold: float, positives: int) -> Cut:
    picked = [is_good for score, is_good in scores if score is not None and score >= threshold]
    return Cut(threshold, len(picked), sum(picked), positives)
