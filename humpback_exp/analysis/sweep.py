"""A sweep's points -> its page, and the figures and numbers that lie beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from humpback_exp.analysis import numbers, sentences
from humpback_exp.analysis.alike import also_differ
from humpback_exp.analysis.cautions import cautions
from humpback_exp.analysis.collect import Inventory, collect
from humpback_exp.analysis.curves import curves, published_curves
from humpback_exp.analysis.panels import panels
from humpback_exp.analysis.paper import published
from humpback_exp.analysis.plots import draw
from humpback_exp.analysis.points import Point, group_of, points
from humpback_exp.analysis.questions import ask
from humpback_exp.analysis.render import environment
from humpback_exp.analysis.settings import WIN, number_of, settings
from humpback_exp.analysis.studies import STUDIES, Study, by_folder
from humpback_exp.analysis.summary import dates

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
    inventory = collect(output_root, loops=True)
    groups, study = points(inventory), STUDIES.get(group) or by_folder(group)
    if group not in groups:
        raise _nothing(inventory, output_root, group)
    found = groups[group] + _of_others(study, groups)
    told = settings(study, found)
    if not told:
        raise ValueError(f"sweep={group}: {len(found)} evaluations, but none of a model that {group} is about")
    paper = published(study.numbers or study.name)
    question = ask(study, told)
    drawn = [draw(panel) for panel in panels(study, question, told, paper)]
    shown = [point for setting in told for point in setting.points]
    page = (
        environment()
        .get_template("sweep.html.jinja")
        .render(
            study=study,
            folder=folder,
            drawn=drawn,
            findings=sentences.findings(question),
            tests=sentences.tests(question.said),
            in_the_paper=sentences.in_the_paper(question.said, paper),
            cautions=cautions(
                question, told, also_differ(study, shown), _unfinished(inventory, Path(output_root), group, found)
            ),
            comparisons=question.comparisons,
            judged=any(WIN.key in setting.figures for setting in told),
            matched=any(number_of(paper, setting) for setting in told),
            rows=numbers.rows(told, question, paper),
            fits=curves(told) if study.counts_data else [],
            published_fits=published_curves() if study.name in ("data_size", "data_efficiency") else [],
            published=paper,
            points=[(setting, point, numbers.means(point)) for setting in told for point in setting.points],
            dates=dates([run for point in shown for run in (point.evaluation, point.model) if run is not None]),
            left_out=len(found) - len(shown),
            damaged=inventory.damaged,
        )
    )
    files = {f"{one.panel.name}.{form}": getattr(one, form) for one in drawn for form in ("svg", "pdf")}
    return page, files | {"numbers.csv": numbers.of_settings(told, question, paper), "runs.csv": numbers.of_runs(told)}


def _of_others(study: Study, groups: Mapping[str, Sequence[Point]]) -> list[Point]:
    """Runs of another group that stand in the series the study's contrast is about."""
    placed = ((study.place(point), point) for point in groups.get(study.also, ()))
    return [point for place, point in placed if place is not None and place.series in (study.ends or ())]


def _nothing(inventory: Inventory, output_root: str, group: str) -> ValueError:
    folders = [run.folder for run in inventory.runs] + [Path(output_root) / label for label in inventory.unfinished]
    groups = {known for known in map(group_of, folders) if known}
    if group in groups:
        return ValueError(
            f"sweep={group}: none of its models has been evaluated; run python evaluate.py for them first"
        )
    names = ", ".join(sorted(groups)) or "none"
    return ValueError(
        f"sweep={group}: no run below output_root={output_root} has this tracking.group; there are: {names}"
    )


def _unfinished(inventory: Inventory, root: Path, group: str, found: Sequence[Point]) -> list[str]:
    """Folders of the group that were begun, and models nobody evaluated; backward models are not meant to be."""
    begun = [label for label in inventory.unfinished if group_of(root / label) == group]
    measured = {point.model.label for point in found if point.model is not None}
    forward = [run for run in inventory.of("models") if run.manifest.config.get("data.direction") != "backward"]
    return begun + [run.label for run in forward if run.label not in measured and group_of(run.folder) == group]
