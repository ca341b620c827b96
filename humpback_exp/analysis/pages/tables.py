"""Tables of the pages, of the terminal, and of the CSV files beside a page: columns of cells, all text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from humpback_exp.analysis.comparisons import FEWEST, Change, Comparison
from humpback_exp.analysis.evaluations import MEASURES, PREFERENCE, Evaluation, Measure
from humpback_exp.analysis.findings import significance
from humpback_exp.analysis.folders import input_fingerprint
from humpback_exp.analysis.format import DASH, number, span
from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.plots import axis_label
from humpback_exp.analysis.results import Result
from humpback_exp.analysis.settings import Setting, number_of
from humpback_exp.artifacts.catalog import Folder
from humpback_exp.evaluation.intervals import Interval

VERDICTS = {1: "better", 0: "within noise", -1: "worse"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure or a text."""

    text: str = DASH
    small: str = ""
    """Its interval, in small print."""
    side: int = 0
    """Whether it is a change for the better or the worse beyond noise."""


Columns = dict[str, list[Cell]]
"""Head -> a cell for each row; the first column names the rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells."""

    head: list[str]
    rows: list[list[Cell]]


def table(columns: Columns) -> Table:
    """The columns in which anything stands."""
    kept = {head: cells for head, cells in columns.items() if any(cell.text != DASH for cell in cells)}
    return Table(list(kept), [list(row) for row in zip(*kept.values(), strict=True)])


def texts(values: Sequence[object]) -> list[Cell]:
    """A column of texts and whole numbers; a dash for None."""
    return [Cell() if v is None else Cell(f"{v:,}" if isinstance(v, int) else str(v)) for v in values]


def figure(one: Interval | None, form: str, side: int = 0) -> Cell:
    """A figure with its 95 % interval."""
    return Cell() if one is None else Cell(number(one.value, form), span(one.ends, form) if one.error > 0 else "", side)


def change(one: Change | None) -> Cell:
    return Cell() if one is None else figure(one.interval, one.form, one.side)


def of_settings(
    told: Sequence[Setting], result: Result | None, more: Columns, paper: Sequence[Published] = ()
) -> Table:
    """A row a setting: its figures and their change from what it is compared with, the paper's number for it."""
    made = {one: result.table[one].changes if result and one in result.table else {} for one in told}
    columns: Columns = {"": texts([one.label for one in told])} | more
    for measure in MEASURES:
        changes = [made[one].get(measure.key) for one in told]
        columns[axis_label(measure)] = [_level(one, measure, by) for one, by in zip(told, changes, strict=True)]
        cells = [Cell() if one and one.even else change(one) for one in changes]
        if any(cell.text != DASH for cell in cells) and result and result.plan.base in told:
            cells[told.index(result.plan.base)] = Cell("baseline")
        columns[f"change of {measure.name}, {measure.unit}"] = cells
    return table(columns | {"paper, %": [_paper(number_of(paper, one)) for one in told]})


def _level(one: Setting, measure: Measure, change: Change | None) -> Cell:
    """A setting's own figure; the win rate against what it is compared with, with the verdict of that comparison."""
    if change is None or not change.even:
        return figure(one.figures.get(measure.key), measure.form)
    return figure(change.level, measure.form, change.side)


def _paper(one: Published | None) -> Cell:
    return Cell() if one is None else Cell(f"{one.win_rate}", f"± {one.error}" if one.error else "")


def of_comparisons(made: Sequence[Comparison]) -> Table:
    """A row a comparison: by how much each measure changes, and whether that is beyond noise."""
    columns: Columns = {"": texts([f"{one.ours.label} against {one.theirs.label}" for one in made])}
    for measure in reversed(MEASURES):
        changes = [one.changes.get(measure.key) for one in made]
        columns[f"change of {measure.name}, {measure.unit}"] = [change(one) for one in changes]
        columns[f"by {measure.name}"] = [_verdict(one) for one in changes]
    return table(columns)


def _verdict(one: Change | None) -> Cell:
    if one is None:
        return Cell()
    if one.interval.rows < FEWEST:
        return Cell("too few pairs")
    return Cell(VERDICTS[one.side], significance(one.interval) if one.interval.error > 0 else "", one.side)


def of_models(told: Sequence[Setting], gates: Mapping[str | None, Folder]) -> Table:
    """A row a model that was judged or rates: how the judge saw it, and how well it rates.

    Args:
        gates: fingerprint of a model -> how it told good pairs from corrupted ones.
    """
    runs = [one.runs[0] for one in told]
    rated = [gates.get(input_fingerprint(run.folder, "model_path")) for run in runs]
    columns: Columns = {"": texts([one.label for one in told])}
    columns["won / tied / lost"] = [_tally(run) for run in runs]
    columns["judge\N{RIGHT SINGLE QUOTATION MARK}s preference, %"] = [
        figure(one.figures.get(PREFERENCE.key), PREFERENCE.form) for one in told
    ]
    columns["first answer preferred"] = [_share(run.folder, "position_share") for run in runs]
    columns["scorer"] = texts([gate.manifest.config.get("scorer") if gate else None for gate in rated])
    columns["ratings readable"] = [_share(gate, "readable") for gate in rated]
    for kind in ("shuffled", "truncated"):
        columns[f"AUC against {kind}"] = [figure(_area(gate, f"auc_{kind}"), ".2f") for gate in rated]
    found = table(columns)
    return Table(found.head, [row for row in found.rows if any(cell.text != DASH for cell in row[1:])])


def _tally(run: Evaluation) -> Cell:
    counts = [run.folder.metric(key) for key in ("wins", "ties", "losses")]
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
