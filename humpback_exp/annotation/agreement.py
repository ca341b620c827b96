"""How far raters agree, beyond chance."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

from humpback_exp.records import Annotation

Row = dict[str, Any]


def agreement(rows: Sequence[Annotation], ordered: bool) -> Row:
    """How far raters agree: Krippendorff's alpha with its bootstrap interval, and the mean of Cohen's kappa over pairs of
    raters, each over the items that several of them judged. 1 is full agreement, 0 is chance; where all give one label, chance
    cannot be told, and there is neither.

    Args:
        ordered: whether neighbouring labels are a smaller disagreement; then alpha is ordinal.
    """
    shared = [each for each in by(rows, lambda row: row.item).values() if len(each) > 1]
    found: Row = {"items with several raters": len(shared)}
    if len({row.value for each in shared for row in each}) < 2:
        return found
    import evalica
    import pandas

    table = pandas.DataFrame({each[0].item: {row.rater: float(row.value) for row in each} for each in shared})
    made = evalica.alpha_bootstrap(table, "ordinal" if ordered else "nominal", n_resamples=2000, random_state=0)
    found |= {"alpha": made.alpha, "alpha_low": made.low, "alpha_high": made.high}
    made_by_two = [_kappa(table.loc[list(pair)].dropna(axis=1)) for pair in combinations(table.index, 2)]
    kappas = [kappa for kappa in made_by_two if kappa is not None]
    return found | ({"mean kappa": fmean(kappas), "pairs of raters": len(kappas)} if kappas else {})


def _kappa(table: Any) -> float | None:
    """Of two raters; None where they share no two items, or give one label only, of which chance cannot be told."""
    from sklearn.metrics import cohen_kappa_score

    if table.shape[1] < 2 or len(set(table.to_numpy().ravel())) < 2:
        return None
    return float(cohen_kappa_score(*table.to_numpy()))


def by(rows: Iterable[Annotation], key: Callable[[Annotation], Any]) -> dict[Any, list[Annotation]]:
    groups: dict[Any, list[Annotation]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
