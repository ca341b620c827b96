"""The tables of a sweep: those of its page, and the CSV files beside it."""

from collections.abc import Sequence

from humpback_exp.analysis import scaling
from humpback_exp.analysis.ablation import Ablation
from humpback_exp.analysis.ablations import EXAMPLES, WEB
from humpback_exp.analysis.corrections import Result
from humpback_exp.analysis.format import amount, number, span
from humpback_exp.analysis.measures import LOSS, WIN, Measure
from humpback_exp.analysis.pages import result_tables
from humpback_exp.analysis.pages.table import Cell, Row, Table, table, to_csv
from humpback_exp.analysis.paper import Published, number_of
from humpback_exp.analysis.settings import Setting, measured
from humpback_exp.evaluation.intervals import Interval


def fits(ablation: Ablation, told: Sequence[Setting]) -> Table:
    """Our curves in ln N, and the paper's through the points of its figure."""
    ours = scaling.curves(told) if ablation.x in (WEB, EXAMPLES) else []
    theirs = scaling.published_curves() if ablation.name in ("data_size", "data_efficiency") else []
    rows = [_curve(f"ours: {series or ablation.x}, {by.full_name}", curve, by.form) for series, by, curve in ours]
    alpha = "the paper\u2019s \u03b1"
    return table(
        rows
        + [_curve(f"the paper: {name}", curve, ".2f") | {alpha: f"{printed:.2f}"} for name, printed, curve in theirs]
    )


def _curve(name: str, curve: scaling.Scaling, form: str) -> dict[str, object]:
    small = [span(ends, form) if ends else "" for ends in (curve.alpha_interval, curve.intercept_interval)]
    alpha, intercept = number(curve.alpha, f"+{form}"), number(curve.intercept, form)
    return {"": name, "points": curve.points, "\u03b1": Cell(alpha, small[0]), "C": Cell(intercept, small[1])}


def results(told: Sequence[Setting], result: Result, paper: Sequence[Published]) -> dict[str, Table]:
    """Held-out set -> a row a setting, beside the paper's number for it."""

    def beside(one: Setting) -> Row:
        return {"seeds": len(one.runs), "paper, %": _win_rate(number_of(paper, one))}

    return result_tables.results(told, result, beside)


def _win_rate(one: Published | None) -> Cell:
    return Cell() if one is None else Cell(f"{one.win_rate}", f"\u00b1 {one.error}" if one.error else "")


def published_points(x: str, paper: Sequence[Published]) -> Table:
    head = x or "x"
    points = [{"": one.series, head: amount(one.x) if one.x else None, WIN.label: _win_rate(one)} for one in paper]
    return table([point | {"source": one.source} for point, one in zip(points, paper, strict=True)])


def columns(told: Sequence[Setting]) -> list[Measure]:
    """What the files have columns for: the win rate and the loss always, so that files of several sweeps can be joined."""
    return list(dict.fromkeys([WIN, LOSS, *measured(told)]))


def runs(told: Sequence[Setting]) -> list[Row]:
    """A row a run, with its figures to the last digit."""
    return [
        {
            "run": run.folder.label,
            "series": one.place.series,
            "x": one.place.x,
            "seed": run.seed,
            "examples": run.examples,
        }
        | {measure.key: run.mean(measure) for measure in columns(told)}
        for one in told
        for run in one.runs
    ]


def numbers_csv(told: Sequence[Setting], result: Result, paper: Sequence[Published]) -> bytes:
    """A line a setting, then one for each of the paper's points."""
    ours = [_line(one, result, number_of(paper, one), columns(told)) for one in told]
    theirs: list[Row] = [
        {"source": one.source, "series": one.series, "x": one.x, "win_rate": one.win_rate, "win_rate_error": one.error}
        for one in paper
    ]
    return to_csv([*ours, *theirs])


def _line(one: Setting, result: Result, same: Published | None, measures: Sequence[Measure]) -> dict[str, object]:
    made = result.table.get(one)
    line: dict[str, object] = {"source": "ours", "series": one.place.series, "x": one.place.x, "seeds": len(one.runs)}
    for measure in measures:
        changed = made.changes.get(measure.key) if made else None
        line |= _ends(measure.key, one.figures.get(measure.key))
        line |= _ends(f"{measure.key}_change", changed.interval if changed else None)
    line |= {"paper_win_rate": same.win_rate if same else None, "change_from": made.theirs.label if made else None}
    counts = [change.interval.comparisons for change in made.changes.values()] if made else []
    return line | {"comparisons": max(counts, default=result.count)}


def _ends(name: str, one: Interval | None) -> dict[str, object]:
    values = (None,) * 4 if one is None else (one.value, one.error, one.low, one.high)
    return dict(zip((name, f"{name}_error", f"{name}_low", f"{name}_high"), values, strict=True))
