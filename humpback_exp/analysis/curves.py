"""Scaling curves: of our series over their sizes, and of the paper's data sets through the points of its figure."""

from collections.abc import Sequence
from statistics import fmean

from humpback_exp.analysis.paper import ALPHA, published
from humpback_exp.analysis.points import grid, shared
from humpback_exp.analysis.results import FEWEST
from humpback_exp.analysis.scaling import Scaling, fit, fit_rows
from humpback_exp.analysis.settings import MEASURES, Measure, Setting


def curves(told: Sequence[Setting]) -> list[tuple[str, Measure, Scaling]]:
    """A curve for each series and measure; N counts all training examples, as in the paper."""
    series = dict.fromkeys(setting.place.series for setting in told)
    found = [(name, measure, _curve(name, measure, told)) for name in series for measure in MEASURES]
    return [(name, measure, curve) for name, measure, curve in found if curve is not None]


def _curve(series: str, measure: Measure, told: Sequence[Setting]) -> Scaling | None:
    """Over the rows all its runs share; where they share hardly any, over the runs' own figures."""
    measured = [setting for setting in told if setting.place.series == series and setting.members(measure)]
    sizes: dict[float, Setting] = {}
    for setting in measured:
        sizes.setdefault(fmean(point.examples for point in setting.points), setting)
    rows = shared([member for setting in sizes.values() for member in setting.members(measure)])
    if len(rows) >= FEWEST:
        return fit_rows(list(sizes), [grid(setting.members(measure), rows) for setting in sizes.values()])
    runs = [(size, figure) for size, setting in sizes.items() for figure in setting.means(measure)]
    return fit([size for size, _ in runs], [figure for _, figure in runs])


def published_curves() -> list[tuple[str, float, Scaling]]:
    """The paper's alpha of each data set, and ours through the points of its figure."""
    found = []
    for name, alpha in ALPHA.items():
        own = [one for one in published("data_efficiency") if one.series == name]
        curve = fit([one.x or 0.0 for one in own], [one.win_rate for one in own])
        assert curve is not None
        found.append((name, alpha, curve))
    return found
