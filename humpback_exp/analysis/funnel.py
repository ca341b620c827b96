"""Manifests -> what is left of the corpus after each step, and why the rest is not there."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from humpback_exp import reasons
from humpback_exp.analysis.folders import made_from
from humpback_exp.analysis.format import setting
from humpback_exp.artifacts.catalog import Catalog, Folder


@dataclass(slots=True)
class Step:
    """What is left, and what it lost on the way from the step before."""

    name: str
    count: int
    losses: list[tuple[str, int]] = field(default_factory=list)
    before: int | None = None
    """Rows of the step it came from; None where the unit changes (pages to segments)."""


@dataclass(slots=True)
class Funnel:
    """One corpus on its way: the steps of its pages, then those of each candidates folder."""

    title: str
    steps: list[Step]

    @property
    def decades(self) -> int:
        """Of its logarithmic scale, since a corpus shrinks by orders of magnitude."""
        return math.ceil(math.log10(max([10, *(step.count for step in self.steps)])))

    def place(self, count: float) -> float:
        """On the scale, in percent."""
        return 100 * math.log10(max(count, 1)) / self.decades


def funnels(catalog: Catalog) -> list[Funnel]:
    """One for every segments folder, and for candidates whose segments are not there."""
    found = []
    there = {folder.fingerprint for folder in catalog.of("segments")}
    for segments in catalog.of("segments"):
        below = made_from(catalog, "candidates", "segments", segments)
        steps = [step for candidates in below for step in _candidates(catalog, candidates, segments, len(below) > 1)]
        found.append(Funnel(segments.label, [*_corpus(segments), *steps]))
    for candidates in catalog.of("candidates"):
        if candidates.fingerprint_of("segments") not in there:
            found.append(Funnel(candidates.label, _candidates(catalog, candidates, None, False)))
    return found


def _corpus(folder: Folder) -> list[Step]:
    drops = folder.manifest.drops.items()
    pages = [
        (f"pages: {reason.removeprefix(reasons.PAGE)}", count)
        for reason, count in drops
        if reason.startswith(reasons.PAGE)
    ]
    segments = list(reasons.of_rows(folder.manifest.drops).items())
    found = folder.rows("segments found")
    return [
        Step("pages read", folder.rows("pages")),
        Step("segments found", found, _sorted(pages)),
        Step("segments kept", folder.rows("segments"), _sorted(segments), found),
    ]


def _candidates(catalog: Catalog, folder: Folder, segments: Folder | None, several: bool) -> list[Step]:
    """What was drawn, what became a candidate, and all that was rated, kept and rewritten of it."""
    drawn, count, name = folder.rows("segments"), folder.rows("candidates"), f" in {folder.name}" if several else ""
    steps = []
    if segments is None:
        steps = [Step("segments drawn", drawn)]
    elif drawn != segments.rows("segments") or several:
        rest = segments.rows("segments") - drawn
        losses = [(f"not drawn (limit={setting(folder.manifest.config.get('limit'))})", rest)]
        steps = [Step(f"drawn{name}", drawn, _sorted(losses), segments.rows("segments"))]
    steps.append(Step(f"candidates{name}", count, _sorted(folder.manifest.drops.items()), drawn))
    for scored in made_from(catalog, "scored", "candidates", folder):
        losses = [(f"rating {reason}", lost) for reason, lost in _sorted(scored.manifest.drops.items())]
        readable = scored.rows("readable")
        steps.append(Step(f"rated by {scored.name}", readable, losses, count))
        for kind, verb in (("curated", "kept in"), ("rewritten", "rewritten by")):
            for made in made_from(catalog, kind, "scored", scored):
                drops = [item for item in made.manifest.drops.items() if item[0] != reasons.ABANDONED]
                steps.append(Step(f"{verb} {made.name}", made.rows(kind), _sorted(drops), readable))
    return steps


def _sorted(losses: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(((reason, count) for reason, count in losses if count), key=lambda item: -item[1])
