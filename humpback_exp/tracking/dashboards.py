"""A W&B workspace and a W&B report of a sweep, as code: the panels that answer its question."""

import json
import re
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from humpback_exp.tracking.lineage import Upstream
from humpback_exp.tracking.sweeps import Sweep, address

SIZE = wr.Config("lineage.models.rows.examples")
"""N of the scaling law: the number of pairs that the evaluated model was trained on."""
LEVELS = range(1, 6)
"""Levels of the five-point rating."""


def sections(sweep: Sweep) -> dict[str, list[Any]]:
    """Title -> panels: the outcome over the varied settings and the data size, training curves, funnel and scores, settings."""
    outcomes = [wr.SummaryMetric("heldout_loss"), wr.SummaryMetric("win_rate")]
    axes = [(wr.Config(address(key)), key) for key in sweep.keys]
    axes += [(SIZE, "examples"), *((outcome, outcome.name) for outcome in outcomes)]
    columns = [wr.ParallelCoordinatesPlotColumn(metric=metric, display_name=name) for metric, name in axes]
    levels = [f"histogram/{level}" for level in LEVELS]
    return {
        "Results": [
            wr.ParallelCoordinatesPlot(title=", ".join(sweep.keys), columns=columns, layout=wr.Layout(w=24, h=10)),
            wr.ScatterPlot(title="win rate against log N", x=SIZE, y=outcomes[1], log_x=True, regression=True),
            wr.ScatterPlot(title="held-out loss against log N", x=SIZE, y=outcomes[0], log_x=True),
        ],
        "Training": [wr.LinePlot(title=name, x="step", y=[name]) for name in ("loss", "lr", "tokens_per_second")],
        "Data": [
            wr.BarPlot(title="funnel: rows in and out", metrics=["rows/in", "rows/out"], groupby=wr.Metric("JobType")),
            wr.BarPlot(title="scores", metrics=levels, orientation="v"),
        ],
        "Compare": [wr.RunComparer(diff_only="split", layout=wr.Layout(w=24, h=12))],
    }


def in_group(sweep: Sweep) -> str:
    """Filter for the runs in the sweep's group."""
    return f"Metric('Group') = {quoted(sweep.group)}"


def quoted(text: str) -> str:
    """A string in a filter; the parser rewrites `=`, `<` and `>` even between quotes, so they are escaped."""
    return re.sub("[=<>]", lambda one: f"\\x{ord(one[0]):02x}", repr(text))


def with_ids(runs: list[str]) -> str:
    """Filter for runs by their ids; names do not do, since every loop has a `scored/m0`."""
    return f"Metric('ID') in {runs}"


def workspace(sweep: Sweep, upstream: Upstream, entity: str, project: str) -> ws.Workspace:
    """All panels of a sweep in sections, with its points and the runs they were made from in one list of runs."""
    shared = [*upstream.data, *upstream.models]
    runs = f"{in_group(sweep)} or {with_ids(shared)}" if shared else in_group(sweep)
    return ws.Workspace(
        entity=entity,
        project=project,
        name=sweep.name,
        sections=[ws.Section(name=name, panels=panels, is_open=True) for name, panels in sections(sweep).items()],
        runset_settings=ws.RunsetSettings(filters=runs),
    )


def report(sweep: Sweep, upstream: Upstream, entity: str, project: str) -> wr.Report:
    """The same panels under headings, each grid with only the runs it is about. Without runs of data there is no such grid."""
    evaluated = f"{in_group(sweep)} and Metric('JobType') = 'evaluate'"
    trained = f"{in_group(sweep)} and Metric('JobType') = 'train'"
    if upstream.models:
        trained += f" or {with_ids(upstream.models)}"
    about = {"Results": evaluated, "Training": trained, "Data": with_ids(upstream.data), "Compare": evaluated}
    blocks = []
    for title, panels in sections(sweep).items():
        if title != "Data" or upstream.data:
            runs = wr.Runset(name=title, entity=entity, project=project, filters=about[title])
            blocks += [wr.H2(text=title), wr.PanelGrid(runsets=[runs], panels=panels)]
    return wr.Report(entity=entity, project=project, title=sweep.name, description=sweep.question, blocks=blocks)


def specs(sweep: Sweep, upstream: Upstream, project: str) -> dict[str, Any]:
    """Workspace and report as the JSON that W&B would be sent, without the server's own ids of entity and project."""
    made = {"workspace": workspace(sweep, upstream, "", project), "report": report(sweep, upstream, "", project)}
    return {
        name: json.loads(one._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))
        for name, one in made.items()
    }


def save(sweep: Sweep, upstream: Upstream, entity: str, project: str) -> list[str]:
    """Save workspace and report in W&B and return their addresses."""
    return [make(sweep, upstream, entity, project).save().url for make in (workspace, report)]
