"""What was measured and compared, as rows of the tables of every page.

A further measure of all pages is an entry of `measures.MEASURES`, with the rows that `Evaluation.rows` reads for it;
a further column is a key of the row it belongs to.
"""

from collections.abc import Callable, Mapping, Sequence

from humpback_exp.analysis.comparisons import FEWEST, Change, Comparison
from humpback_exp.analysis.corrections import Result
from humpback_exp.analysis.measures import PREFERENCE, Measure
from humpback_exp.analysis.pages.table import Cell, Row, Table, figure, table
from humpback_exp.analysis.sentences.findings import significance
from humpback_exp.analysis.settings import Setting, measured
from humpback_exp.artifacts.catalog import Folder
from humpback_exp.evaluation.intervals import Interval

VERDICTS = {1: "better", 0: "within noise", -1: "worse"}


def results(
    told: Sequence[Setting], result: Result | None, beside: Callable[[Setting], Row] = lambda _: {}
) -> dict[str, Table]:
    """Held-out set -> a row for each setting that was measured on it: its figures, and their changes from what it is
    compared with.

    Args:
        beside: further columns of the table of `heldout`.
    """
    tables = {}
    for held in dict.fromkeys(measure.held for measure in measured(told)):
        shown = [measure for measure in measured(told) if measure.held == held]
        there = [one for one in told if any(one.measured(measure) for measure in shown)]
        head = f"on {held}" if held else ""
        rows = [{head: one.label, **({} if held else beside(one)), **_figures(one, result, shown)} for one in there]
        tables[held or "heldout"] = table(rows)
    return tables


def _figures(one: Setting, result: Result | None, measures: Sequence[Measure]) -> dict[str, object]:
    changes = result.table[one].changes if result and one in result.table else {}
    row: dict[str, object] = {}
    for measure in measures:
        made = changes.get(measure.key)
        row[measure.label] = _level(one, measure, made)
        row[measure.label_of_change] = _change(None if made and made.even else made)
        if result and one is result.plan.base and any(_is_change(other, measure) for other in result.table.values()):
            row[measure.label_of_change] = Cell("baseline")
    return row


def _is_change(made: Comparison, measure: Measure) -> bool:
    """Whether it has a change by this measure that is not told by the level already."""
    return measure.key in made.changes and not made.changes[measure.key].even


def _level(one: Setting, measure: Measure, change: Change | None) -> Cell:
    """A setting's own figure; the win rate against what it is compared with, with the verdict of that comparison."""
    if change is None or not change.even:
        return figure(one.figures.get(measure.key), measure.form)
    return figure(change.level, measure.form, change.side)


def _change(one: Change | None) -> Cell:
    return Cell() if one is None else figure(one.interval, one.form, one.side)


def of_comparisons(made: Sequence[Comparison]) -> Table:
    """A row for each comparison and measure: the change, and whether it is beyond noise."""
    return table([_of_change(one, change) for one in made for change in one.changes.values()])


def _of_change(made: Comparison, change: Change) -> Row:
    return {
        "": f"{made.ours.label} against {made.theirs.label}",
        "by": f"{change.measure.full_name}, {change.measure.unit}",
        "change": _change(change),
        "verdict": _verdict(change),
    }


def _verdict(one: Change) -> Cell:
    if one.interval.rows < FEWEST:
        return Cell("too few pairs")
    return Cell(VERDICTS[one.side], significance(one.interval) if one.interval.error > 0 else "", one.side)


def of_models(told: Sequence[Setting], gates: Mapping[str | None, Folder]) -> Table:
    """A row a model that was judged or rates: how the judge saw it, and how well it rates.

    Args:
        gates: fingerprint of a model -> how it told good pairs from corrupted ones.
    """
    rows = {one.label: _of_model(one, gates) for one in told}
    return table([{"": name} | row for name, row in rows.items() if any(value != Cell() for value in row.values())])


def _of_model(one: Setting, gates: Mapping[str | None, Folder]) -> dict[str, object]:
    evaluation = one.runs[0].folder
    gate = gates.get(evaluation.fingerprint_of("model_path"))
    return {
        "won / tied / lost": _tally(evaluation),
        "judge\N{RIGHT SINGLE QUOTATION MARK}s preference, %": figure(one.figures.get(PREFERENCE.key), PREFERENCE.form),
        "first answer preferred": _share(evaluation, "position_share"),
        "scorer": Cell(str(gate.manifest.config.get("scorer"))) if gate else Cell(),
        "ratings readable": _share(gate, "readable"),
        "AUC against shuffled": figure(_area(gate, "auc_shuffled"), ".2f"),
        "AUC against truncated": figure(_area(gate, "auc_truncated"), ".2f"),
    }


def _tally(evaluation: Folder) -> Cell:
    counts = [evaluation.metric(key) for key in ("wins", "ties", "losses")]
    return Cell() if None in counts else Cell(" / ".join(f"{count:.0f}" for count in counts))


def _share(folder: Folder | None, key: str) -> Cell:
    value = folder.metric(key) if folder else None
    return Cell() if value is None else Cell(f"{value:.0%}")


def _area(gate: Folder | None, key: str) -> Interval | None:
    """Area under the curve of good pairs against those corrupted in one way, with its interval over pairs."""
    area, error = (gate.metric(name) if gate else None for name in (key, f"{key}_error"))
    pairs = gate.rows("pairs") if gate else 0
    if area is None:
        return None
    return Interval(area, float("nan") if error is None else error, max(pairs - 1, 1), pairs, (1,), (0.0, 1.0))
