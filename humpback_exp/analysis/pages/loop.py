"""The whole loop -> its page, and the tables that the pipeline prints when it ends."""

from collections.abc import Mapping, Sequence

from humpback_exp.analysis import plots, scores
from humpback_exp.analysis.benchmark_figures import benchmark_figures
from humpback_exp.analysis.corrections import Result, corrections, make
from humpback_exp.analysis.evaluations import evaluations
from humpback_exp.analysis.folders import read_catalog, read_history, try_read
from humpback_exp.analysis.funnel import funnels
from humpback_exp.analysis.pages.lineage_tables import made_from, read_elsewhere, settings_that_differ
from humpback_exp.analysis.pages.render import made_by, render
from humpback_exp.analysis.pages.result_tables import of_comparisons, of_models
from humpback_exp.analysis.pages.result_tables import results as results_of
from humpback_exp.analysis.pages.table import Row, Table, table
from humpback_exp.analysis.planned_comparisons import alone, plans_of_loop
from humpback_exp.analysis.rows_worth_reading import Prompt, dropped, extremes, prompts
from humpback_exp.analysis.sentences import cautions, findings
from humpback_exp.analysis.sentences.introduction import introduction
from humpback_exp.analysis.settings import Setting
from humpback_exp.artifacts.catalog import Catalog, Folder
from humpback_exp.records import ScoredCandidate

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
    beside_references = [one for name, result in results.items() if name != "references" for one in result.stated]
    rated = scores.read_scores(catalog, catalog.of("scored")[:PANELS])
    shown = dict(  # what reads files comes before the list of those that are damaged
        headline=findings.of_loop(results),
        results=results_tables(told, results),
        comparisons=of_comparisons(beside_references),
        models=of_models(told, gates(catalog)),
        benchmarks=table(benchmark_figures(catalog.of("evals"))),
        cautions=[*cautions.of_models(told, made), *cautions.same_models(catalog)],
        intervals=plots.of_loop(results["references"], ROWS) if "references" in results else [],
        histograms=[plots.histogram(one, number) for number, one in enumerate(scores.histograms(rated))],
        losses=plots.losses(_histories(catalog)),
        extremes=_extremes(catalog, rated[-1]) if rated else [],
        dropped=dropped(catalog, catalog.of("candidates")[:PANELS]),
        prompts=_answered(catalog, told),
    )
    return render(
        "loop",
        **shown,
        introduction=introduction(catalog),
        made_by=made_by(catalog.folders),
        folders=len(catalog.folders),
        funnels=funnels(catalog),
        lineage=made_from(catalog),
        outside=read_elsewhere(catalog),
        differences=settings_that_differ(catalog),
        unfinished=catalog.unfinished,
        damaged=catalog.damaged,
    )


def compared(output_root: str, catalog: Catalog) -> tuple[list[Setting], dict[str, Result]]:
    """Every evaluation by itself, and the comparisons of the loop's plans, corrected as on the other pages."""
    corrected = corrections(evaluations(read_catalog(output_root, loops=True)))
    told = [alone(run) for run in evaluations(catalog)]
    return told, {name: make(plan, corrected) for name, plan in plans_of_loop(told).items()}


def results_tables(told: Sequence[Setting], results: Mapping[str, Result]) -> dict[str, Table]:
    """Held-out set -> a row a model: web pairs it was trained on, its figures, and their change from its reference."""

    def web_pairs(one: Setting) -> Row:
        model = one.runs[0].model
        return {"web pairs": None if model is None else model.rows("web")}

    return results_of(told, results.get("references"), web_pairs)


def gates(catalog: Catalog) -> dict[str | None, Folder]:
    """Fingerprint of a model -> its newest gate."""
    newest_last = sorted(catalog.of("gates"), key=lambda gate: gate.manifest.finished_at)
    return {gate.fingerprint_of("model_path"): gate for gate in newest_last}


def _extremes(catalog: Catalog, rated: scores.Scored) -> list[tuple[str, list[ScoredCandidate]]]:
    """Title and rows of either end."""
    ends = zip(("Best", "Worst"), extremes(catalog, rated, EXTREMES), strict=True)
    return [(f"{end} rated in {rated.folder.label}", rows) for end, rows in ends if rows]


def _histories(catalog: Catalog) -> dict[str, list[dict[str, float]]]:
    models = catalog.of("models")[:PANELS]
    return {one.name: try_read(catalog, one, lambda one: read_history(one.path)) or [] for one in models}


def _answered(catalog: Catalog, told: Sequence[Setting]) -> list[Prompt]:
    """The first prompts that all shown models answered; variants only where there is room."""
    loop_first = sorted(told, key=lambda one: "-" in one.label)[:MODELS]
    asked = [one for one in loop_first if any(prompt.answered for prompt in prompts(catalog, [one]))]
    return [prompt for prompt in prompts(catalog, asked) if prompt.answered][:PROMPTS]
