"""Which settings are compared with which: fixed by the ablation and by what has been measured, never by a figure.

Where an ablation's planned ends are missing, another comparison stands in its place and is called exploratory. Where a plan makes
several comparisons at once, each is corrected for as many (Bonferroni), and so on every page that shows it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from humpback_exp.analysis.ablations import Ablation
from humpback_exp.analysis.evaluations import Evaluation
from humpback_exp.analysis.format import amount
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
    rounds = {name: side for name, side in sides.items() if ROUND.fullmatch(name)}
    variants = [
        (ours, theirs) for name, theirs in rounds.items() for n, ours in sides.items() if n.startswith(f"{name}-")
    ]
    there = {side.runs[0].folder.fingerprint: side for side in found}
    opponents = [(side, side.runs[0].opponent) for side in found]
    references = [
        (side, there[one.folder.fingerprint]) for side, one in opponents if one and one.folder.fingerprint in there
    ]
    plans = {"rounds": _rounds(list(rounds.values()))} if rounds else {}
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


def plan_of_ablation(ablation: Ablation, found: Sequence[Setting]) -> Plan:
    """The ablation's comparisons over the settings there are."""
    if ablation.baseline is not None:
        return _against_all(ablation, ablation.baseline, found)
    if ablation.by_round:
        return _rounds(found)
    planned = _planned(ablation, found)
    sides = planned or _outermost(ablation, found)
    base = sides[1] if sides else found[0]
    against = {setting: base for setting in found if setting is not base}
    return Plan(base, against, [sides] if sides else [], unplanned="" if planned else _unplanned(ablation))


def _unplanned(ablation: Ablation) -> str:
    """That the planned comparison is not there."""
    if ablation.ends is None:
        return "No comparison of this sweep was fixed beforehand."
    first, last = ablation.ends
    return _absent(f"{last} from its smallest to its largest size" if ablation.along else f"{last} against {first}")


def _absent(plan: str) -> str:
    return f"The planned comparison, {plan}, is not there."


def _planned(ablation: Ablation, found: Sequence[Setting]) -> Sides | None:
    first, last = ([s for s in found if s.place.series == end] for end in ablation.ends or ("", ""))
    if ablation.along:
        return _along(last)
    if ablation.each_largest:
        return (last[-1], first[-1]) if first and last else None
    return _at_one_size(last, first)


def _outermost(ablation: Ablation, found: Sequence[Setting]) -> Sides | None:
    """The last series against the first, or the last that has two sizes along them."""
    series: dict[str, list[Setting]] = {}
    for setting in found:
        series.setdefault(setting.place.series, []).append(setting)
    lines = list(series.values())
    if ablation.along:
        return next((sides for line in reversed(lines) if (sides := _along(line))), None)
    return _at_one_size(lines[-1], lines[0]) if len(lines) > 1 else None


def _along(line: Sequence[Setting]) -> Sides | None:
    return (line[-1], line[0]) if len(line) > 1 else None


def _at_one_size(last: Sequence[Setting], first: Sequence[Setting]) -> Sides | None:
    """The largest size of both; never two different ones, nor one that only one side had pairs enough for."""
    pairs = [(ours, theirs) for ours in last for theirs in first if ours.place.x == theirs.place.x]
    equal = [(ours, theirs) for ours, theirs in pairs if _web_pairs(ours) == _web_pairs(theirs)]
    return equal[-1] if equal else None


def _web_pairs(setting: Setting) -> list[int]:
    """What its models were trained on where there were fewer than asked for; else nothing, as the size says it."""
    return sorted({run.model.rows("web") for run in setting.runs if run.model is not None and run.short("web")})


def _rounds(found: Sequence[Setting]) -> Plan:
    """The last round against the one before, then against M0, then each other against the one before."""
    rounds = {s.place.order[0]: s for s in found if s.place.series == f"M{s.place.order[0]}"}
    last, before = found[-1], {rounds[n]: rounds[n - 1] for n in rounds if n - 1 in rounds}
    stated = [(last, before[last])] if last in before else []
    stated += [(last, rounds[0])] if 0 in rounds and before.get(last) not in (None, rounds[0]) else []
    stated += [(ours, before[ours]) for ours in reversed(before) if ours is not last]
    unplanned = "" if last in before else _absent("the last round against the one before")
    return Plan(found[0], before, stated, count=len(stated), unplanned=unplanned)


def _against_all(ablation: Ablation, baseline: float | str, found: Sequence[Setting]) -> Plan:
    """The best of all others against the baseline; against the x nearest to it from below where it has not run."""
    base, exact = _base(found, baseline)
    if base is None:
        return Plan(found[0], {}, unplanned=_absent(f"each against {baseline}"))
    against = {setting: base for setting in found if setting is not base}
    name = baseline if isinstance(baseline, str) else f"{ablation.x} {amount(baseline)}"
    unplanned = "" if exact else _absent(f"each against {name}")
    return Plan(base, against, best=True, count=len(against), unplanned=unplanned)


def _base(found: Sequence[Setting], baseline: float | str) -> tuple[Setting | None, bool]:
    """The baseline, and whether it is the planned one."""
    if isinstance(baseline, str):
        return next((s for s in found if s.place.series == baseline), None), True
    base = next((s for s in reversed(found) if s.place.x is not None and s.place.x <= baseline), found[0])
    return base, base.place.x == baseline
