"""Self-curation: what is scored, and what is kept."""

from dataclasses import dataclass
from typing import ClassVar

from humpback_exp.config.bounds import NOT_NEGATIVE, bounded, check_bounds, require
from humpback_exp.config.identity import artifact_input
from humpback_exp.config.rating import GIVEN, SCORERS, RatingConfig
from humpback_exp.config.stage_base import BulkConfig, StageConfig
from humpback_exp.config.training_data import check_selection


@dataclass(kw_only=True, slots=True)
class ScoreConfig(BulkConfig, RatingConfig):
    """candidates + rating model -> scored"""

    stage: ClassVar[str] = "score"
    kind: ClassVar[str] = "scored"
    offered: ClassVar[tuple[str, ...]] = (*SCORERS, GIVEN)

    candidates: str = artifact_input("outputs/candidates/web")
    """The folder of candidates, or a file of labelled pairs, to measure a scorer against them (docs/evaluation.md)."""
    compare: int = bounded(256, NOT_NEGATIVE)
    """How many candidates, the first of the seeded order, are rated both in writing and by expectation, so that the manifest
    tells how far the two agree. Nothing is compared under scorer=likelihood."""
    ratings: str | None = artifact_input()
    """Under scorer=given no model is asked: JSON lines with the id of a candidate and its score from 1 to 5, as people or a
    stronger model gave it (paper section 3.6.3), or its label, as annotate.py exports it."""

    def __post_init__(self) -> None:
        RatingConfig.__post_init__(self)
        BulkConfig.__post_init__(self)
        given = self.scorer != GIVEN or self.ratings is not None
        require(given, "ratings", None, "scorer=given needs a file of JSON lines with id and score or label")

    @property
    def scorers_used(self) -> set[str]:
        compared = self.compare and self.scorer in ("generated", "expected")
        return {"generated", "expected"} if compared else {self.scorer}


@dataclass(kw_only=True, slots=True)
class SelectConfig(StageConfig):
    """scored -> curated. Selection is cheap and has a stage of its own, so that another threshold needs no second scoring."""

    stage: ClassVar[str] = "select"
    kind: ClassVar[str] = "curated"

    scored: str = artifact_input("outputs/scored/m0")
    min_score: float | None = 4.5
    top_fraction: float | None = None

    def __post_init__(self) -> None:
        check_bounds(self)
        check_selection("", self.min_score, self.top_fraction, None)
