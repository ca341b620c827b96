"""The whole loop -> its page, and the tables that the pipeline prints when it ends."""

from collections.abc import Mapping, Sequence

from humpback_exp.analysis import cautions, findings, plots, scores
from humpback_exp.analysis.evaluations import evaluations
from humpback_exp.analysis.folders import input_fingerprint, read_catalog, read_history, try_read
from humpback_exp.analysis.format import duration, excerpt
from humpback_exp.analysis.funnel import funnels
from humpback_exp.analysis.further_measures import further_measures
from humpback_exp.analysis.lineage import differences, nodes, outside
from humpback_exp.analysis.pages import tables
from humpback_exp.analysis.pages.opening import opening
from humpback_exp.analysis.pages.render import made_by, render
from humpback_exp.analysis.pages.tables import Table, table, texts
from humpback_exp.analysis.plans import alone, plans_of_loop
from humpback_exp.analysis.results import Result, corrections, make
from humpback_exp.analysis.samples import Prompt, prompts
from humpback_exp.analysis.settings import Setting
from humpback_exp.artifacts.catalog import Catalog, Folder
from humpback_exp.records import ScoredCandidate

COLUMNS = 10
"""Differing settings shown for a kind of folders; more do not fit a page."""
PANELS = 12
"""Small multiples of a kind; the tables hold the rest."""
ROWS = 24
"""Models in a figure of intervals."""
EXTREMES = 3
"""Rows shown of either end of the scores."""
PROMPTS, MODELS = 4, 6
"""Held-out prompts, and answers shown side by side."""


def build(output_root: str) -> str:
    """The page of everything finished below `output_root`; the same folders give the same text.

    Raises:
        ValueError: nothing is finished.
    """
    catalog = read_catalog(output_root)
    told, results = compared(output_root, catalog)
    made = [one for result in results.values() for one in result.stated]
    rated = scores.read_scores(catalog, catalog.of("scored")[:PANELS])
    shown = dict(  # what reads files comes before the list of those that are damaged
        headline=findings.of_loop(results),
        results=results_table(told, results),
        comparisons=tables.of_comparisons(made),
        models=tables.of_models(told, gates(catalog)),
        further=further_measures(catalog.of("evals")),
        cautions=[*cautions.of_models(told, made), *cautions.same_models(catalog)],
        intervals=plots.of_loop(results["references"], ROWS) if "references" in results else [],
        histograms=[plots.histogram(one, number) for number, one in enumerate(scores.histograms(rated))],
        losses=plots.losses(_histories(catalog, catalog.of("models")[:PANELS])),
        extremes=_extremes(catalog, rated[-1]) if rated else [],
        dropped=scores.dropped(catalog, catalog.of("candidates")[:PANELS]),
        prompts=_answered(catalog, told),
    )
    return render(
        "loop",
        **shown,
        opening=opening(catalog),
        made_by=made_by(catalog.folders),
        folders=len(catalog.folders),
        funnels=funnels(catalog),
        lineage=_lineage(catalog),
        outside=_outside(catalog),
        differences=_differences(catalog),
        unfinished=catalog.unfinished,
        damaged=catalog.damaged,
    )


def compared(output_root: str, catalog: Catalog) -> tuple[list[Setting], dict[str, Result]]:
    """Every evaluation by itself, and the comparisons of the loop's plans, corrected as on the other pages."""
    corrected = corrections(evaluations(read_catalog(output_root, loops=True)))
    told = [alone(run) for run in evaluations(catalog)]
    return told, {name: make(plan, corrected) for name, plan in plans_of_loop(told).items()}


def results_table(told: Sequence[Setting], results: Mapping[str, Result]) -> Table:
    """A row a model: web pairs it was trained on, its figures, and their change from its reference."""
    models = [one.runs[0].model for one in told]
    web = {"web pairs": texts([model.rows("web") if model else None for model in models])}
    return tables.of_settings(told, results.get("references"), web)


def gates(catalog: Catalog) -> dict[str | None, Folder]:
    """Fingerprint of a model -> its newest gate."""
    newest_last = sorted(catalog.of("gates"), key=lambda gate: gate.manifest.finished_at)
    return {input_fingerprint(gate, "model_path"): gate for gate in newest_last}


def _extremes(catalog: Catalog, rated: scores.Scored) -> list[tuple[str, list[ScoredCandidate]]]:
    """Title and rows of either end."""
    best, worst = scores.extremes(catalog, rated, EXTREMES)
    return [
        (f"{name} in {rated.folder.label}", rows)
        for name, rows in (("Best rated", best), ("Worst rated", worst))
        if rows
    ]


def _histories(catalog: Catalog, models: Sequence[Folder]) -> dict[str, list[dict[str, float]]]:
    return {one.name: try_read(catalog, one, lambda one: read_history(one.path)) or [] for one in models}


def _answered(catalog: Catalog, told: Sequence[Setting]) -> list[Prompt]:
    """The first prompts that all shown models answered; variants only where there is room."""
    loop_first = sorted(told, key=lambda one: "-" in one.label)[:MODELS]
    asked = [one for one in loop_first if any(prompt.answered for prompt in prompts(catalog, [one]))]
    return [prompt for prompt in prompts(catalog, asked) if prompt.answered][:PROMPTS]


def _lineage(catalog: Catalog) -> Table:
    found = nodes(catalog)
    manifests = [node.folder.manifest for node in found]
    rows = [", ".join(f"{count:,} {name}" for name, count in one.rows.items() if count) for one in manifests]
    columns = {
        "": texts([node.folder.label for node in found]),
        "made from": texts([", ".join(node.sources) for node in found]),
    }
    columns |= {"rows": texts(rows), "time": texts([duration(one.wall_seconds) for one in manifests])}
    return table(columns | {"fingerprint": texts([one.fingerprint[:8] for one in manifests])})


def _outside(catalog: Catalog) -> Table:
    found = outside(catalog)
    columns = {"": texts([one.key for one in found]), "path": texts([one.path for one in found])}
    return table(columns | {"fingerprint": texts([one.fingerprint[:8] for one in found])})


def _differences(catalog: Catalog) -> list[tuple[str, Table]]:
    """Each kind of folders, with how many differing settings are not shown, and a table of those that are."""
    found = []
    for kind, keys in differences(catalog).items():
        shown = {key: texts([excerpt(value, 60) for value in values]) for key, values in list(keys.items())[:COLUMNS]}
        more = f"; {len(keys) - COLUMNS} more differing settings are in the manifests" if len(keys) > COLUMNS else ""
        found.append((f"{kind}{more}", table({"": texts([folder.name for folder in catalog.of(kind)])} | shown)))
    return found
