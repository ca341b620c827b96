"""The paper's own numbers (arXiv 2308.06259), each with where it stands; `paper.csv` holds the points of its figures.

Win rates are against text-davinci-003 with GPT-4 as the judge, of a 7B model on about 250 prompts unless the source says
otherwise. Digitised points are read off the figures to about 0.2. Numbers of tables and figures are those of versions 1
and 2.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from humpback_exp.analysis.settings import Setting

ALPHA = {
    "Humpback": 6.95,
    "WizardLLM": 5.69,
    "Alpaca-GPT4": 5.40,
    "Vicuna": 4.53,
    "Open Assistant": 4.43,
    "LIMA": 2.86,
    "Alpaca": 1.99,
    "FLAN v2": 0.22,
}
"""Table 3: alpha in w = alpha ln N + C. The table prints no C, and no interval."""


@dataclass(frozen=True, slots=True)
class Published:
    """One point of a figure or a row of a table."""

    series: str
    x: float | None
    """Examples on the figure's axis; None in tables."""
    win_rate: float
    """%."""
    error: float | None
    """One standard error as printed, in points; about 3 where only the figure's bars show it."""
    source: str


def published(ablation: str) -> list[Published]:
    """The paper's points for an ablation, in its order; none where it gives no numbers."""
    with (Path(__file__).parent / "paper.csv").open(encoding="utf-8", newline="") as file:
        return [_point(row) for row in csv.DictReader(file) if row["ablation"] == ablation]


def _point(row: dict[str, str]) -> Published:
    x, error = (float(row[key]) if row[key] else None for key in ("x", "error"))
    return Published(row["series"], x, float(row["win_rate"]), error, row["source"])


def number_of(published: Sequence[Published], setting: Setting) -> Published | None:
    """The paper's number for the same setting; none where there were fewer web pairs than its x says."""
    if any(run.short("web") for run in setting.runs):
        return None
    place = setting.place
    return next((one for one in published if (one.series, one.x) == (place.series, place.x)), None)
