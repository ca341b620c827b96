"""What a reader of a sweep's page must know before believing its figures."""

from collections.abc import Sequence
from statistics import fmean

from humpback_exp.analysis.contrasts import Contrast
from humpback_exp.analysis.questions import Question
from humpback_exp.analysis.settings import Setting


def cautions(
    question: Question, found: Sequence[Setting], differ: Sequence[str], unfinished: Sequence[str]
) -> list[str]:
    """What a reader must know before believing the figures."""
    points = [point for setting in found for point in setting.points]
    notes = []
    if any(len(setting.points) < 2 for setting in found):
        notes.append(
            "Settings with one seed: their intervals cover the choice of held-out pairs, not the luck of training, and are too "
            "narrow for that reason."
        )
    notes += [note for contrast in question.said for note in _beyond_both(contrast, found)]
    notes += _unequal(question.said)
    short = [setting for setting in found if any(point.short("web") for point in setting.points)]
    if short:
        had = "; ".join(f"{setting.label} had {_web(setting)}" for setting in short)
        notes.append(f"There were fewer web pairs than asked for: {had}. No number of the paper stands beside these.")
    if differ:
        notes.append(f"The runs also differ in {', '.join(differ[:8])}, which may explain a gap as well.")
    notes += dict.fromkeys(why for one in (*question.said, *question.table.values()) for why in one.left_out)
    if any(point.wins for point in points) and not all(point.wins for point in points):
        notes.append("Some runs were not judged; their settings show the held-out loss alone.")
    if question.said and question.comparisons == 1 and len(found) > 2:
        first = "Only the contrast above was" if not question.unplanned else "No contrast was"
        notes.append(f"{first} fixed beforehand; the table's changes are one at a time, uncorrected.")
    if unfinished:
        more = f" and {len(unfinished) - 12} more" if len(unfinished) > 12 else ""
        notes.append(f"Not finished or not evaluated yet: {', '.join(unfinished[:12])}{more}.")
    return notes


def _beyond_both(contrast: Contrast, found: Sequence[Setting]) -> list[str]:
    """That one side has been measured at a larger size than the one both have."""
    sides = (contrast.ours, contrast.theirs)
    if contrast.ours.place.x != contrast.theirs.place.x or contrast.ours.place.series == contrast.theirs.place.series:
        return []
    larger = [
        setting.label
        for setting in found
        for side in sides
        if setting.place.series == side.place.series and (setting.place.x or 0.0) > (side.place.x or 0.0)
    ]
    return [f"Larger than the largest size of both, and not compared: {', '.join(larger)}."] if larger else []


def _unequal(contrasts: Sequence[Contrast]) -> list[str]:
    """That the sides did not train equally long, which may explain a gap by itself."""
    told = []
    for contrast in contrasts:
        sides = (contrast.ours, contrast.theirs)
        examples = [[point.examples for point in side.points] for side in sides]
        steps = [[point.steps for point in side.points if point.steps is not None] for side in sides]
        parts = filter(None, (_against("training examples", *examples), _against("optimiser steps", *steps)))
        if named := " and ".join(parts):
            told.append(f"{contrast.ours.label} and {contrast.theirs.label} differ in {named}")
    end = "what a gap owes to that alone, only runs with as many of both would tell."
    return [f"{'; '.join(told)}; {end}"] if told else []


def _against(name: str, ours: Sequence[int], theirs: Sequence[int]) -> str:
    """Both means over seeds, where they differ."""
    if not ours or not theirs or round(fmean(ours)) == round(fmean(theirs)):
        return ""
    return f"{name} ({fmean(ours):,.0f} against {fmean(theirs):,.0f})"


def _web(setting: Setting) -> str:
    """Web pairs its models were trained on, the fewest first."""
    counts = sorted({point.model.rows("web") for point in setting.points if point.model is not None})
    return " and ".join(f"{count:,}" for count in counts)
