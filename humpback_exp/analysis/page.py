"""The report's parts -> one HTML page about the whole loop."""

from collections.abc import Sequence
from typing import Any

from humpback_exp.analysis import figures, findings, funnel, lineage, results, samples, scores, summary, table
from humpback_exp.analysis.collect import Inventory, collect, read_history
from humpback_exp.analysis.render import environment
from humpback_exp.analysis.results import SERIES, Result, display

PANELS = 12
"""Small multiples of a kind; a sweep's tables hold the rest."""
ROWS = 24
"""Models in a dot plot."""
ARCS = 60
"""Runs up to which the lineage is drawn, not only listed."""
EXTREMES = 3
"""Rows shown of either end of the scores."""


def build(output_root: str) -> str:
    """The page of everything finished below `output_root`; the same folders give the same text.

    Raises:
        ValueError: nothing is finished.
    """
    inventory = collect(output_root)
    model = _model(inventory)
    return environment().get_template("report.html.jinja").render(inventory=inventory, **model)


def _model(inventory: Inventory) -> dict[str, Any]:
    """Everything the template shows. Files are read here, so that what is damaged is known before the page is written."""
    evaluated = results.results(inventory)
    compared = results.contrasts(inventory, evaluated)
    to_first = results.beside(inventory, evaluated)
    ordered = lineage.nodes(inventory)
    steps = _steps(inventory, evaluated)
    return {
        "opening": summary.opening(inventory),
        "dates": summary.dates(inventory.runs),
        "headline": findings.headline(evaluated, compared, steps),
        "findings": findings.findings(evaluated, compared),
        "cautions": findings.cautions(evaluated, compared, steps),
        "evaluated": evaluated,
        "table_groups": table.GROUPS,
        "table_rows": [(result.name, table.cells(result, to_first.get(result.run.label))) for result in evaluated],
        "funnels": funnel.funnels(inventory),
        "dots": _dots(evaluated),
        "prompts": samples.prompts(inventory, evaluated),
        "dropped": samples.dropped(inventory, inventory.of("candidates")[:PANELS]),
        "nodes": ordered,
        "arcs": [(s.place, place) for place, node in enumerate(ordered) for s in node.sources if s.place is not None],
        "outside": lineage.outside(ordered),
        "settings": lineage.settings(inventory),
        "limits": {"panels": PANELS, "rows": ROWS, "arcs": ARCS},
    } | _read(inventory)


def _steps(inventory: Inventory, evaluated: Sequence[Result]) -> dict[str, int]:
    """Optimiser steps of the loop's models that were evaluated."""
    models = {run.manifest.fingerprint: run for run in inventory.of("models")}
    loop = [result for result in evaluated if SERIES.fullmatch(result.run.name)]
    trained = [(result.name, models.get(result.run.input_fingerprint("model_path") or "")) for result in loop]
    histories = [(name, inventory.try_read(run, lambda run: read_history(run.folder))) for name, run in trained if run]
    return {name: int(history[-1]["step"]) for name, history in histories if history}


def _read(inventory: Inventory) -> dict[str, Any]:
    """What stands in histories and scores, not in manifests."""
    models, rated = inventory.of("models")[:PANELS], inventory.of("scored")[:PANELS]
    histories = [
        (display(run.name), inventory.try_read(run, lambda run: read_history(run.folder)) or []) for run in models
    ]
    panels, x_ticks, y_ticks = figures.curves(histories)
    scored = scores.read_scores(inventory, rated)
    best, worst = scores.extremes(inventory, scored[-1], EXTREMES) if scored else ([], [])
    return {
        "curves": panels,
        "curve_ticks": (x_ticks, y_ticks),
        "histograms": figures.histograms(scored),
        "extremes": [("Best rated", best), ("Worst rated", worst)],
        "extremes_from": scored[-1].run.label if scored else "",
    }


def _dots(evaluated: Sequence[Result]) -> list[figures.Dots]:
    """Loss, win rate and preference of every model, each against its reference."""
    change = [(r.name, r.change) for r in evaluated if r.change is not None][:ROWS]
    win = [(r.name, r.win) for r in evaluated if r.win is not None][:ROWS]
    preference = [(r.name, r.preference) for r in evaluated if r.preference is not None][:ROWS]
    plots = [
        figures.dots("Win rate", "%", win, 0.5, scale=100, least=10) if win else None,
        figures.dots("Judge's preference", "%", preference, 0.5, scale=100, least=5) if preference else None,
        figures.dots("Change of held-out loss", "nats a token", change, 0.0, better=-1) if change else None,
    ]
    return [plot for plot in plots if plot is not None]
