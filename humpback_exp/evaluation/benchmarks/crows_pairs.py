"""CrowS-Pairs by category. `pct_stereotype` is not what the paper calls detection accuracy, and keeps its name."""

from collections.abc import Sequence
from typing import Any

from humpback_exp.evaluation.statistics import mean_and_error


def by_category(samples: Sequence[dict[str, Any]]) -> dict[str, float]:
    """`CATEGORY_pct_stereotype` with its standard error: how often the stereotyped sentence of a pair is the likelier."""
    found: dict[str, list[float]] = {}
    for row in samples:
        found.setdefault(row["doc"]["bias_type"].replace("-", "_"), []).append(row["pct_stereotype"])
    figures = dict[str, float]()
    for category, shares in sorted(found.items()):
        mean, error = mean_and_error(shares)
        figures |= {f"{category}_pct_stereotype": mean, f"{category}_pct_stereotype_error": error}
    return figures
