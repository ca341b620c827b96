"""The plan of an ablation: which of its settings are compared, fixed by the ablation and by what has been measured.

Where an ablation's planned ends are missing, another comparison stands in its place and is called exploratory.
"""

from collections.abc import Sequence

from humpback_exp.analysis.ablation import Ablation
from humpback_exp.analysis.format import amount
from humpback_exp.analysis.planned_comparisons import Plan, Sides, absent, rounds
from humpback_exp.analysis.settings import Setting


def plan_of_ablation(ablation: Ablation, found: Sequence[Setting]) -> Plan:
    """The ablation's comparisons over the settings there are."""
    if ablation.baseline is not None:
        return _against_all(ablation, ablation.baseline, found)
    if ablation.by_round:
        return rounds(found)
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
    return absent(f"{last} from its smallest to its largest size" if ablation.along else f"{last} against {first}")


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


def _against_all(ablation: Ablation, baseline: float | str, found: Sequence[Setting]) -> Plan:
    """The best of all others against the baseline; where it has not run, against the x nearest to it from below, or the first."""
    base, exact = _base(found, baseline)
    against = {setting: base for setting in found if setting is not base}
    name = baseline if isinstance(baseline, str) else f"{ablation.x} {amount(baseline)}"
    unplanned = "" if exact else absent(f"each against {name}")
    return Plan(base, against, best=True, count=len(against), unplanned=unplanned)


def _base(found: Sequence[Setting], baseline: float | str) -> tuple[Setting, bool]:
    """The baseline, and whether it is the planned one."""
    if isinstance(baseline, str):
        base = next((s for s in found if s.place.series == baseline), found[0])
        return base, base.place.series == baseline
    base = next((s for s in reversed(found) if s.place.x is not None and s.place.x <= baseline), found[0])
    return base, base.place.x == baseline
