"""Figures -> coordinates; `figures.html.jinja` draws them as inline SVG.

Drawn by hand rather than by matplotlib: colours then follow the reader's light or dark theme through CSS, text stays
text, and the template's escaping covers every label. All panels are 340 units wide, so that a telephone shows them whole.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from humpback_exp.analysis.results import Estimate
from humpback_exp.analysis.scale import Scale, Tick
from humpback_exp.analysis.scores import Scored, histogram

WIDTH = 340
POINTS = 300
"""Points of a line; more cannot be seen."""


@dataclass(slots=True)
class Curve:
    """The losses of one training run: every step, and their running mean."""

    name: str
    steps: int
    raw: str
    mean: str
    end: tuple[float, float]
    last: float
    """The running mean at the end."""


@dataclass(slots=True)
class Bars:
    """One histogram of scores."""

    name: str
    bars: list[tuple[float, float, float, float, int]]
    """x, width, top, top of the kept part, count."""
    labels: list[tuple[float, float, int]]
    """Where counts are written: over every rating, over the tallest of many bars."""
    ticks: list[Tick]
    threshold: float | None
    scored: Scored


@dataclass(slots=True)
class Interval:
    """One model in a dot plot."""

    name: str
    y: float
    low: float
    dot: float
    high: float
    side: int
    estimate: Estimate


@dataclass(slots=True)
class Dots:
    """Estimates with two standard errors to either side, and the line of no effect."""

    title: str
    unit: str
    rows: list[Interval]
    neutral: float
    ticks: list[Tick]
    height: float = field(default=0.0)


def curves(histories: Sequence[tuple[str, Sequence[dict[str, float]]]]) -> tuple[list[Curve], list[Tick], list[Tick]]:
    """Small multiples on common axes, and the ticks of both."""
    losses = [row["loss"] for _, rows in histories for row in rows if math.isfinite(row["loss"])]
    if not losses:
        return [], [], []
    x = Scale(0, max(row["step"] for _, rows in histories for row in rows), 34, WIDTH - 44)
    y = Scale(min(losses), max(losses), 142, 8)
    return [_curve(name, rows, x, y) for name, rows in histories if rows], x.ticks(4), y.ticks(4)


def _curve(name: str, rows: Sequence[dict[str, float]], x: Scale, y: Scale) -> Curve:
    rows = [row for row in rows if math.isfinite(row["loss"])] or [{"step": 0.0, "loss": y.low}]
    size = max(1, len(rows) // 10)
    losses = [row["loss"] for row in rows]
    means = [fmean(losses[max(0, i - size) : i + size + 1]) for i in range(len(rows))]
    every = math.ceil(len(rows) / POINTS)
    picked = sorted({*range(0, len(rows), every), len(rows) - 1})
    raw = " ".join(f"{x(rows[i]['step'])},{y(losses[i])}" for i in picked)
    mean = " ".join(f"{x(rows[i]['step'])},{y(means[i])}" for i in picked)
    return Curve(name, int(rows[-1]["step"]), raw, mean, (x(rows[-1]["step"]), y(means[-1])), means[-1])


def histograms(scored: Sequence[Scored]) -> list[Bars]:
    """One panel a scoring; those in nats share one axis, so that rounds can be compared."""
    values = [score for one in scored if not one.whole for score, _, _ in one.scores]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    high = high if high > low else low + 1.0
    return [_bars(one, low, high) for one in scored if one.scores]


def _bars(scored: Scored, low: float, high: float) -> Bars:
    bins = histogram(scored, low, high)
    x = Scale(bins[0].start, bins[-1].end, 6, WIDTH - 6)
    y = Scale(0, max(b.count for b in bins), 118, 18)
    bars = [(x(b.start), round(x(b.end) - x(b.start) - 1, 1), y(b.count), y(b.kept), b.count) for b in bins]
    tallest = max(bins, key=lambda b: b.count)
    labelled = [b for b in bins if b.count and (scored.whole or b is tallest)]
    labels = [(x((b.start + b.end) / 2), y(b.count) - 4, b.count) for b in labelled]
    ticks = [(x(i), str(i)) for i in range(1, 6)] if scored.whole else x.ticks(5)
    edge = scored.threshold
    if edge is not None:
        edge = x(edge - 0.5 if scored.whole else edge)
    return Bars(scored.run.name, bars, labels, ticks, edge, scored)


def dots(
    title: str,
    unit: str,
    rows: Sequence[tuple[str, Estimate]],
    neutral: float,
    better: int = 1,
    scale: float = 1,
    least: float = 0,
) -> Dots:
    """A dot plot of estimates times `scale`.

    Args:
        better: -1 where lower is better.
        least: the axis reaches at least this far to either side of no effect, so that nothing small looks large.
    """
    ends = [scale * (e.value + sign * 2 * _known(e)) for _, e in rows for sign in (-1, 1)]
    low, high = min([*ends, scale * neutral - least]), max([*ends, scale * neutral + least])
    margin = (high - low) * 0.06 or 1.0
    x = Scale(low - margin, high + margin, 84, WIDTH - 98)
    placed = []
    for place, (name, e) in enumerate(rows):
        left, dot, right = (x(scale * (e.value + k * 2 * _known(e))) for k in (-1, 0, 1))
        placed.append(Interval(name, 16 + 22 * place, left, dot, right, better * e.side(neutral), e))
    return Dots(title, unit, placed, x(scale * neutral), x.ticks(4, signs=neutral == 0), 22 * len(rows) + 8)


def _known(estimate: Estimate) -> float:
    return 0.0 if math.isnan(estimate.error) else estimate.error


def arc(upper: int, lower: int, row: float, width: float, depth: float) -> str:
    """The path of an arc on the left of a list, from one row to another; farther rows reach farther out."""
    start, end = (upper + 0.5) * row, (lower + 0.5) * row
    reach = depth * (lower - upper)
    return f"M{width:g} {start:g} C{width - reach:g} {start:g} {width - reach:g} {end:g} {width:g} {end:g}"
