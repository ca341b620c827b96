"""The first candidates, rated by both written scorers, so that their agreement is known."""

from collections.abc import Iterable
from dataclasses import replace
from heapq import nsmallest
from typing import Any

from humpback_exp.config import ScoreConfig
from humpback_exp.curation.agreement import LEVELS
from humpback_exp.curation.parsing import Rated
from humpback_exp.curation.selection import shuffled_rank

OTHER = {"generated": "expected", "expected": "generated"}
"""The scorer that a scorer is compared with."""


def compared_ids(config: ScoreConfig, ids: Iterable[str]) -> set[str]:
    """Ids of the candidates that both scorers rate: the first `compare` of the seeded order."""
    if not config.compare or config.scorer not in OTHER:
        return set()
    return set(nsmallest(config.compare, ids, key=lambda row_id: shuffled_rank(config.seed, row_id)))


def beside(chosen: Rated, other: Rated) -> Rated:
    """What both scorers measured; what became of the pair is the chosen one's to say."""
    filled = {
        name: getattr(chosen if getattr(chosen, name) is not None else other, name)
        for name in ("generated", "expected", "mass")
    }
    return replace(chosen, **filled, raw=chosen.raw + other.raw)


def confusion(metrics: dict[str, Any]) -> list[dict[str, object]]:
    """The confusion of both scorers as rows for W&B."""
    counts = metrics.get("agreement_confusion", [])
    return [
        {"written": level} | {f"expected {other}": n for other, n in zip(LEVELS, row, strict=True)}
        for level, row in zip(LEVELS, counts, strict=False)
    ]
