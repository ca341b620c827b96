"""A sweep's settings and the paper's points -> what each panel shows."""

from collections.abc import Sequence

from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.plots import Mark, Panel
from humpback_exp.analysis.settings import LOSS, WIN, Measure, Setting
from humpback_exp.analysis.studies import Study


def panels(study: Study, told: Sequence[Setting], paper: Sequence[Published]) -> list[Panel]:
    """Our win rates, the paper's beside them, our losses; what was not measured is left out."""
    found = _ours(study, told, WIN, "%")
    if paper:
        lines: dict[str, list[Mark]] = {}
        for one in paper:
            reach = 1.96 * (one.error or 0.0)
            mark = Mark(one.x, one.win_rate, one.win_rate - reach, one.win_rate + reach)
            lines.setdefault(one.series, []).append(mark)
        axis = study.x if any(one.x for one in paper) else ""
        found.append(Panel("paper", "The paper", "win rate, %", axis, lines))
    return [*found, *_ours(study, told, LOSS, LOSS.unit)]


def _ours(study: Study, told: Sequence[Setting], measure: Measure, unit: str) -> list[Panel]:
    """A line for each series, no axis where each has one setting only, and no panel where nothing was measured."""
    along = len({setting.place.series for setting in told}) < len(told) or len(told) == 1
    lines: dict[str, list[Mark]] = {}
    for setting in told:
        figure = setting.figures.get(measure.key)
        if figure is not None:
            seeds = setting.means(measure)
            dots = tuple(seeds) if len(seeds) > 1 else ()
            x = setting.place.x if along else None
            lines.setdefault(setting.place.series, []).append(Mark(x, figure.value, *figure.ends, dots))
    return [Panel(measure.key, "Ours", f"{measure.name}, {unit}", study.x, lines)] if lines else []
