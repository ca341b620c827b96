"""Precision over recall of each scorer, against labelled pairs, with its thresholds marked."""

from collections.abc import Sequence
from typing import Any

from humpback_exp.analysis.figure import SERIES, SOFT, Figure
from humpback_exp.analysis.interval_plots import MARKERS
from humpback_exp.evaluation.selectors import Selector


def selector_curves(selectors: Sequence[Selector]) -> Figure:
    """A line for each scored folder, one step a score; marks with intervals at the thresholds of the table.

    The dotted line is the share of good pairs: the precision of picking at random.
    """

    def paint(axes: Any) -> None:
        for place, one in enumerate(selectors):
            look = {"color": SERIES[place % len(SERIES)]}
            recalls, precisions = [cut.recall for cut in one.curve], [cut.precision for cut in one.curve]
            axes.plot(recalls, precisions, linewidth=0.9, **look)
            marked = [cut for cut in one.table if cut.picked]
            below = [cut.precision - cut.precision_ends[0] for cut in marked]
            above = [cut.precision_ends[1] - cut.precision for cut in marked]
            xs, ys = [cut.recall for cut in marked], [cut.precision for cut in marked]
            marker = {"fmt": MARKERS[place % len(MARKERS)], "markersize": 4, "elinewidth": 0.8}
            axes.errorbar(xs, ys, yerr=[below, above], label=one.name, **marker, **look)
            for cut in marked if place == 0 else []:
                axes.annotate(f"{cut.threshold:g}", (cut.recall, cut.precision), (4, 3), textcoords="offset points")
            axes.axhline(one.curve[-1].good / one.pairs, color=SOFT, linewidth=0.8, linestyle=":")
        axes.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.06), ylim=(-0.02, 1.04))
        axes.figure.legend(loc="outside upper left", ncols=2, frameon=False, handlelength=1.5)

    return Figure("selectors", "Selectors", "precision over recall", 2.4 + 0.08 * len(selectors), paint)
