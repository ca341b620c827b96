"""What evaluations measured beside the loss on `heldout`, as rows of text: further sets, question selection, benchmarks, safety."""

from collections.abc import Sequence

from humpback_exp.analysis.comparisons import beyond_noise
from humpback_exp.analysis.format import DASH, number, span
from humpback_exp.artifacts.catalog import Folder
from humpback_exp.config.measurements import benchmark
from humpback_exp.evaluation.intervals import Interval

MEASURES = {
    "held-out loss": ("heldout_loss", "heldout_change", "heldout_pairs", ".3f"),
    "instruction gain": ("instruction_gain", "instruction_gain_change", "question_selection_pairs", ".3f"),
    "question selection, %": ("question_selection", "question_selection_change", "question_selection_pairs", ".1f"),
}
"""Head -> keys of the figure, of its change and of the pairs it is over, and how they are written."""


def further_measures(folders: Sequence[Folder]) -> list[dict[str, str]]:
    """A row for every set of every evaluation, where more was measured than the loss on `heldout`; else none."""
    rows = [row for name in _sets(folders) for folder in folders if (row := _row(folder, name))]
    heads = [head for head in (rows[0] if rows else ()) if any(row[head] != DASH for row in rows)]
    return [{head: row[head] for head in heads} for row in rows]


def _sets(folders: Sequence[Folder]) -> list[str]:
    """Names of the further sets, after `heldout` where question selection was measured on it."""
    keys = [key for folder in folders for key in folder.manifest.metrics]
    further = [key.partition("/")[2] for key in keys if key.startswith(("heldout_loss/", "question_selection/"))]
    return list(dict.fromkeys([*["heldout"] * ("question_selection" in keys), *further]))


def _row(folder: Folder, name: str) -> dict[str, str]:
    """The figures of an evaluation on one set; empty where it was not measured on it."""
    end = "" if name == "heldout" else f"/{name}"
    found = {}
    for head, (key, change, pairs, form) in MEASURES.items():
        found[head] = _cell(folder, key, pairs, end, form)
        found[f"change of {head}"] = _cell(folder, change, pairs, end, form)
    return {"model": folder.name, "set": name} | found if any(text != DASH for text in found.values()) else {}


def _cell(folder: Folder, key: str, counted: str, end: str, form: str) -> str:
    """A figure with its 95 % interval over pairs, with a star where it is a change beyond their noise."""
    metrics = folder.manifest.metrics
    value, error, pairs = (metrics.get(each + end) for each in (key, f"{key}_error", counted))
    if value is None:
        return DASH
    if not error or not pairs:
        return number(value, form)
    one = Interval(value, error, pairs - 1, pairs, (1,))
    star = "*" if key.endswith("_change") and beyond_noise(one) else ""
    return f"{number(value, form)} ({span(one.ends, form)}){star}"


def benchmark_figures(folders: Sequence[Folder]) -> list[dict[str, str]]:
    """A row for every figure of a benchmark and every share of refusals, a column a model, with standard errors; else none."""
    asked = [folder for folder in folders if any(_begins(name) for name in folder.manifest.measured)]
    keys = dict.fromkeys(key for folder in asked for key in folder.manifest.metrics if _is_figure(key, folder))
    return [{"figure": key} | {folder.name: _with_error(folder, key) for folder in asked} for key in keys]


def _begins(measurement: str) -> str:
    """What the names of a benchmark's figures, or of safety's, begin with; empty for other measurements."""
    if measurement == "safety":
        return "safety_refused/"
    return f"{measurement.removeprefix('lm_eval/')}_" if benchmark(measurement) else ""


def _is_figure(key: str, folder: Folder) -> bool:
    begins = tuple(filter(None, map(_begins, folder.manifest.measured)))
    return key.startswith(begins) and "_error" not in key and not key.endswith("_setup")


def _with_error(folder: Folder, key: str) -> str:
    """A figure and, where it has one, its standard error."""
    metrics, (head, slash, setting) = folder.manifest.metrics, key.partition("/")
    value, error = metrics.get(key), metrics.get(f"{head}_error{slash}{setting}")
    if value is None:
        return DASH
    return number(value, ".3f") + (f" \u00b1 {number(error, '.3f')}" if error is not None else "")
