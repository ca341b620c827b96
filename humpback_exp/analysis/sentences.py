"""A contrast -> a plain sentence: what was found, whether it is within noise, and by which test."""

import math
from collections.abc import Sequence

from humpback_exp.analysis.contrasts import Contrast
from humpback_exp.analysis.findings import Finding
from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.questions import Question
from humpback_exp.analysis.results import FEWEST
from humpback_exp.analysis.settings import MEASURES, Measure, number_of
from humpback_exp.analysis.text import amount, number
from humpback_exp.evaluation.intervals import Interval


def beyond(interval: Interval) -> bool:
    """Whether the 95 % interval of a change keeps clear of 0, over enough rows for a claim."""
    return interval.rows >= FEWEST and interval.error > 0 and abs(interval.value) > interval.reach


def findings(question: Question) -> list[Finding]:
    """What a sweep's page says, the headline first; what was not planned is called exploratory."""
    found = [finding for contrast in question.said for finding in said(contrast)]
    if not found:
        why = question.unplanned or "The two sides of the planned comparison cannot be compared."
        return [Finding(f"{why} There is no finding yet.", 0)]
    if not question.unplanned:
        return found
    found = [Finding(f"Exploratory: {one.text[:1].lower()}{one.text[1:]}", one.side) for one in found]
    return [Finding(f"{question.unplanned} {found[0].text}", found[0].side), *found[1:]]


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
    told = beyond(change)
    side = (measure.better if change.value > 0 else -measure.better) if told else 0
    claim = f"{ours} is {'better' if side > 0 else 'worse'} than {theirs}{at}"
    if not told:
        claim = f"{ours} and {theirs} cannot be told apart{at}"
    noise = f"beyond {_noise(change)}" if told else "within noise"
    return Finding(f"By {measure.name}, {claim}: {figures(change, measure)}, {noise}.", side)


def _noise(change: Interval) -> str:
    """What the interval covers: with one seed, not the luck of training."""
    if min(change.seeds) > 1:
        return "noise"
    return f"the noise of the held-out pairs alone (one seed{'' if max(change.seeds) == 1 else ' on a side'})"


def _names(contrast: Contrast) -> tuple[str, str, str]:
    """Both sides, and what they have in common, said once."""
    ours, theirs = contrast.ours.place, contrast.theirs.place
    if ours.series and ours.x is not None and theirs.x is not None:
        if ours.x == theirs.x:
            return ours.series, theirs.series, f" at {amount(ours.x)} {contrast.ours.unit}"
        if ours.series == theirs.series:
            return contrast.ours.label, f"at {amount(theirs.x)}", ""
    return contrast.ours.label, contrast.theirs.label, ""


def figures(change: Interval, measure: Measure) -> str:
    """A change with its unit and interval, of which two digits are shown at least."""
    reach = change.reach
    if not change.error > 0:
        return f"{number(change.value, '+' + measure.form)} {measure.unit}, without an interval"
    form = f"+.{max(int(measure.form[1:-1]), 1 - math.floor(math.log10(reach)))}f"
    low, high = (number(change.value + sign * reach, form) for sign in (-1, 1))
    return f"{number(change.value, form)} {measure.unit} (95 % interval {low} to {high})"


def tests(contrasts: Sequence[Contrast]) -> list[str]:
    """How each of `said` was tested; of several contrasts, which it is."""
    found = []
    for contrast in contrasts:
        ours, theirs, at = _names(contrast)
        which = f"{ours} against {theirs}{at}, " if len(contrasts) > 1 else ""
        for measure in _measures(contrast):
            name = measure.name if which else measure.name.capitalize()
            found.append(f"{which}{name}: {_test(contrast, contrast.changes[measure.key])}.")
    return found


def _test(contrast: Contrast, change: Interval) -> str:
    how = "paired t test over" if contrast.paired else "pooled t test, as the held-out pairs differ, over"
    ours, theirs = change.seeds
    seeds = ", one seed each" if ours == theirs == 1 else f", {ours} and {theirs} seeds"
    if contrast.by_seed and ours > 1:
        seeds = f" and {ours} seeds"
    many = f", corrected for {change.comparisons} comparisons (Bonferroni)" if change.comparisons > 1 else ""
    few = f" (fewer than {FEWEST} pairs carry no claim)" if change.rows < FEWEST else ""
    level = f", {_p(change.p)}" if change.error > 0 else ""
    return f"{how} {change.rows} held-out pairs{seeds}{many}{few}{level}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def in_the_paper(contrasts: Sequence[Contrast], published: Sequence[Published]) -> str:
    """The paper's figures for the headline's two settings; where it lacks either size, at its own, which is said."""
    if not contrasts:
        return ""
    contrast = contrasts[0]
    found, where = (number_of(published, contrast.ours), number_of(published, contrast.theirs)), ""
    if None in found:
        found, where = _own_ends(contrast, published)
    ours, theirs = found
    if ours is None or theirs is None or ours == theirs:
        return ""
    gap = ours.win_rate - theirs.win_rate
    text = f"In the paper{where}: {_published(ours)} against {_published(theirs)}, {number(gap, '+.1f')} points"
    if ours.error and theirs.error:
        errors = abs(gap) / (ours.error**2 + theirs.error**2) ** 0.5
        text += f", {errors:.1f} standard errors if the prompts are not paired"
    return f"{text} ({ours.source})."


def _own_ends(
    contrast: Contrast, published: Sequence[Published]
) -> tuple[tuple[Published | None, Published | None], str]:
    """The paper's own last size of both series, or its last and its first along one, and that these are not ours."""
    ours, theirs = (
        [row for row in published if row.series == side.place.series] for side in (contrast.ours, contrast.theirs)
    )
    if not ours or not theirs:
        return (None, None), ""
    pairs = [(last, first) for last in ours for first in theirs if last.x == first.x]
    if pairs and ours != theirs:
        return pairs[-1], ", at its own largest size and not at ours"
    return (ours[-1], theirs[0] if ours == theirs else theirs[-1]), ", at its own sizes and not at ours"


def _published(row: Published) -> str:
    at = "" if row.x is None else f" at {amount(row.x)}"
    return f"{row.win_rate:g} %{at}"
