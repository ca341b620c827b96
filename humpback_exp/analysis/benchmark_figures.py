"""Benchmarks and shares of refusals of several models side by side, as rows of text."""

from collections.abc import Sequence

from humpback_exp.analysis.format import DASH, number
from humpback_exp.artifacts.catalog import Folder
from humpback_exp.config.measurements import benchmark


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
