"""Settings with their intervals, as lines over a logarithmic x or in one named row each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from humpback_exp.analysis.figure import INK, PAPER, SERIES, SOFT, Figure
from humpback_exp.analysis.format import amount, excerpt, plain

MARKERS = "osD^vPX*"
LETTERS = 56
"""That fit side by side in a legend of this width."""
SIDES = {1: SERIES[0], 0: SOFT, -1: SERIES[1]}
"""Better, within noise, worse."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One setting: its mean, interval, and a dot for every seed."""

    x: float | None
    value: float
    low: float
    """Ends of the interval; the value itself where there is none."""
    high: float
    dots: tuple[float, ...] = ()
    side: int = 1
    """Whether it is better or worse beyond noise; open where it is neither."""

    @property
    def reach(self) -> list[list[float]]:
        """Below and above the value, as matplotlib takes it."""
        return [[max(0.0, self.value - self.low)], [max(0.0, self.high - self.value)]]


Lines = dict[str, list[Mark]]
"""Series -> its marks."""


def panel(name: str, title: str, axis: str, x: str, lines: Lines, zero: float | None = None) -> Figure | None:
    """Lines over a logarithmic x, or one named row for each line where a mark has no x; None without lines.

    Args:
        zero: where a line marks no effect.
    """
    if not lines:
        return None
    named = any(mark.x is None for marks in lines.values() for mark in marks)
    columns = max(1, LETTERS // (6 + max(len(_label(name)) for name in lines)))
    legend = 0 if named or len(lines) == 1 else math.ceil(len(lines) / columns)

    def paint(axes: Any) -> None:
        (_rows if named else _curves)(axes, lines)
        if zero is not None:
            (axes.axvline if named else axes.axhline)(zero, color=SOFT, linewidth=0.8)
        axes.set_xlabel(axis if named else x)
        if not named:
            axes.set_ylabel(axis.replace(", ", "\n"))  # beside an axis a line holds half of it
        if legend:
            place = {"loc": "outside upper left", "ncols": columns, "frameon": False, "handlelength": 1.5}
            axes.figure.legend(**place, columnspacing=1)

    return Figure(name, title, axis, 0.55 + 0.27 * len(lines) if named else 2.1 + 0.16 * legend, paint)


def _label(text: str) -> str:
    return excerpt(str(plain(text)), 34)


def _rows(axes: Any, lines: Mapping[str, Sequence[Mark]]) -> None:
    for row, marks in enumerate(lines.values()):
        for mark in marks:
            look = {"color": SIDES[mark.side], "markerfacecolor": SIDES[mark.side] if mark.side else PAPER}
            axes.errorbar(mark.value, row, xerr=mark.reach, marker="o", markersize=5, elinewidth=1.4, **look)
            axes.scatter(mark.dots, [row - 0.26] * len(mark.dots), s=7, color=SOFT, linewidths=0)
    axes.set_yticks(range(len(lines)), [_label(name) for name in lines])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(lines) - 0.5, -0.6)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=4)


def _curves(axes: Any, lines: Mapping[str, Sequence[Mark]]) -> None:
    """Series stand a little apart at each x, so that their intervals can be told from one another."""
    for place, (name, marks) in enumerate(lines.items()):
        shift = 1.025 ** (place - (len(lines) - 1) / 2)
        look = {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)]}
        xs = [(mark.x or 0.0) * shift for mark in marks]
        axes.plot(xs, [mark.value for mark in marks], markersize=3.6, label=_label(name), **look)
        for x, mark in zip(xs, marks, strict=True):
            axes.errorbar(x, mark.value, yerr=mark.reach, elinewidth=0.9, color=look["color"])
            axes.scatter([x] * len(mark.dots), mark.dots, s=5, color=look["color"], alpha=0.45, linewidths=0)
    axes.set_xscale("log")
    ticks = _apart(sorted({mark.x for marks in lines.values() for mark in marks if mark.x}))
    axes.set_xticks(ticks, [amount(tick) for tick in ticks])
    axes.set_xticks([], minor=True)


def _apart(counts: Sequence[float]) -> list[float]:
    """Those far enough from the one before for their labels to stand side by side."""
    least = (counts[-1] / counts[0]) ** (1 / 6)
    kept: list[float] = []
    for count in counts:
        if not kept or count >= least * kept[-1]:
            kept.append(count)
    return kept
