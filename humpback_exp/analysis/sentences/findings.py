"""Comparisons -> plain sentences: what was found, whether it is beyond noise, and by which test."""

from collections.abc import Mapping, Sequence

from humpback_exp.analysis.comparisons import FEWEST, Change, Comparison
from humpback_exp.analysis.corrections import Result
from humpback_exp.analysis.format import amount, number, span
from humpback_exp.analysis.measures import LOSS, WIN
from humpback_exp.analysis.planned_comparisons import ROUND
from humpback_exp.evaluation.intervals import Interval


def of_loop(results: Mapping[str, Result]) -> list[str]:
    """The loop's largest effect beyond noise by loss and by win rate, then what the last round of self-curation brought.

    Args:
        results: of the loop's plans, by name.
    """
    made = [(one, change) for result in results.values() for one in result.stated for change in one.changes.values()]
    if not made:
        return ["Nothing has been evaluated yet that could be compared."]
    rounds = [(one, change) for one, change in made if ROUND.fullmatch(one.ours.runs[0].folder.name)] or made
    beyond = sorted((one for one in rounds if one[1].side), key=lambda one: -one[1].effect)
    largest = [[one for one in beyond if one[1].measure is measure][:1] for measure in (LOSS, WIN)]
    last = sorted(rounds, key=lambda one: (one[0] is not rounds[0][0], one[1].measure is not LOSS))[:1]
    return list(dict.fromkeys(sentence(*one) for some in (*largest, last) for one in some))


def of_sweep(result: Result) -> list[str]:
    """What a sweep's page says, the headline first; what was not planned is called exploratory."""
    unplanned = result.plan.unplanned
    found = [text for one in result.stated for text in stated(one)]
    if not found:
        return [
            f"{unplanned or 'The two sides of the planned comparison cannot be compared.'} There is no finding yet."
        ]
    if not unplanned:
        return found
    found = [f"Exploratory: {text[:1].lower()}{text[1:]}" for text in found]
    return [f"{unplanned} {found[0]}", *found[1:]]


def stated(comparison: Comparison) -> list[str]:
    """What was found by each measure on `heldout`; what was found on further sets stands in the tables."""
    return [sentence(comparison, change) for change in changes(comparison)]


def changes(comparison: Comparison) -> list[Change]:
    """Those on `heldout`, in the order of `MEASURES`; what rests on too few pairs last."""
    there = [change for change in comparison.changes.values() if not change.measure.held]
    return sorted(there, key=lambda change: change.interval.rows < FEWEST)


def sentence(comparison: Comparison, change: Change) -> str:
    """`By held-out loss, M1 is better than M0: ...`."""
    ours, theirs, at = _names(comparison)
    by, interval = f"By {change.measure.name}", change.interval
    claim = f"{ours} is {'better' if change.side > 0 else 'worse'} than {theirs}{at}"
    if not change.side:
        claim = f"{ours} and {theirs} cannot be told apart{at}"
    if interval.value == interval.error == 0:
        return f"{by}, {claim}: each of {interval.rows} held-out pairs has the same figure under both."
    return f"{by}, {claim}: {figures(change)}, {verdict(change)}."


def verdict(change: Change) -> str:
    """What the interval covers: with one seed, not the luck of training."""
    if not change.side:
        return "within noise"
    seeds = change.interval.seeds
    if min(seeds) > 1:
        return "beyond noise"
    return f"beyond the noise of the held-out pairs alone (one seed{'' if max(seeds) == 1 else ' on a side'})"


def _names(comparison: Comparison) -> tuple[str, str, str]:
    """Both sides, and what they have in common, said once."""
    ours, theirs = comparison.ours.place, comparison.theirs.place
    if ours.series and ours.x is not None and theirs.x is not None:
        if ours.x == theirs.x:
            return ours.series, theirs.series, f" at {amount(ours.x)} {comparison.ours.unit}"
        if ours.series == theirs.series:
            return comparison.ours.label, f"at {amount(theirs.x)}", ""
    return comparison.ours.label, comparison.theirs.label, ""


def figures(change: Change) -> str:
    """A change with its unit and interval, of which two digits are shown at least."""
    measure, interval = change.measure, change.interval
    told = f"{number(interval.value, change.form)} {measure.unit}{' from an even 50 %' if change.even else ''}"
    if not interval.error > 0:
        return f"{told}, without an interval"
    return f"{told} (95 % interval {span(interval.ends, change.form)})"


def tests(comparisons: Sequence[Comparison]) -> list[str]:
    """How each of `stated` was tested; of several comparisons, which it is."""
    found = []
    for comparison in comparisons:
        ours, theirs, at = _names(comparison)
        which = f"{ours} against {theirs}{at}, " if len(comparisons) > 1 else ""
        for change in changes(comparison):
            name = change.measure.name if which else change.measure.name.capitalize()
            found.append(f"{which}{name}: {_test(change)}.")
    return found


def _test(change: Change) -> str:
    interval = change.interval
    how = "paired t test over" if change.paired else "pooled t test, as the held-out pairs differ, over"
    ours, theirs = interval.seeds
    seeds = ", one seed each" if ours == theirs == 1 else f", {ours} and {theirs} seeds"
    if change.by_seed and ours > 1:
        seeds = f" and {ours} seeds"
    few = f" (fewer than {FEWEST} pairs carry no claim)" if interval.rows < FEWEST else ""
    level = f", {significance(interval)}" if interval.error > 0 else ""
    return f"{how} {interval.rows} held-out pairs{seeds}{corrected(interval.comparisons)}{few}{level}"


def corrected(comparisons: int) -> str:
    return f", corrected for {comparisons} comparisons (Bonferroni)" if comparisons > 1 else ""


def significance(interval: Interval) -> str:
    return "p < 0.001" if interval.p < 0.001 else f"p = {interval.p:.3f}"
