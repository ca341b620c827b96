"""A W&B workspace and a report of a sweep, as code: the panels that its question asks for."""

import json
import re
from pathlib import Path
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from humpback_exp.tracking.folders import Behind
from humpback_exp.tracking.sweeps import Sweep, address

SIZE = wr.Config("lineage.models.rows.examples")
"""N of the scaling law: pairs that the evaluated model was trained on."""
LEVELS = range(1, 6)
"""Of the five-point rating."""


def results(sweep: Sweep) -> list[Any]:
    """What the sweep found: every point as a line over what is varied, and its outcome against data size."""
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
    """How the points trained."""
    return [wr.LinePlot(title=name, x="step", y=[name]) for name in ("loss", "lr", "tokens_per_second")]


def data() -> list[Any]:
    """The funnel and the scores."""
    scores = [f"histogram/{level}" for level in LEVELS]
    return [
        wr.BarPlot(title="funnel: rows in and out", metrics=["rows/in", "rows/out"],
                   groupby=wr.Metric("JobType")),
        wr.BarPlot(title="scores", metrics=scores, orientation="v"),
    ]  # fmt: skip


def comparison() -> list[Any]:
    return [wr.RunComparer(diff_only="split", layout=wr.Layout(w=24, h=12))]


def own(sweep: Sweep) -> str:
    """Filter for the runs in the sweep's group."""
    return f"Metric('Group') = {quoted(sweep.group)}"


def quoted(text: str) -> str:
    """A string in a filter; the parser rewrites `=`, `<` and `>` even between quotes, so they are escaped."""
    return re.sub("[=<>]", lambda one: f"\\x{ord(one[0]):02x}", repr(text))


def those(runs: list[str]) -> str:
    """Filter for runs by their ids: every loop has a `scored/m0`, so names would not tell this one's from another's."""
    return f"Metric('ID') in {runs}"


def workspace(sweep: Sweep, behind: Behind, entity: str, project: str) -> ws.Workspace:
    """All panels of a sweep in sections, the points and what they rest on in one list of runs."""
    parts = {"Results": results(sweep), "Training": training(), "Data": data(), "Compare": comparison()}
    shared = [*behind.data, *behind.models]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=sweep.name,
        sections=[ws.Section(name=name, panels=panels, is_open=True) for name, panels in parts.items()],
        runset_settings=ws.RunsetSettings(filters=f"{own(sweep)} or {those(shared)}" if shared else own(sweep)),
    )


def report(sweep: Sweep, behind: Behind, entity: str, project: str) -> wr.Report:
    """The same panels under headings, each grid with only the runs it is about; none of data where there are no runs."""

    def grid(title: str, panels: list[Any], filters: str) -> list[Any]:
        runs = wr.Runset(name=title, entity=entity, project=project, filters=filters)
        return [wr.H2(text=title), wr.PanelGrid(runsets=[runs], panels=panels)]

    evaluated = f"{own(sweep)} and Metric('JobType') = 'evaluate'"
    trained = f"{own(sweep)} and Metric('JobType') = 'train'"
    if behind.models:
        trained += f" or {those(behind.models)}"
    return wr.Report(
        entity=entity,
        project=project,
        title=sweep.name,
        description=sweep.question,
        blocks=[
            *grid("Results", results(sweep), evaluated),
            *grid("Training", training(), trained),
            *(grid("Data", data(), those(behind.data)) if behind.data else []),
            *grid("Compare", comparison(), evaluated),
        ],
    )


def specs(sweep: Sweep, behind: Behind, project: str) -> dict[str, Any]:
    """Both as the JSON that W&B would be sent; the server's own ids of the entity and the project are left open."""
    made = {"workspace": workspace(sweep, behind, "", project), "report": report(sweep, behind, "", project)}
    return {
        name: json.loads(one._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))
        for name, one in made.items()
    }


def save(sweep: Sweep, behind: Behind, entity: str, project: str) -> list[str]:
    """Write both to W&B, and return their addresses."""
    return [
        made.save().url for made in (workspace(sweep, behind, entity, project), report(sweep, behind, entity, project))
    ]


def write(sweep: Sweep, behind: Behind, project: str, path: Path) -> None:
    path.write_text(json.dumps(specs(sweep, behind, project), indent=1) + "\n", encoding="utf-8")
