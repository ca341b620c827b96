"""Plans of comparisons, and those of a loop: which models are compared with which, never by a figure.

Where a plan makes several comparisons at once, each is corrected for as many (Bonferroni), and so on every page that shows it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from humpback_exp.analysis.evaluations import Evaluation
from humpback_exp.analysis.placement import Place
from humpback_exp.analysis.settings import Setting

Sides = tuple[Setting, Setting]
"""Ours and theirs."""
Pair = frozenset[frozenset[str]]
"""Fingerprints of the evaluations on either side."""
ROUND = re.compile(r"m(\d+)")
"""Names of the loop's models."""


@dataclass(eq=False)
class Plan:
    """The comparisons of an ablation, or of a part of the loop's page."""

    base: Setting
    """The setting that is compared with none."""
    against: dict[Setting, Setting]
    """Each other setting -> the one it is compared with."""
    stated: list[Sides] = field(default_factory=list)
    """Those the page states, the headline first."""
    best: bool = False
    """Whether it states the best of `against` instead."""
    count: int = 1
    """Comparisons made at once, for which each is corrected."""
    unplanned: str = ""
    """That what was planned is not there, so that what is stated is exploratory; empty where it is."""

    @property
    def pairs(self) -> set[Pair]:
        return {pair(*sides) for sides in (*self.against.items(), *self.stated)}


def pair(ours: Setting, theirs: Setting) -> Pair:
    return frozenset(frozenset(run.folder.fingerprint for run in side.runs) for side in (ours, theirs))


def plans_of_loop(found: Sequence[Setting]) -> dict[str, Plan]:
    """Each round against the one before, each variant against its model, each model against its reference.

    Args:
        found: a setting for each run of a loop, as `alone` makes them.
    """
    sides = {side.runs[0].folder.name: side for side in found}
    numbered = {name: side for name, side in sides.items() if ROUND.fullmatch(name)}
    variants = [
        (ours, theirs) for name, theirs in numbered.items() for n, ours in sides.items() if n.startswith(f"{name}-")
    ]
    there = {side.runs[0].folder.fingerprint: side for side in found}
    opponents = [(side, side.runs[0].opponent) for side in found]
    references = [
        (side, there[one.folder.fingerprint]) for side, one in opponents if one and one.folder.fingerprint in there
    ]
    plans = {"rounds": rounds(list(numbered.values()))} if numbered else {}
    for name, made in (("variants", variants), ("references", references)):
        if made:
            plans[name] = Plan(made[0][1], dict(made), made, count=len(made))
    return plans


def alone(run: Evaluation) -> Setting:
    """A run by itself, under the name the paper gives to the models of a loop: m1 is M1."""
    number = ROUND.fullmatch(run.folder.name)
    return Setting(
        Place(run.folder.name.upper() if number else run.folder.name, (int(number[1]),) if number else ()), [run]
    )


def rounds(found: Sequence[Setting]) -> Plan:
    """The last round against the one before, then against M0, then each other against the one before."""
    numbered = {s.place.order[0]: s for s in found if s.place.series == f"M{s.place.order[0]}"}
    last, before = found[-1], {numbered[n]: numbered[n - 1] for n in numbered if n - 1 in numbered}
    stated = [(last, before[last])] if last in before else []
    stated += [(last, numbered[0])] if 0 in numbered and before.get(last) not in (None, numbered[0]) else []
    stated += [(ours, before[ours]) for ours in reversed(before) if ours is not last]
    unplanned = "" if last in before else absent("the last round against the one before")
    return Plan(found[0], before, stated, count=len(stated), unplanned=unplanned)


def absent(plan: str) -> str:
    return f"The planned comparison, {plan}, is not there."
