"""Scaling curves: of our series over their runs, and of the paper's data sets through the points of its figure."""

from collections.abc import Sequence

from humpback_exp.analysis.paper import ALPHA, published
from humpback_exp.analysis.scaling import Scaling, fit
from humpback_exp.analysis.settings import MEASURES, Measure, Setting


def curves(told: Sequence[Setting]) -> list[tuple[str, Measure, Scaling]]:
    """A curve for each series and measure over its runs; N counts all training examples, as in the paper."""
    series = dict.fromkeys(setting.place.series for setting in told)
    found = [(name, measure, _curve(name, measure, told)) for name in series for measure in MEASURES]
    return [(name, measure, curve) for name, measure, curve in found if curve is not None]


def _curve(series: str, measure: Measure, told: Sequence[Setting]) -> Scaling | None:
    points = [point for setting in told if setting.place.series == series for point in setting.points]
    runs = [(point.examples, value) for point in points if (value := measure.mean(point)) is not None]
    return fit([examples for examples, _ in runs], [value for _, value in runs])


def published_curves() -> list[tuple[str, float, Scaling]]:
    """The paper's alpha of each data set, and ours through the points of its figure."""
    found = []
    for name, alpha in ALPHA.items():
        own = [one for one in published("data_efficiency") if one.series == name]
        curve = fit([one.x or 0.0 for one in own], [one.win_rate for one in own])
        assert curve is not None
        found.append((name, alpha, curve))
    return found
