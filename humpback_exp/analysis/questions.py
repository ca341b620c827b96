"""A study's settings -> the contrasts its page speaks of: those fixed before any run, else others, called exploratory."""

from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.analysis.contrasts import Contrast, contrast
from humpback_exp.analysis.settings import LOSS, WIN, Setting
from humpback_exp.analysis.studies import Study
from humpback_exp.analysis.text import amount

Sides = tuple[Setting, Setting]
"""Ours and theirs."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a page says, and what its table shows."""

    said: list[Contrast]
    """The headline first; empty where nothing can be compared yet."""
    table: dict[Setting, Contrast]
    """The change of each setting from the one it is compared with."""
    base: Setting
    """The setting that is compared with none."""
    unplanned: str = ""
    """That what was planned is not there, so that what is said is exploratory; empty where it is."""

    @property
    def comparisons(self) -> int:
        """That the changes of the table are corrected for; the same for all."""
        return max((change.comparisons for one in self.table.values() for change in one.changes.values()), default=1)


def ask(study: Study, found: Sequence[Setting]) -> Question:
    """The study's contrasts over the settings there are."""
    if study.baseline is not None:
        return _against_all(study, study.baseline, found)
    if study.by_round:
        return _rounds(found)
    planned = _planned(study, found)
    sides = planned or _outermost(study, found)
    base = sides[1] if sides else found[0]
    table = {setting: contrast(setting, base) for setting in found if setting is not base}
    return Question([table[sides[0]]] if sides else [], table, base, "" if planned else _unplanned(study))


def _unplanned(study: Study) -> str:
    """That the planned comparison is not there."""
    if study.ends is None:
        return "No comparison of this sweep was fixed beforehand."
    first, last = study.ends
    return _absent(f"{last} from its smallest to its largest size" if study.along else f"{last} against {first}")


def _absent(plan: str) -> str:
    return f"The planned comparison, {plan}, is not there."


def _planned(study: Study, found: Sequence[Setting]) -> Sides | None:
    first, last = ([s for s in found if s.place.series == end] for end in study.ends or ("", ""))
    if study.along:
        return _along(last)
    if study.each_largest:
        return (last[-1], first[-1]) if first and last else None
    return _at_one_size(last, first)


def _outermost(study: Study, found: Sequence[Setting]) -> Sides | None:
    """The last series against the first, or the last that has two sizes along them."""
    series: dict[str, list[Setting]] = {}
    for setting in found:
        series.setdefault(setting.place.series, []).append(setting)
    lines = list(series.values())
    if study.along:
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
    found = sorted(
        point.model.rows("web") for point in setting.points if point.model is not None and point.short("web")
    )
    return list(dict.fromkeys(found))


def _rounds(found: Sequence[Setting]) -> Question:
    """The last round against the one before, then against M0, then each other against the one before."""
    rounds = {s.place.order[0]: s for s in found if s.place.series == f"M{s.place.order[0]}"}
    last, before = found[-1], {rounds[n]: rounds[n - 1] for n in rounds if n - 1 in rounds}
    across = [(last, rounds[0])] if 0 in rounds and before.get(last) not in (None, rounds[0]) else []
    count = len(before) + len(across)
    table = {ours: contrast(ours, theirs, count) for ours, theirs in before.items()}
    said = [table[last]] if last in table else []
    said += [contrast(*sides, count) for sides in across]
    said += [table[ours] for ours in reversed(table) if ours is not last]
    return Question(said, table, found[0], "" if last in table else _absent("the last round against the one before"))


def _against_all(study: Study, baseline: float | str, found: Sequence[Setting]) -> Question:
    """The best of all others against the baseline; against the x nearest to it from below where it has not run."""
    base, exact = _base(found, baseline)
    if base is None:
        return Question([], {}, found[0], _absent(f"each against {baseline}"))
    table = {setting: contrast(setting, base, len(found) - 1) for setting in found if setting is not base}
    measure = WIN if all(WIN.key in one.changes for one in table.values()) else LOSS
    known = [one for one in table.values() if measure.key in one.changes]
    best = max(known, key=lambda one: measure.better * one.changes[measure.key].value, default=None)
    name = baseline if isinstance(baseline, str) else f"{study.x} {amount(baseline)}"
    return Question([best] if best else [], table, base, "" if exact else _absent(f"each against {name}"))


def _base(found: Sequence[Setting], baseline: float | str) -> tuple[Setting | None, bool]:
    """The baseline, and whether it is the planned one."""
    if isinstance(baseline, str):
        return next((s for s in found if s.place.series == baseline), None), True
    base = next((s for s in reversed(found) if s.place.x is not None and s.place.x <= baseline), found[0])
    return base, base.place.x == baseline
