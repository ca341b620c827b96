"""The comparisons of a plan, made: each pair with one correction, and so with one interval and one verdict, on every page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from humpback_exp.analysis.ablation_plans import plan_of_ablation
from humpback_exp.analysis.ablations import ablation_of
from humpback_exp.analysis.comparisons import Comparison, compare
from humpback_exp.analysis.evaluations import Evaluation, by_group
from humpback_exp.analysis.measures import LOSS, WIN
from humpback_exp.analysis.planned_comparisons import Pair, Plan, alone, pair, plans_of_loop
from humpback_exp.analysis.settings import Setting, settings


@dataclass(frozen=True, slots=True)
class Result:
    """The comparisons of a plan, made."""

    plan: Plan
    stated: list[Comparison]
    """The headline first; empty where nothing can be compared yet."""
    table: dict[Setting, Comparison]
    """The change of each setting from the one it is compared with."""

    @property
    def count(self) -> int:
        """That the changes of the table are corrected for."""
        changes = (change for one in self.table.values() for change in one.changes.values())
        return max((change.interval.comparisons for change in changes), default=1)


def make(plan: Plan, corrections: Mapping[Pair, int]) -> Result:
    """Compare, each pair corrected for as many as `corrections` says, so that it has one verdict on every page.

    Args:
        corrections: of the plans below the output root; a pair none of them makes is corrected for `plan.count`.
    """

    def made(ours: Setting, theirs: Setting) -> Comparison:
        return compare(ours, theirs, corrections.get(pair(ours, theirs), plan.count))

    table = {ours: made(ours, theirs) for ours, theirs in plan.against.items()}
    if plan.best:
        return Result(plan, _best(list(table.values())), table)
    return Result(plan, [table[o] if plan.against.get(o) is t else made(o, t) for o, t in plan.stated], table)


def _best(made: Sequence[Comparison]) -> list[Comparison]:
    """By the win rate where all have one, else by the loss."""
    measure = WIN if all(WIN.key in one.changes for one in made) else LOSS
    known = [one for one in made if measure.key in one.changes]
    return sorted(known, key=lambda one: -measure.better * one.changes[measure.key].interval.value)[:1]


def corrections(found: Sequence[Evaluation]) -> dict[Pair, int]:
    """Pair -> the most comparisons that one plan below the output root makes at once, the pair among them."""
    loops: dict[str, list[Evaluation]] = {}
    for run in found:
        loops.setdefault(run.folder.label.partition("evals/")[0], []).append(run)
    plans = [plan for runs in loops.values() for plan in plans_of_loop([*map(alone, runs)]).values()]
    for group, members in by_group(found).items():
        ablation = ablation_of(group)
        told = settings(ablation, members)
        plans += [plan_of_ablation(ablation, told)] if told else []
    counts: dict[Pair, int] = {}
    for plan in plans:
        counts |= {one: max(plan.count, counts.get(one, 1)) for one in plan.pairs}
    return counts
