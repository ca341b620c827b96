"""The runs of a sweep -> its page, and the figures and numbers that lie beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from humpback_exp.analysis import plots
from humpback_exp.analysis.ablation import Ablation
from humpback_exp.analysis.ablation_plans import plan_of_ablation
from humpback_exp.analysis.ablations import ablation_of
from humpback_exp.analysis.corrections import corrections, make
from humpback_exp.analysis.evaluations import Evaluation, by_group, evaluations
from humpback_exp.analysis.folders import group_of, read_catalog
from humpback_exp.analysis.pages import sweep_tables
from humpback_exp.analysis.pages.render import made_by, render
from humpback_exp.analysis.pages.table import table, to_csv
from humpback_exp.analysis.paper import published
from humpback_exp.analysis.recipes import also_differ
from humpback_exp.analysis.sentences import cautions, findings
from humpback_exp.analysis.sentences.in_the_paper import in_the_paper
from humpback_exp.analysis.settings import settings
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
    groups, ablation = by_group(everything), ablation_of(group)
    if group not in groups:
        raise _nothing(catalog, output_root, group)
    found = groups[group] + _of_others(ablation, groups)
    told = settings(ablation, found)
    if not told:
        raise ValueError(f"sweep={group}: {len(found)} evaluations, but none of a model that {group} is about")
    paper = published(ablation.numbers or ablation.name)
    result = make(plan_of_ablation(ablation, told), corrections(everything))
    figures = plots.of_sweep(ablation.x, result, told, paper)
    runs = sweep_tables.runs(told)
    shown = [run for setting in told for run in setting.runs]
    page = render(
        "sweep",
        ablation=ablation,
        folder=folder,
        figures=figures,
        findings=findings.of_sweep(result),
        tests=findings.tests(result.stated),
        in_the_paper=in_the_paper(result.stated, paper),
        cautions=[
            *cautions.of_models(told, result.stated, result.table.values()),
            *cautions.of_sweep(
                result, told, also_differ(ablation, shown), _unfinished(catalog, output_root, group, found)
            ),
        ],
        corrected=findings.corrected(result.count),
        results=sweep_tables.results(told, result, paper),
        fits=sweep_tables.fits(ablation, told),
        published=sweep_tables.published_points(ablation.x, paper),
        runs=table(runs),
        made_by=made_by(one for run in shown for one in (run.folder, run.model) if one is not None),
        left_out=len(found) - len(shown),
        damaged=catalog.damaged,
    )
    files = {f"{one.name}.{form}": getattr(one, form) for one in figures for form in ("svg", "pdf")}
    return page, files | {
        "numbers.csv": sweep_tables.numbers_csv(told, result, paper),
        "runs.csv": to_csv(runs),
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
