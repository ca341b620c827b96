"""A figure of matplotlib's as files for a paper, and as SVG inside a page.

In the page the few colours become CSS variables, so that a figure follows the reader's light or dark theme like the rest.
Text stays text in both. No `pyplot`: nothing here is global.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup, escape

from humpback_exp.analysis.format import plain

INK, SOFT, RULE, PALE, PAPER = "#1f1e1b", "#6a6861", "#dedbd0", "#a9c9dd", "#fffefa"
SERIES = ("#0072b2", "#b64a00", "#00795b", "#a8578a", "#5b6b7a", "#8a6d00", "#7a4fc4", "#2b2a28")
"""After Okabe and Ito, darkened for thin lines on white."""
VARIABLES = {INK: "--ink", SOFT: "--soft", RULE: "--line", PALE: "--pale", PAPER: "--paper"}
VARIABLES |= {colour: f"--series{number}" for number, colour in enumerate(SERIES)}
WIDTH = 3.4
"""Inches: one column of a two-column paper."""
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


@dataclass(frozen=True, eq=False)
class Figure:
    """A drawing of one panel; the same numbers give the same bytes."""

    name: str
    """Of its files, and what the ids in its SVG begin with."""
    title: str
    caption: str
    """What is measured, with its unit, or what else stands beside the title."""
    height: float
    """Inches."""
    paint: Callable[[Any], None]
    """Draws into matplotlib's axes."""

    @cached_property
    def svg(self) -> bytes:
        """The file: one column wide, without a background."""
        return self._drawn("svg", "Date")

    @cached_property
    def pdf(self) -> bytes:
        return self._drawn("pdf", "CreationDate")

    def _drawn(self, form: str, date: str) -> bytes:
        import matplotlib
        from matplotlib.figure import Figure as Canvas

        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            canvas = Canvas(figsize=(WIDTH, self.height), layout="constrained")
            self.paint(canvas.subplots())
            canvas.savefig(buffer, format=form, transparent=True, metadata={date: None})
        return buffer.getvalue()

    @cached_property
    def inline(self) -> Markup:
        """For the page: colours as variables, ids its own, no style sheet. The writer has escaped every label."""
        text = self.svg.decode()
        text = re.sub(
            r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", text[text.index("<svg") :], flags=re.S
        )
        text = re.sub("<[^<>]*>", self._tag, text)
        label = escape(plain(f"{self.title}: {self.caption}"))
        size = re.search(r'viewBox="[^"]*"', text)
        assert size is not None
        return Markup(f'<svg {size.group()} role="img" aria-label="{label}">' + text[text.index(">") + 1 :])

    def _tag(self, found: re.Match[str]) -> str:
        """A tag for the page; labels stand between tags and are left as they are."""
        tag = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{self.name}-", found.group())
        for colour, variable in VARIABLES.items():
            tag = tag.replace(colour, f"var({variable})")
        return re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", tag)
