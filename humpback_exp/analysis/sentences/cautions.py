"""What a reader must know before believing the figures of a page."""

from collections.abc import Iterable, Sequence
from statistics import fmean

from humpback_exp.analysis.comparisons import Comparison
from humpback_exp.analysis.corrections import Result
from humpback_exp.analysis.evaluations import Evaluation
from humpback_exp.analysis.format import listed
from humpback_exp.analysis.measures import WIN
from humpback_exp.analysis.settings import Setting
from humpback_exp.artifacts.catalog import Catalog

LOPSIDED = 0.2
"""A judge that prefers one position this far from half the time mostly judges the position (our choice)."""


def of_models(found: Sequence[Setting], stated: Sequence[Comparison], others: Iterable[Comparison] = ()) -> list[str]:
    """About the models of any page: seeds, unequal training, the judge, and what could not be compared.

    Args:
        others: comparisons that the page makes besides those it states.
    """
    runs = [run for setting in found for run in setting.runs]
    notes = []
    if found and all(len(setting.runs) < 2 for setting in found):
        notes.append("Each model was trained once, so the luck of training is not in the intervals.")
    elif any(len(setting.runs) < 2 for setting in found):
        notes.append(
            "Settings with one seed: their intervals cover the choice of held-out pairs, not the luck of training, and are too "
            "narrow for that reason."
        )
    notes += _unequal(stated)
    notes += dict.fromkeys(why for one in (*stated, *others) for why in one.left_out)
    judged = [run for run in runs if run.rows[WIN.key]]
    opponents = {run.opponent.folder.fingerprint for run in judged if run.opponent is not None}
    if judged and any(not run.rows[WIN.key] and run.folder.fingerprint not in opponents for run in runs):
        notes.append("Some runs were not judged; their settings show the held-out loss alone.")
    return notes + _about_judge(judged)


def of_sweep(result: Result, found: Sequence[Setting], differ: Sequence[str], unfinished: Sequence[str]) -> list[str]:
    """Those of any page and of its ablation: sizes not compared, short of pairs, what else differs, what is not finished."""
    notes = [note for one in result.stated for note in _beyond_both(one, found)]
    short = [setting for setting in found if any(run.short("web") for run in setting.runs)]
    if short:
        had = "; ".join(f"{setting.label} had {_web(setting)}" for setting in short)
        notes.append(f"There were fewer web pairs than asked for: {had}. No number of the paper stands beside these.")
    if differ:
        notes.append(f"The runs also differ in {', '.join(differ[:8])}, which may explain a gap as well.")
    if result.stated and result.count == 1 and len(found) > 2:
        first = "Only the contrast above was" if not result.plan.unplanned else "No contrast was"
        notes.append(f"{first} fixed beforehand; the table's changes are one at a time, uncorrected.")
    if unfinished:
        notes.append(f"Not finished or not evaluated yet: {listed(list(unfinished), 12)}.")
    return notes


def _beyond_both(comparison: Comparison, found: Sequence[Setting]) -> list[str]:
    """That one side has been measured at a larger size than the one both have."""
    ours, theirs = comparison.ours.place, comparison.theirs.place
    if ours.x != theirs.x or ours.series == theirs.series:
        return []
    sizes = {ours.series: ours.x or 0.0, theirs.series: theirs.x or 0.0}
    larger = [one.label for one in found if (one.place.x or 0.0) > sizes.get(one.place.series, float("inf"))]
    return [f"Larger than the largest size of both, and not compared: {', '.join(larger)}."] if larger else []


def _unequal(made: Sequence[Comparison]) -> list[str]:
    """That the sides did not train equally long, which may explain a gap by itself."""
    told = []
    for one in made:
        sides = [[run for run in side.runs if run.model is not None] for side in (one.ours, one.theirs)]
        examples = ([run.examples for run in side] for side in sides)
        steps = ([run.steps for run in side if run.steps is not None] for side in sides)
        parts = filter(None, (_against("training examples", *examples), _against("optimiser steps", *steps)))
        if named := " and ".join(parts):
            told.append(f"{one.ours.label} and {one.theirs.label} differ in {named}")
    end = "what a gap owes to that alone, only runs with as many of both would tell."
    return [f"{'; '.join(told)}; {end}"] if told else []


def _against(name: str, ours: Sequence[int], theirs: Sequence[int]) -> str:
    """Both means over seeds, where they differ."""
    if not ours or not theirs or round(fmean(ours)) == round(fmean(theirs)):
        return ""
    return f"{name} ({fmean(ours):,.0f} against {fmean(theirs):,.0f})"


def _web(setting: Setting) -> str:
    """Web pairs its models were trained on, the fewest first."""
    counts = sorted({run.model.rows("web") for run in setting.runs if run.model is not None})
    return " and ".join(f"{count:,}" for count in counts)


def _about_judge(judged: Sequence[Evaluation]) -> list[str]:
    judges = {run.folder.path_of("judge.path") for run in judged}
    sides = [run for run in judged] + [run.opponent for run in judged if run.opponent is not None]
    notes = []
    if judges & {run.folder.path_of("model_path") for run in sides}:
        notes.append("The judge is one of the models compared, and no impartial one.")
    shares = [share for run in judged if (share := run.folder.metric("position_share")) is not None]
    if not shares or max(abs(share - 0.5) for share in shares) <= LOPSIDED:
        return notes
    ends = list(dict.fromkeys(f"{share:.0%}" for share in (min(shares), max(shares))))
    return [
        *notes,
        f"The judge prefers the answer shown first in {' to '.join(ends)} of its verdicts (even-handed: 50%), so places sway "
        "it. Wins and losses are counted after this liking is taken out.",
    ]


def same_models(catalog: Catalog) -> list[str]:
    """That a model was trained on the very pairs of another, and so is the same model."""
    seen: dict[tuple[str, ...], str] = {}
    lines = []
    for one in catalog.of("models"):
        weights = tuple(sorted(mark for name, mark in one.manifest.files.items() if name.endswith(".safetensors")))
        if weights in seen:
            pairs = f"{one.rows('web')} web pairs"
            lines.append(f"{one.name} is the same model as {seen[weights]}: both were trained on the same {pairs}.")
        if weights:
            seen.setdefault(weights, one.name)
    return lines
