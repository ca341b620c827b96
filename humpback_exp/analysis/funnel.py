"""Manifests -> what is left of the corpus after each step, and why the rest is not there."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from humpback_exp.analysis.collect import Inventory, Run

PAGE = "page: "
"""Prefix of segment drop reasons that took a whole page (corpus/chunks.py)."""


@dataclass(slots=True)
class Step:
    """What is left, and what it lost on the way from the step before."""

    name: str
    count: int
    where: str = ""
    """Label of the folder."""
    losses: list[tuple[str, int]] = field(default_factory=list)
    place: float = 0.0
    """Of the dot, 0 to 1, on a log scale."""
    share: float | None = None
    """Of the step before; None where the unit changes (pages to segments)."""


@dataclass(slots=True)
class Funnel:
    """One corpus on its way: the steps shared, then those of each iteration."""

    title: str
    steps: list[Step]
    ticks: list[tuple[float, int]] = field(default_factory=list)
    """Place and number of rows."""


def funnels(inventory: Inventory) -> list[Funnel]:
    """One for every candidates folder, and for segments that have none yet."""
    found = []
    used = set()
    for candidates in inventory.of("candidates"):
        mark = candidates.input_fingerprint("segments")
        segments = next((run for run in inventory.of("segments") if run.manifest.fingerprint == mark), None)
        used.add(mark)
        steps = [*_corpus(segments), *_augmented(candidates, segments), *_curated(inventory, candidates)]
        found.append(Funnel(candidates.label, steps))
    for segments in inventory.of("segments"):
        if segments.manifest.fingerprint not in used:
            found.append(Funnel(segments.label, _corpus(segments)))
    for funnel in found:
        _measure(funnel)
    return found


def _corpus(run: Run | None) -> list[Step]:
    if run is None:
        return []
    drops = run.manifest.drops
    pages = [
        (f"pages: {reason.removeprefix(PAGE)}", count) for reason, count in drops.items() if reason.startswith(PAGE)
    ]
    segments = [(reason, count) for reason, count in drops.items() if not reason.startswith(PAGE)]
    return [
        Step("pages read", run.rows("pages"), run.label),
        Step("segments found", run.rows("segments found"), run.label, _sorted(pages)),
        Step("segments kept", run.rows("segments"), run.label, _sorted(segments), share=1),
    ]


def _augmented(run: Run, segments: Run | None) -> list[Step]:
    drawn, steps = run.rows("segments"), []
    if segments is not None and drawn != segments.rows("segments"):
        limit = run.manifest.config.get("limit")
        losses = [(f"not drawn (limit={limit})", segments.rows("segments") - drawn)]
        steps = [Step("drawn", drawn, run.label, losses, share=1)]
    elif segments is None:
        steps = [Step("segments drawn", drawn, run.label)]
    return [*steps, Step("candidates", run.rows("candidates"), run.label, _sorted(run.manifest.drops.items()), share=1)]


def _curated(inventory: Inventory, candidates: Run) -> list[Step]:
    """For every scoring of the candidates: what was readable, what each selection keeps of it, and what was rewritten."""
    steps = []
    for scored in inventory.made_from("scored", "candidates", candidates):
        losses = [(f"rating {reason}", count) for reason, count in _sorted(scored.manifest.drops.items())]
        steps.append(Step(f"rated by {scored.name}", scored.rows("readable"), scored.label, losses, share=1))
        for curated in inventory.made_from("curated", "scored", scored):
            drops = [item for item in curated.manifest.drops.items() if item[0] != "abandoned"]
            steps.append(
                Step(f"kept in {curated.name}", curated.rows("curated"), curated.label, _sorted(drops), share=1)
            )
        for rewritten in inventory.made_from("rewritten", "scored", scored):
            drops = _sorted(rewritten.manifest.drops.items())
            steps.append(
                Step(f"rewritten by {rewritten.name}", rewritten.rows("rewritten"), rewritten.label, drops, share=1)
            )
    return steps


def _measure(funnel: Funnel) -> None:
    """Dots on a log scale, since a corpus shrinks by orders of magnitude, and the share of what each step came from."""
    decades = math.ceil(math.log10(max([10, *(step.count for step in funnel.steps)])))
    funnel.ticks = [(power / decades, 10**power) for power in range(decades + 1)]
    counts: dict[str, int] = {}
    for step in funnel.steps:
        kind = step.where.partition("/")[0]
        step.place = math.log10(max(step.count, 1)) / decades
        before = counts.get("candidates" if kind == "scored" else "", 0)
        step.share = step.count / before if step.share and before else None
        counts[""] = counts[kind] = step.count


def _sorted(losses: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(((reason, count) for reason, count in losses if count), key=lambda item: -item[1])
