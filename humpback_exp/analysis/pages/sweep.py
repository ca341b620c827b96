"""The runs of a sweep -> its page, and the figures and numbers that lie beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from humpback_exp.analysis import plots, scaling
from humpback_exp.analysis.ablations import ABLATIONS, Ablation, by_folder
from humpback_exp.analysis.corrections import Result, corrections, make
from humpback_exp.analysis.evaluations import MEASURES, Evaluation, by_group, evaluations
from humpback_exp.analysis.folders import group_of, read_catalog
from humpback_exp.analysis.format import amount, number, span
from humpback_exp.analysis.pages import sweep_csv
from humpback_exp.analysis.pages.render import made_by, render
from humpback_exp.analysis.pages.result_tables import of_setting
from humpback_exp.analysis.pages.table import Cell, Row, Table, table
from humpback_exp.analysis.paper import Published, published
from humpback_exp.analysis.planned_comparisons import plan_of_ablation
from humpback_exp.analysis.plots import axis_label
from humpback_exp.analysis.sentences import cautions, findings
from humpback_exp.analysis.settings import Setting, also_differ, number_of, settings
from humpback_exp.artifacts.catalog import Catalog

Files = dict[str, bytes]
"""Name -> content of what lies beside a page."""


def build(output_root: str, group: str, folder: str) -> tuple[str, Files]:
    """The page of a sweep and the files that belong to it.

    Args:
        group: the runs' `tracking.group`.
        folder: where the files will lie, as seen from the page.

    Raises:
        ValueError: no run has this group, or none of its models has been evaluated.
    """
    catalog = read_catalog(output_root, loops=True)
    everything = evaluations(catalog)
    groups, ablation = by_group(everything), ABLATIONS.get(group) or by_folder(group)
    if group not in groups:
        raise _nothing(catalog, output_root, group)
    found = groups[group] + _of_others(ablation, groups)
    told = settings(ablation, found)
    if not told:
        raise ValueError(f"sweep={group}: {len(found)} evaluations, but none of a model that {group} is about")
    paper = published(ablation.numbers or ablation.name)
    result = make(plan_of_ablation(ablation, told), corrections(everything))
    figures = plots.of_sweep(ablation.x, result, told, paper)
    shown = [run for setting in told for run in setting.runs]
    page = render(
        "sweep",
        ablation=ablation,
        folder=folder,
        figures=figures,
        findings=findings.of_sweep(result),
        tests=findings.tests(result.stated),
        in_the_paper=findings.in_the_paper(result.stated, paper),
        cautions=[
            *cautions.of_models(told, result.stated, result.table.values()),
            *cautions.of_sweep(
                result, told, also_differ(ablation, shown), _unfinished(catalog, output_root, group, found)
            ),
        ],
        corrected=findings.corrected(result.count),
        results=_results(told, result, paper),
        fits=_fits(ablation, told),
        published=_published(ablation.x, paper),
        runs=_runs(told),
        made_by=made_by(one for run in shown for one in (run.folder, run.model) if one is not None),
        left_out=len(found) - len(shown),
        damaged=catalog.damaged,
    )
    files = {f"{one.name}.{form}": getattr(one, form) for one in figures for form in ("svg", "pdf")}
    return page, files | {
        "numbers.csv": sweep_csv.of_settings(told, result, paper),
        "runs.csv": sweep_csv.of_runs(told),
    }


def _of_others(ablation: Ablation, groups: Mapping[str, Sequence[Evaluation]]) -> list[Evaluation]:
    """Runs of another group that stand in the series the ablation's contrast is about."""
    placed = ((ablation.place(run), run) for run in groups.get(ablation.also, ()))
    return [run for place, run in placed if place is not None and place.series in (ablation.ends or ())]


def _nothing(catalog: Catalog, output_root: str, group: str) -> ValueError:
    paths = [folder.path for folder in catalog.folders] + [Path(output_root) / label for label in catalog.unfinished]
    groups = {known for known in map(group_of, paths) if known}
    if group in groups:
        return ValueError(
            f"sweep={group}: none of its models has been evaluated; run python evaluate.py for them first"
        )
    names = ", ".join(sorted(groups)) or "none"
    return ValueError(
        f"sweep={group}: no run below output_root={output_root} has this tracking.group; there are: {names}"
    )


def _unfinished(catalog: Catalog, output_root: str, group: str, found: Sequence[Evaluation]) -> list[str]:
    """Folders of the group that were begun, and models nobody evaluated; backward models are not meant to be."""
    begun = [label for label in catalog.unfinished if group_of(Path(output_root) / label) == group]
    measured = {run.model.label for run in found if run.model is not None}
    forward = [one for one in catalog.of("models") if one.manifest.config.get("data.direction") != "backward"]
    return begun + [one.label for one in forward if one.label not in measured and group_of(one.path) == group]


def _fits(ablation: Ablation, told: Sequence[Setting]) -> Table:
    """Our curves in ln N, and the paper's through the points of its figure."""
    ours = scaling.curves(told) if ablation.counts_data else []
    theirs = scaling.published_curves() if ablation.name in ("data_size", "data_efficiency") else []
    rows = [_curve(f"ours: {series or ablation.x}, {by.name}", curve, by.form) for series, by, curve in ours]
    alpha = "the paper\u2019s \u03b1"
    return table(
        rows
        + [_curve(f"the paper: {name}", curve, ".2f") | {alpha: f"{printed:.2f}"} for name, printed, curve in theirs]
    )


def _curve(name: str, curve: scaling.Scaling, form: str) -> dict[str, object]:
    small = [span(ends, form) if ends else "" for ends in (curve.alpha_interval, curve.intercept_interval)]
    alpha, intercept = number(curve.alpha, f"+{form}"), number(curve.intercept, form)
    return {"": name, "points": curve.points, "\u03b1": Cell(alpha, small[0]), "C": Cell(intercept, small[1])}


def _results(told: Sequence[Setting], result: Result, paper: Sequence[Published]) -> Table:
    """A row a setting, and the paper's number for it."""
    return table(
        [
            {"": one.label, "seeds": len(one.runs)}
            | of_setting(one, result)
            | {"paper, %": _win_rate(number_of(paper, one))}
            for one in told
        ]
    )


def _win_rate(one: Published | None) -> Cell:
    return Cell() if one is None else Cell(f"{one.win_rate}", f"\u00b1 {one.error}" if one.error else "")


def _published(x: str, paper: Sequence[Published]) -> Table:
    return table(
        [
            {
                "": one.series,
                x or "x": amount(one.x) if one.x else None,
                "win rate, %": _win_rate(one),
                "source": one.source,
            }
            for one in paper
        ]
    )


def _runs(told: Sequence[Setting]) -> Table:
    return table([_run(setting, run) for setting in told for run in setting.runs])


def _run(setting: Setting, run: Evaluation) -> Row:
    means = {axis_label(measure): (run.mean(measure), measure.form) for measure in MEASURES}
    row = {"": run.folder.label, "setting": setting.label, "seed": run.seed, "examples": run.examples}
    return row | {head: None if mean is None else number(mean, form) for head, (mean, form) in means.items()}
