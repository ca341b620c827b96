"""Evaluations -> the cells of the results table, so that the template holds no arithmetic."""

from dataclasses import dataclass

from humpback_exp.analysis.results import Estimate, Result
from humpback_exp.analysis.text import number

SIDES = {1: "ok", 0: "", -1: "bad"}
"""CSS classes for better, open and worse."""
GROUPS = (
    ("Held-out loss, nats a token", 3),
    ("Against the reference, by the judge", 4),
    ("As a rater: good pairs against spoilt ones", 4),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure; the label stands above it where the table is too wide for the screen."""

    head: str
    label: str
    text: str
    error: str = ""
    look: str = ""


def cells(result: Result, to_first: Estimate | None) -> list[Cell]:
    """One row, in the order of `GROUPS`; `to_first` is the change of loss from M1."""
    tally = result.tally
    counts = " / ".join(map(str, tally)) if tally else ""
    return [
        _estimate("loss", "held-out loss", result.loss, ".3f"),
        _estimate("change", "change of loss", result.change, "+.3f", neutral=0.0, better=-1),
        _estimate("to M1", "change from M1", to_first, "+.3f", neutral=0.0, better=-1),
        _estimate("win rate, %", "win rate, %", result.win, ".1f", scale=100, neutral=0.5),
        Cell("won / tied / lost", "won / tied / lost", counts),
        _estimate("preference, %", "judge\u2019s preference, %", result.preference, ".1f", scale=100, neutral=0.5),
        _share("first shown", "first shown preferred", result.figure("position_share")),
        Cell("scorer", "scorer", str(result.gate.manifest.config.get("scorer")) if result.gate else ""),
        _share("readable", "ratings readable", result.gated("readable")),
        _estimate("AUC, shuffled", "AUC against shuffled", result.area("shuffled"), ".2f"),
        _estimate("AUC, truncated", "AUC against truncated", result.area("truncated"), ".2f"),
    ]


def _estimate(
    head: str,
    label: str,
    estimate: Estimate | None,
    form: str,
    scale: float = 1,
    neutral: float | None = None,
    better: int = 1,
) -> Cell:
    if estimate is None:
        return Cell(head, label, "")
    known = estimate.error == estimate.error
    error = number(estimate.error * scale, form.lstrip("+")) if known else "?"
    look = "" if neutral is None else SIDES[better * estimate.side(neutral)]
    return Cell(head, label, number(estimate.value * scale, form), error, look)


def _share(head: str, label: str, value: float | None) -> Cell:
    return Cell(head, label, "" if value is None else f"{value:.0%}")
