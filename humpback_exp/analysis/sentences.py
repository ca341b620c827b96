"""A contrast -> a plain sentence: what was found, whether it is within noise, and by which test."""

import math
from collections.abc import Sequence

from humpback_exp.analysis.findings import Finding
from humpback_exp.analysis.interval import Interval
from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.results import FEWEST
from humpback_exp.analysis.settings import MEASURES, WIN, Contrast, Measure, Setting
from humpback_exp.analysis.text import amount, number


def beyond(interval: Interval, comparisons: int = 1) -> bool:
    """Whether the 95 % interval of a change keeps clear of 0, over enough rows for a claim."""
    return interval.rows >= FEWEST and interval.error > 0 and abs(interval.value) > interval.reach(comparisons)


def said(contrast: Contrast) -> list[Finding]:
    """What was found by the win rate, where it was judged, then by the held-out loss."""
    return [_sentence(contrast, measure) for measure in _measures(contrast)]


def _measures(contrast: Contrast) -> list[Measure]:
    """Those there are, the win rate first; what rests on too few pairs last."""
    there = [measure for measure in MEASURES if measure.key in contrast.changes]
    return sorted(there, key=lambda measure: contrast.changes[measure.key].rows < FEWEST)


def _sentence(contrast: Contrast, measure: Measure) -> Finding:
    change = contrast.changes[measure.key]
    ours, theirs, at = _names(contrast)
    told = beyond(change, contrast.comparisons)
    side = (measure.better if change.value > 0 else -measure.better) if told else 0
    claim = f"{ours} is {'better' if side > 0 else 'worse'} than {theirs}{at}"
    if not told:
        claim = f"{ours} and {theirs} cannot be told apart{at}"
    noise = "beyond noise" if told else "within noise"
    return Finding(f"By {measure.name}, {claim}: {figures(change, measure, contrast.comparisons)}, {noise}.", side)


def _names(contrast: Contrast) -> tuple[str, str, str]:
    """Both sides, and what they have in common, said once."""
    ours, theirs = contrast.ours.place, contrast.theirs.place
    if ours.series and ours.x is not None and theirs.x is not None:
        if ours.x == theirs.x:
            return ours.series, theirs.series, f" at {amount(ours.x)} {contrast.ours.unit}"
        if ours.series == theirs.series:
            return contrast.ours.label, f"at {amount(theirs.x)}", ""
    return contrast.ours.label, contrast.theirs.label, ""


def figures(change: Interval, measure: Measure, comparisons: int = 1) -> str:
    """A change with its unit and interval, of which two digits are shown at least."""
    reach = change.reach(comparisons)
    if not change.error > 0:
        return f"{number(change.value, '+' + measure.form)} {measure.unit}, without an interval"
    form = f"+.{max(int(measure.form[1:-1]), 1 - math.floor(math.log10(reach)))}f"
    low, high = (number(change.value + sign * reach, form) for sign in (-1, 1))
    return f"{number(change.value, form)} {measure.unit} (95 % interval {low} to {high})"


def tests(contrast: Contrast) -> list[str]:
    """How each of `said` was tested."""
    return [f"{m.name.capitalize()}: {_test(contrast, contrast.changes[m.key])}." for m in _measures(contrast)]


def _test(contrast: Contrast, change: Interval) -> str:
    how = "paired t test over" if contrast.paired else "pooled t test, as the held-out pairs differ, over"
    ours, theirs = change.seeds
    seeds = "one seed each" if ours == theirs == 1 else f"{ours} and {theirs} seeds"
    many = f", the best of {contrast.comparisons} comparisons (Bonferroni)" if contrast.comparisons > 1 else ""
    few = f", too few (fewer than {FEWEST}) for a claim" if change.rows < FEWEST else ""
    level = f", {_p(min(1.0, change.p * contrast.comparisons))}" if change.error > 0 else ""
    return f"{how} {change.rows} held-out pairs{few}, {seeds}{many}{level}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def in_the_paper(contrast: Contrast | None, published: Sequence[Published]) -> str:
    """The paper's figures for the same two settings, at its own largest size; empty where it gives none."""
    if contrast is None:
        return ""
    ours, theirs = (
        [row for row in published if row.series == side.place.series] for side in (contrast.ours, contrast.theirs)
    )
    if not ours or not theirs or (ours == theirs and len(ours) < 2):
        return ""
    last, first = ours[-1], theirs[0] if ours == theirs else theirs[-1]
    gap = last.win_rate - first.win_rate
    text = f"In the paper: {_published(last)} against {_published(first)}, {number(gap, '+.1f')} points"
    if last.error and first.error:
        text += (
            f", {abs(gap) / (last.error**2 + first.error**2) ** 0.5:.1f} standard errors if the prompts are not paired"
        )
    return f"{text} ({last.source})."


def _published(row: Published) -> str:
    at = "" if row.x is None else f" at {amount(row.x)}"
    return f"{row.win_rate:g} %{at}"


def _web(setting: Setting) -> str:
    """Web pairs its models were trained on, the fewest first."""
    counts = sorted({point.model.rows("web") for point in setting.points if point.model is not None})
    return " and ".join(f"{count:,}" for count in counts)


def cautions(
    contrast: Contrast | None, found: Sequence[Setting], differ: Sequence[str], unfinished: Sequence[str]
) -> list[str]:
    """What a reader must know before believing the figures."""
    points = [point for setting in found for point in setting.points]
    notes = []
    if any(len(setting.points) < 2 for setting in found):
        notes.append(
            "Settings with one seed: their intervals cover the choice of held-out pairs, not the luck of training, and are too "
            "narrow for that reason."
        )
    short = [setting for setting in found if any(point.short("web") for point in setting.points)]
    if short:
        had = "; ".join(f"{setting.label} had {_web(setting)}" for setting in short)
        notes.append(f"There were fewer web pairs than asked for: {had}. No number of the paper stands beside these.")
    if differ:
        notes.append(f"The runs also differ in {', '.join(differ[:8])}, which may explain a gap as well.")
    judges = {(p.evaluation.input_path("judge.path"), (p.evaluation.input_path("reference") or "").rpartition("/")[2])
              for p in points if WIN.rows(p)}  # fmt: skip
    if len(judges) > 1:
        notes.append(
            "The win rates are against different opponents or by different judges, so they are not comparable."
        )
    if judges and any(not WIN.rows(point) for point in points):
        notes.append("Some runs were not judged; their settings show the held-out loss alone.")
    if contrast is not None and contrast.comparisons == 1 and len(found) > 2:
        notes.append(
            "Only the contrast above was fixed beforehand; the table's other changes are one at a time, uncorrected."
        )
    if unfinished:
        more = f" and {len(unfinished) - 12} more" if len(unfinished) > 12 else ""
        notes.append(f"Not finished or not evaluated yet: {', '.join(unfinished[:12])}{more}.")
    return notes
