"""Two or more evaluated models -> their settings where they differ, their figures, and the rows they disagree on most."""

from collections.abc import Sequence
from pathlib import Path

from humpback_exp.analysis.corrections import corrections, make
from humpback_exp.analysis.evaluations import Evaluation, evaluations, measures
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.format import excerpt, listed
from humpback_exp.analysis.lineage import facts_below
from humpback_exp.analysis.pages.render import render
from humpback_exp.analysis.pages.result_tables import results
from humpback_exp.analysis.pages.table import Table, table
from humpback_exp.analysis.placement import Place
from humpback_exp.analysis.planned_comparisons import Plan, alone
from humpback_exp.analysis.rows_worth_reading import prompts
from humpback_exp.analysis.sentences import cautions, findings
from humpback_exp.analysis.settings import Setting
from humpback_exp.artifacts.catalog import Catalog, Folder, differing

ROWS = 8
"""Rows shown by each kind of disagreement."""


def build(output_root: str, names: Sequence[str]) -> str:
    """The page comparing the evaluations `names`; all others are compared with the first.

    Raises:
        ValueError: a name is no finished evaluation, the same one is named twice, or they share no held-out pair.
    """
    catalog = read_catalog(output_root, loops=True)
    found = [_find(catalog, output_root, name) for name in names]
    twice = next((one.label for place, one in enumerate(found) if one in found[:place]), None)
    if twice:
        raise ValueError(f"runs={','.join(names)}: {twice} is named twice; a comparison needs different evaluations")
    base, *others = sides = _sides(evaluations(catalog, found))
    for side in others:
        _check(side.runs[0], base.runs[0])
    pairs = [(side, base) for side in others]
    result = make(Plan(base, dict(pairs), pairs, count=len(pairs)), corrections(evaluations(catalog)))
    rows = prompts(catalog, sides)
    return render(
        "compare",
        title=", ".join(side.label for side in sides),
        findings=[text for one in result.stated for text in findings.stated(one)],
        tests=findings.tests(result.stated),
        cautions=cautions.of_models(sides, result.stated),
        corrected=findings.corrected(result.count),
        results=results(sides, result),
        compared=len(sides),
        differences=_differences(sides),
        by_loss=[row for row in sorted(rows, key=lambda row: -row.losses) if row.losses > 0][:ROWS],
        by_verdict=[row for row in sorted(rows, key=lambda row: -row.verdicts) if row.verdicts > 0][:ROWS],
        damaged=catalog.damaged,
    )


def _find(catalog: Catalog, output_root: str, name: str) -> Folder:
    """An evaluation by its name, its folder, or the folder of its model."""
    found = catalog.of("evals")
    paths = [Path(name).resolve(), *((Path(output_root) / kind / name).resolve() for kind in ("evals", "models", "."))]
    for path in paths:
        for folder in found:
            if path in (folder.path.resolve(), Path(folder.path_of("model_path") or "").resolve()):
                return folder
    known = listed([folder.name for folder in found], 12) or "none"
    raise ValueError(
        f"runs={name}: no finished evaluation of that name below output_root={output_root}; there are: {known}"
    )


def _sides(runs: Sequence[Evaluation]) -> list[Setting]:
    """Each run by itself; of several loops, where names repeat, under its label."""
    sides = [alone(run) for run in runs]
    if len({side.label for side in sides}) == len(sides):
        return sides
    return [Setting(Place(run.folder.label, ()), [run]) for run in runs]


def _check(here: Evaluation, there: Evaluation) -> None:
    """Raise unless both were measured on a common pair."""
    for run in (there, here):
        if not measures([run]):
            label = run.folder.label
            raise ValueError(f"{label}: {run.catalog.damaged.get(label, 'holds no measurement of held-out pairs')}")
    if not any(here.rows[one.key].keys() & there.rows[one.key].keys() for one in measures([here])):
        raise ValueError(
            f"{here.folder.label}: evaluated on other pairs than {there.folder.label}; "
            "evaluate both with the same heldout="
        )


def _differences(sides: Sequence[Setting]) -> Table:
    """Every setting and input in which the runs, their models or the scores behind them differ."""
    runs = [side.runs[0] for side in sides]
    rows: dict[str, list[str | None]] = {}
    for kind in ("evaluation", "model", "scored"):
        folders: list[Folder | None] = [run.folder if kind == "evaluation" else getattr(run, kind) for run in runs]
        there = [folder for folder in folders if folder is not None]
        if len(there) == len(folders):
            keys = differing([facts_below(folder) for folder in there])
            rows |= {f"{kind} {key}": values for key, values in keys.items()}
        elif there:
            rows[f"{kind} folder"] = [folder.label if folder else "none" for folder in folders]
    labels = [side.label for side in sides]
    shown = {key: [None if value is None else excerpt(value, 200) for value in values] for key, values in rows.items()}
    return table([{"": key} | dict(zip(labels, values, strict=True)) for key, values in shown.items()])
