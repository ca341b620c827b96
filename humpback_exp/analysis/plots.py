"""What each figure of the pages shows."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from humpback_exp.analysis.corrections import Result
from humpback_exp.analysis.figure import PALE, SERIES, Figure
from humpback_exp.analysis.interval_plots import Lines, Mark, panel
from humpback_exp.analysis.measures import WIN, Measure
from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.scores import Histogram
from humpback_exp.analysis.settings import Setting, measured
from humpback_exp.evaluation.intervals import Interval

POINTS = 300
"""Of a training curve; more cannot be seen."""


def of_sweep(x: str, result: Result, told: Sequence[Setting], paper: Sequence[Published]) -> list[Figure]:
    """Our win rates, the paper's beside them, then each other measure on `heldout` and its changes."""
    theirs: Lines = {}
    for one in paper:
        reach = 1.96 * (one.error or 0.0)
        theirs.setdefault(one.series, []).append(Mark(one.x, one.win_rate, one.win_rate - reach, one.win_rate + reach))
    axis = x if any(one.x for one in paper) else ""
    paper_panel = panel("paper", "The paper", WIN.label, axis, theirs)
    found = [panel(WIN.key, "Ours", WIN.label, x, _levels(told, WIN)), paper_panel]
    for measure in measured(told):
        if measure.held or measure is WIN:
            continue
        found.append(panel(measure.key, "Ours", measure.label, x, _levels(told, measure)))
        made = changes(measure, result, told)
        found.append(panel(f"{measure.key}_change", "Ours", measure.label_of_change, x, made, zero=0))
    return [figure for figure in found if figure is not None]


def of_loop(result: Result, most: int) -> list[Figure]:
    """Win rates and the changes of other measures, each against the reference, in one row a model, `most` of them."""
    changed = {one.ours.label: one.changes for one in result.stated[:most]}
    found = []
    for measure in measured(one.ours for one in result.stated):
        head = measure.label if measure.even else measure.label_of_change
        made = {name: changes[measure.key] for name, changes in changed.items() if measure.key in changes}
        lines = {name: [Mark(None, one.level.value, *one.level.ends, side=one.side)] for name, one in made.items()}
        if not measure.held:
            found.append(panel(f"loop_{measure.key}", "Against the reference", head, "", lines, measure.even or 0.0))
    return [figure for figure in found if figure is not None]


def _levels(told: Sequence[Setting], measure: Measure) -> Lines:
    """A line for each series."""
    lines: Lines = {}
    for setting in told:
        figure = setting.figures.get(measure.key)
        if figure is not None:
            lines.setdefault(setting.place.series, []).append(_level(setting, told, figure, setting.means(measure)))
    return lines


def _level(setting: Setting, told: Sequence[Setting], figure: Interval, seeds: Sequence[float]) -> Mark:
    """With a dot for every seed where there are several."""
    return Mark(_x(setting, told), figure.value, *figure.ends, tuple(seeds) if len(seeds) > 1 else ())


def _x(setting: Setting, told: Sequence[Setting]) -> float | None:
    """None where each series has one setting only: they then stand in rows."""
    along = len({each.place.series for each in told}) < len(told) or len(told) == 1
    return setting.place.x if along else None


def changes(measure: Measure, result: Result, told: Sequence[Setting]) -> Lines:
    """What the table says of changes: paired, and so many times narrower than the figures' own intervals."""
    lines: Lines = {}
    rounds = any(theirs is not result.plan.base for theirs in result.plan.against.values())
    for setting in told:
        made = result.table.get(setting)
        change = made.changes.get(measure.key) if made else None
        if made and change:
            pairs = zip(setting.means(measure), made.theirs.means(measure), strict=change.by_seed)
            dots = [ours - theirs for ours, theirs in pairs] if change.by_seed else []
            mark = _level(setting, told, change.interval, dots)
        elif setting is result.plan.base and result.table and not rounds:
            mark = Mark(_x(setting, told), 0.0, 0.0, 0.0)
        else:
            continue
        lines.setdefault(setting.place.series, []).append(mark)
    return lines


def histogram(one: Histogram, number: int) -> Figure:
    """Rows by what rated them; those kept in full colour."""

    def paint(axes: Any) -> None:
        look = {"width": 0.94 * (one.edges[1] - one.edges[0])}
        middles = [(low + high) / 2 for low, high in zip(one.edges, one.edges[1:], strict=False)]
        axes.bar(middles, one.counts, color=PALE, **look)
        axes.bar(middles, one.kept, color=SERIES[0], **look)
        axes.grid(axis="x", visible=False)
        axes.locator_params(axis="x", nbins=5)
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(one.unit)

    return Figure(f"scores{number}", one.title, one.caption, 1.5, paint)


def losses(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Figure]:
    """A training curve for each model, on common axes: every step in pale, the running mean over a fifth of the run."""
    sound = {
        name: [(row["step"], row["loss"]) for row in rows if math.isfinite(row["loss"])]
        for name, rows in histories.items()
    }
    points = [point for rows in sound.values() for point in rows]
    if not points:
        return []
    ends = (max(step for step, _ in points), min(loss for _, loss in points), max(loss for _, loss in points))
    return [_loss(number, name, rows, ends) for number, (name, rows) in enumerate(sound.items()) if rows]


def _loss(number: int, name: str, rows: Sequence[tuple[float, float]], ends: tuple[float, float, float]) -> Figure:
    size = max(1, len(rows) // 10)
    values = [loss for _, loss in rows]
    means = [fmean(values[max(0, i - size) : i + size + 1]) for i in range(len(values))]
    shown = sorted({*range(0, len(rows), math.ceil(len(rows) / POINTS)), len(rows) - 1})
    steps = [rows[i][0] for i in shown]

    def paint(axes: Any) -> None:
        axes.plot(steps, [values[i] for i in shown], color=PALE, linewidth=0.8)
        axes.plot(steps, [means[i] for i in shown], color=SERIES[0])
        axes.plot(steps[-1], means[-1], "o", color=SERIES[0], markersize=3)
        axes.annotate(f"{means[-1]:.2f}", (steps[-1], means[-1]), (4, 4), textcoords="offset points")
        margin = 0.05 * (ends[2] - ends[1]) or 0.1
        axes.set_xlim(0, 1.12 * ends[0])
        axes.set_ylim(ends[1] - margin, ends[2] + margin)
        axes.locator_params(nbins=5, integer=False)

    return Figure(f"training{number}", name, f"{rows[-1][0]:,.0f} steps", 1.6, paint)
