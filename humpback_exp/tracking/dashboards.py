"""A W&B workspace and a W&B report of a sweep, as code: the panels that answer its question."""

import json
import re
from pathlib import Path
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from humpback_exp.tracking.folders import Upstream
from humpback_exp.tracking.sweeps import Sweep, address

SIZE = wr.Config("lineage.models.rows.examples")
"""N of the scaling law: the number of pairs that the evaluated model was trained on."""
LEVELS = range(1, 6)
"""Levels of the five-point rating."""


def results(sweep: Sweep) -> list[Any]:
    """Panels of the outcome: every point as a line over the varied settings, and its figures against the data size."""
    outcomes = [wr.SummaryMetric("heldout_loss"), wr.SummaryMetric("win_rate")]
    columns = [column(wr.Config(address(key)), key) for key in sweep.keys]
    columns += [column(SIZE, "examples"), *(column(outcome, outcome.name) for outcome in outcomes)]
    return [
        wr.ParallelCoordinatesPlot(title=", ".join(sweep.keys), columns=columns, layout=wr.Layout(w=24, h=10)),
        wr.ScatterPlot(title="win rate against log N", x=SIZE, y=outcomes[1], log_x=True, regression=True),
        wr.ScatterPlot(title="held-out loss against log N", x=SIZE, y=outcomes[0], log_x=True),
    ]


def column(metric: Any, name: str) -> wr.ParallelCoordinatesPlotColumn:
    return wr.ParallelCoordinatesPlotColumn(metric=metric, display_name=name)


def training() -> list[Any]:
    """Panels of the training curves."""
    return [wr.LinePlot(title=name, x="step", y=[name]) for name in ("loss", "lr", "tokens_per_second")]


def data() -> list[Any]:
    """Panels of the funnel and the scores."""
    scores = [f"histogram/{level}" for level in LEVELS]
    return [
        wr.BarPlot(title="funnel: rows in and out", metrics=["rows/in", "rows/out"],
                   groupby=wr.Metric("JobType")),
        wr.BarPlot(title="scores", metrics=scores, orientation="v"),
    ]  # fmt: skip


def comparison() -> list[Any]:
    return [wr.RunComparer(diff_only="split", layout=wr.Layout(w=24, h=12))]


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
    parts = {"Results": results(sweep), "Training": training(), "Data": data(), "Compare": comparison()}
    shared = [*upstream.data, *upstream.models]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=sweep.name,
        sections=[ws.Section(name=name, panels=panels, is_open=True) for name, panels in parts.items()],
        runset_settings=ws.RunsetSettings(
            filters=f"{in_group(sweep)} or {with_ids(shared)}" if shared else in_group(sweep)
        ),
    )


def report(sweep: Sweep, upstream: Upstream, entity: str, project: str) -> wr.Report:
    """The same panels under headings, each grid with only the runs it is about. Without runs of data there is no such grid."""

    def grid(title: str, panels: list[Any], filters: str) -> list[Any]:
        runs = wr.Runset(name=title, entity=entity, project=project, filters=filters)
        return [wr.H2(text=title), wr.PanelGrid(runsets=[runs], panels=panels)]

    evaluated = f"{in_group(sweep)} and Metric('JobType') = 'evaluate'"
    trained = f"{in_group(sweep)} and Metric('JobType') = 'train'"
    if upstream.models:
        trained += f" or {with_ids(upstream.models)}"
    return wr.Report(
        entity=entity,
        project=project,
        title=sweep.name,
        description=sweep.question,
        blocks=[
            *grid("Results", results(sweep), evaluated),
            *grid("Training", training(), trained),
            *(grid("Data", data(), with_ids(upstream.data)) if upstream.data else []),
            *grid("Compare", comparison(), evaluated),
        ],
    )


def specs(sweep: Sweep, upstream: Upstream, project: str) -> dict[str, Any]:
    """Workspace and report as the JSON that W&B would be sent, without the server's own ids of entity and project."""
    made = {"workspace": workspace(sweep, upstream, "", project), "report": report(sweep, upstream, "", project)}
    return {
        name: json.loads(one._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))
        for name, one in made.items()
    }


def save(sweep: Sweep, upstream: Upstream, entity: str, project: str) -> list[str]:
    """Save workspace and report in W&B and return their addresses."""
    return [
        made.save().url
        for made in (workspace(sweep, upstream, entity, project), report(sweep, upstream, entity, project))
    ]


def write(sweep: Sweep, upstream: Upstream, project: str, path: Path) -> None:
    path.write_text(json.dumps(specs(sweep, upstream, project), indent=1) + "\n", encoding="utf-8")
