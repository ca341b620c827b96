"""A sweep's figures as rows: of the page's table, and of the CSV files beside it."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.points import Point
from humpback_exp.analysis.questions import Question
from humpback_exp.analysis.settings import MEASURES, Setting, number_of
from humpback_exp.evaluation.intervals import Interval


def rows(told: Sequence[Setting], question: Question, paper: Sequence[Published]) -> list[dict[str, Any]]:
    """A row a setting: its figures, their change from what it is compared with, the paper's number for it."""
    return [
        {
            "setting": setting,
            "change": question.table[setting].changes if setting in question.table else {},
            "from": question.table[setting].theirs.label if setting in question.table else None,
            "base": setting is question.base,
            "paper": number_of(paper, setting),
        }
        for setting in told
    ]


def means(point: Point) -> dict[str, float]:
    """A run's own figures; without those that were not measured."""
    return {measure.key: value for measure in MEASURES if (value := measure.mean(point)) is not None}


def of_settings(told: Sequence[Setting], question: Question, paper: Sequence[Published]) -> bytes:
    """A line a setting, then one for each of the paper's points."""
    ours = [_line(row) | {"comparisons": question.comparisons} for row in rows(told, question, paper)]
    theirs: list[dict[str, object]] = [
        {"source": one.source, "series": one.series, "x": one.x, "win_rate": one.win_rate, "win_rate_error": one.error}
        for one in paper
    ]
    return _csv([*ours, *theirs])


def _line(row: dict[str, Any]) -> dict[str, object]:
    setting, same = row["setting"], row["paper"]
    place = setting.place
    line: dict[str, object] = {"source": "ours", "series": place.series, "x": place.x, "seeds": len(setting.points)}
    for measure in MEASURES:
        line |= _columns(measure.key, setting.figures.get(measure.key))
        line |= _columns(f"{measure.key}_change", row["change"].get(measure.key))
    return line | {"paper_win_rate": same.win_rate if same else None, "change_from": row["from"]}


def _columns(name: str, figure: Interval | None) -> dict[str, object]:
    if figure is None:
        return {name: None, f"{name}_error": None, f"{name}_low": None, f"{name}_high": None}
    return {name: figure.value, f"{name}_error": figure.error, f"{name}_low": figure.low, f"{name}_high": figure.high}


def of_runs(told: Sequence[Setting]) -> bytes:
    """A line a run."""
    return _csv([_run(setting, point) for setting in told for point in setting.points])


def _run(setting: Setting, point: Point) -> dict[str, object]:
    place, figures = setting.place, means(point)
    line: dict[str, object] = {"run": point.evaluation.label, "series": place.series, "x": place.x}
    line |= {"seed": point.seed, "examples": point.examples}
    return line | {measure.key: figures.get(measure.key) for measure in MEASURES}


def _csv(lines: Sequence[dict[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()
