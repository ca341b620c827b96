"""The CSV files beside a sweep's page."""

from collections.abc import Sequence

from humpback_exp.analysis.corrections import Result
from humpback_exp.analysis.evaluations import MEASURES
from humpback_exp.analysis.pages.table import Row, to_csv
from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.settings import Setting, number_of
from humpback_exp.evaluation.intervals import Interval


def of_settings(told: Sequence[Setting], result: Result, paper: Sequence[Published]) -> bytes:
    """A line a setting, then one for each of the paper's points."""
    ours = [_line(one, result, number_of(paper, one)) for one in told]
    theirs: list[Row] = [
        {"source": one.source, "series": one.series, "x": one.x, "win_rate": one.win_rate, "win_rate_error": one.error}
        for one in paper
    ]
    return to_csv([*ours, *theirs])


def _line(one: Setting, result: Result, same: Published | None) -> dict[str, object]:
    made = result.table.get(one)
    line: dict[str, object] = {"source": "ours", "series": one.place.series, "x": one.place.x, "seeds": len(one.runs)}
    for measure in MEASURES:
        changed = made.changes.get(measure.key) if made else None
        line |= _ends(measure.key, one.figures.get(measure.key))
        line |= _ends(f"{measure.key}_change", changed.interval if changed else None)
    line |= {"paper_win_rate": same.win_rate if same else None, "change_from": made.theirs.label if made else None}
    counts = [change.interval.comparisons for change in made.changes.values()] if made else []
    return line | {"comparisons": max(counts, default=result.count)}


def _ends(name: str, one: Interval | None) -> dict[str, object]:
    values = (None,) * 4 if one is None else (one.value, one.error, one.low, one.high)
    return dict(zip((name, f"{name}_error", f"{name}_low", f"{name}_high"), values, strict=True))


def of_runs(told: Sequence[Setting]) -> bytes:
    """A line a run."""
    return to_csv(
        [
            {"run": run.folder.label, "series": one.place.series, "x": one.place.x, "seed": run.seed}
            | {"examples": run.examples}
            | {measure.key: run.mean(measure) for measure in MEASURES}
            for one in told
            for run in one.runs
        ]
    )
