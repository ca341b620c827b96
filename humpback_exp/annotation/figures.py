"""Judgements -> figures that say what people prefer, how sure that is, and how far they agree."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from humpback_exp.annotation.agreement import Row, by
from humpback_exp.evaluation.statistics import wilson
from humpback_exp.evaluation.win_rate import POINTS
from humpback_exp.records import Annotation


def comparisons(rows: Sequence[Annotation]) -> list[Row]:
    """A row for each pair of models: shares of wins, ties and losses, and the win rate, each with its 95 % interval
    (`win_low`, `win_high`).

    A share is the mean over items of the share of an item's raters, and its interval Wilson's for so many items: raters of
    one item are no independent evidence. What other raters would say is not in it; alpha tells of that.
    """
    found = []
    for models, judged in by(rows, lambda row: tuple(row.models)).items():
        items = by(judged, lambda row: row.item)
        row: Row = {"model": models[0], "against": models[1], "items": len(items), "judgements": len(judged)}
        for outcome in POINTS:
            row |= _share(outcome, [_mean(one.outcome == outcome for one in each) for each in items.values()])
        row |= _share("win rate", [_mean(POINTS[one.outcome] for one in each) for each in items.values()])
        found.append(row)
    return found


def labels(rows: Sequence[Annotation]) -> list[Row]:
    """A row for each label: how often it was given."""
    items = by(rows, lambda row: row.item)
    names = sorted({row.outcome for row in rows})
    return [
        {"label": name, "judgements": sum(row.outcome == name for row in rows)}
        | _share("share", [_mean(one.outcome == name for one in each) for each in items.values()])
        for name in names
    ]


def strengths(rows: Sequence[Annotation]) -> list[Row]:
    """Bradley and Terry's strengths, as the chance of each model against the first; none where a model has only won or only
    lost, since no finite strength then fits."""
    import evalica

    points: Counter[str] = Counter()
    for row in rows:
        points.update({row.models[0]: POINTS[row.outcome], row.models[1]: 1 - POINTS[row.outcome]})
    games = Counter(model for row in rows for model in row.models)
    if any(points[model] in (0, games[model]) for model in games):
        return []
    winners = {"win": evalica.Winner.X, "tie": evalica.Winner.Draw, "loss": evalica.Winner.Y}
    sides = list(zip(*(row.models for row in rows), strict=True))
    made = evalica.bradley_terry(*sides, [winners[row.outcome] for row in rows], limit=10_000).scores
    first = made[rows[0].models[0]]
    ranked = sorted(made.items(), key=lambda one: -one[1])
    return [{"model": model, "chance against the first": strength / (strength + first)} for model, strength in ranked]


def with_judge(rows: Sequence[Annotation], verdicts: Mapping[tuple[str, ...], Mapping[str, str]]) -> list[Row]:
    """How often the raters' majority is the judge's verdict, where there are both.

    Args:
        verdicts: models -> prompt -> win, tie or loss.
    """
    from sklearn.metrics import cohen_kappa_score

    found = []
    for models, judged in by(rows, lambda row: tuple(row.models)).items():
        people = {each[0].source: majority(each) for each in by(judged, lambda row: row.item).values()}
        both = [(people[key], said) for key, said in verdicts.get(models, {}).items() if key in people]
        if both:
            equal = [float(ours == theirs) for ours, theirs in both]
            several = len({side for pair in both for side in pair}) > 1
            kappa = float(cohen_kappa_score(*zip(*both, strict=True))) if several else None
            row = {"model": models[0], "against": models[1], "items": len(both), "kappa": kappa}
            found.append(row | _share("agreement", equal))
    return found


def majority(rows: Sequence[Annotation]) -> str:
    """The outcome that most raters of an item chose; a tie where two lead."""
    leading = Counter(row.outcome for row in rows).most_common(2)
    return "tie" if len(leading) > 1 and leading[0][1] == leading[1][1] else leading[0][0]


def raters(rows: Sequence[Annotation]) -> list[Row]:
    """A row for each rater: how much, how fast, and how often the answer shown first was chosen of those with a winner."""
    return [
        {
            "rater": rater,
            "judged": len(own),
            "median seconds": statistics.median(row.seconds for row in own),
            "chose A": _mean((row.value > 0) != row.swapped for row in own if row.models and row.value),
            "words a reason": _mean(len(row.reason.split()) for row in own),
        }
        for rater, own in by(rows, lambda row: row.rater).items()
    ]


def _mean(values: Iterable[float]) -> float | None:
    given = list(values)
    return statistics.fmean(given) if given else None


def _share(name: str, values: Sequence[float | None]) -> Row:
    """A mean over items and its interval, as three entries."""
    known = [value for value in values if value is not None]
    share = statistics.fmean(known)
    low, high = wilson(share, len(known))
    return {name: share, f"{name}_low": low, f"{name}_high": high}
