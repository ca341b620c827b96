"""Panels of a sweep, drawn once by matplotlib: as SVG and PDF for a paper, and as inline SVG for the page.

For the page the few colours become CSS variables, so a panel follows the reader's light or dark theme like the rest.
Text stays text in both. No `pyplot`: nothing here is global.
"""

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from humpback_exp.analysis.text import amount, excerpt, plain

INK, SOFT, RULE = "#1f1e1b", "#6a6861", "#dedbd0"
SERIES = ("#0072b2", "#b64a00", "#00795b", "#a8578a", "#5b6b7a", "#8a6d00", "#7a4fc4", "#2b2a28")
"""After Okabe and Ito, darkened for thin lines on white."""
MARKERS = "osD^vPX*"
VARIABLES = {INK: "--ink", SOFT: "--soft", RULE: "--line"} | {c: f"--series{i}" for i, c in enumerate(SERIES)}
WIDTH = 3.4
"""Inches: one column of a two-column paper."""
LETTERS = 56
"""That fit side by side in a legend of this width."""
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "humpback-exp",
    "pdf.fonttype": 42,
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One setting: its mean, interval, and a dot for every seed."""

    x: float | None
    value: float
    low: float
    """Ends of the interval; the value itself where there is none."""
    high: float
    dots: tuple[float, ...] = ()

    @property
    def reach(self) -> list[list[float]]:
        """Below and above the value, as matplotlib takes it."""
        return [[self.value - self.low], [self.high - self.value]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines over a logarithmic x; where no mark has an x, one named row for each line."""

    name: str
    """Of its files."""
    title: str
    figure: str
    """What is measured, with its unit."""
    x: str
    lines: dict[str, list[Mark]]
    zero: bool = False
    """Whether a line marks 0, as for changes."""

    @property
    def named(self) -> bool:
        return any(mark.x is None for marks in self.lines.values() for mark in marks)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A panel as files and as part of a page."""

    panel: Panel
    svg: bytes
    pdf: bytes

    @property
    def inline(self) -> Markup:
        """For the page: colours as variables, ids its own, no style sheet. The writer has escaped every label."""
        text = self.svg.decode()
        text = re.sub(
            r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", text[text.index("<svg") :], flags=re.S
        )
        text = re.sub("<[^<>]*>", self._tag, text)
        label = escape(plain(f"{self.panel.title}: {self.panel.figure}"))
        return Markup(
            re.sub(
                r'(<svg) [^>]*?(viewBox="[^"]*")[^>]*>',
                rf'\1 class="plot" \2 role="img" aria-label="{label}">',
                text,
                count=1,
            )
        )

    def _tag(self, found: re.Match[str]) -> str:
        """A tag for the page; labels stand between tags and are left as they are."""
        tag = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{self.panel.name}-", found.group())
        for colour, variable in VARIABLES.items():
            tag = tag.replace(colour, f"var({variable})")
        return re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", tag)


def draw(panel: Panel) -> Drawn:
    """The panel in both formats; the same numbers give the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        columns = max(1, LETTERS // (6 + max(len(_label(name)) for name in panel.lines)))
        legend = 0 if panel.named or len(panel.lines) == 1 else math.ceil(len(panel.lines) / columns)
        height = 0.55 + 0.27 * len(panel.lines) if panel.named else 2.1 + 0.16 * legend
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots()
        (_rows if panel.named else _curves)(axes, panel)
        if panel.zero:
            (axes.axvline if panel.named else axes.axhline)(0, color=SOFT, linewidth=0.8)
        if legend:
            figure.legend(loc="outside upper left", ncols=columns, frameon=False, handlelength=1.5, columnspacing=1)
        return Drawn(panel, _saved(figure, "svg", "Date"), _saved(figure, "pdf", "CreationDate"))


def _saved(figure: Any, form: str, date: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, transparent=True, metadata={date: None})
    return buffer.getvalue()


def _label(text: str) -> str:
    return excerpt(str(plain(text)), 34)


def _rows(axes: Any, panel: Panel) -> None:
    for row, marks in enumerate(panel.lines.values()):
        for mark in marks:
            axes.errorbar(mark.value, row, xerr=mark.reach, color=SERIES[0], marker="o", markersize=5, elinewidth=1.4)
            axes.scatter(mark.dots, [row - 0.26] * len(mark.dots), s=7, color=SOFT, linewidths=0)
    axes.set_yticks(range(len(panel.lines)), [_label(name) for name in panel.lines])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(panel.lines) - 0.5, -0.6)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel(panel.figure)


def _curves(axes: Any, panel: Panel) -> None:
    """Series stand a little apart at each x, so that their intervals can be told from one another."""
    for place, (name, marks) in enumerate(panel.lines.items()):
        shift = 1.025 ** (place - (len(panel.lines) - 1) / 2)
        look = {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)]}
        xs = [(mark.x or 0.0) * shift for mark in marks]
        axes.plot(xs, [mark.value for mark in marks], markersize=3.6, label=_label(name), **look)
        for x, mark in zip(xs, marks, strict=True):
            axes.errorbar(x, mark.value, yerr=mark.reach, elinewidth=0.9, color=look["color"])
            axes.scatter([x] * len(mark.dots), mark.dots, s=5, color=look["color"], alpha=0.45, linewidths=0)
    axes.set_xscale("log")
    ticks = _apart(sorted({mark.x for marks in panel.lines.values() for mark in marks if mark.x}))
    axes.set_xticks(ticks, [amount(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.figure)


def _apart(counts: Sequence[float]) -> list[float]:
    """Those far enough from the one before for their labels to stand side by side."""
    least = (counts[-1] / counts[0]) ** (1 / 6)
    kept: list[float] = []
    for count in counts:
        if not kept or count >= least * kept[-1]:
            kept.append(count)
    return kept
