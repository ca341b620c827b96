"""What the pipeline says when it ends: the models side by side, and five pairs worth reading."""

import textwrap
from pathlib import Path

from humpback_exp.analysis.collect import Inventory, collect
from humpback_exp.analysis.results import Estimate, Result, beside, results
from humpback_exp.progress import table
from humpback_exp.records import Example, read

PAIRS = 5
LEGEND = """
web pairs: trained on beside the seed; loss: nats a token of the human answer, lower is better; to base, to M1: its change from
theirs on the same pairs; win rate: against the base model; ± is one standard error
readable: share of the gate's ratings that could be read; AUC: how often a good pair is rated above one with another's output
"""


def closing(output_root: str, models: list[str], curated: Path | None) -> str:
    """Table of the evaluations named in `models`, and the best scored pairs of the last curated folder."""
    inventory = collect(output_root)
    text = (
        "results on held-out human pairs\n" + table(comparison(inventory, models)) + LEGEND + "".join(twins(inventory))
    )
    return text if curated is None else f"{text}\n\nfive curated pairs, the best scored first\n{pairs(curated)}"


def comparison(inventory: Inventory, models: list[str]) -> list[dict[str, str]]:
    """One row a model: its web pairs, loss, the changes from the base and from M1, win rate, and how well it rates."""
    evaluated = results(inventory)
    by_name = {result.run.name: result for result in evaluated}
    changes, pairs = beside(inventory, evaluated), web_pairs(inventory)
    shown = [by_name[name] for name in models if name in by_name]
    return [row(result, pairs, changes.get(result.run.label)) for result in shown]


def web_pairs(inventory: Inventory) -> dict[str | None, int]:
    """Fingerprint of each model -> the web pairs it was trained on."""
    return {run.manifest.fingerprint: run.rows("web") for run in inventory.of("models")}


def twins(inventory: Inventory) -> list[str]:
    """A line for each model that was trained on the very pairs of another, and so is the same model."""
    seen: dict[tuple[object, ...], str] = {}
    lines = []
    for run in inventory.of("models"):
        files = tuple(sorted(run.manifest.files.items()))
        if files in seen:
            pairs = run.rows("web")
            lines.append(
                f"{run.name} is the same model as {seen[files]}: both were trained on the same {pairs} web pairs\n"
            )
        seen.setdefault(files, run.name)
    return lines


def row(result: Result, web_pairs: dict[str | None, int], to_first: Estimate | None) -> dict[str, str]:
    return {
        "model": result.name,
        "web pairs": str(web_pairs.get(result.run.input_fingerprint("model_path"), "-")),
        "loss": estimate(result.loss),
        "to base": estimate(result.change),
        "to M1": estimate(to_first),
        "win rate %": estimate(result.win, percent=True),
        "readable": share(result.gated("readable")),
        "AUC": estimate(result.area("shuffled"), digits=2),
    }


def estimate(value: Estimate | None, percent: bool = False, digits: int = 3) -> str:
    """A figure and its standard error."""
    if value is None:
        return "-"
    scale, digits = (100, 1) if percent else (1, digits)
    return f"{scale * value.value:.{digits}f} ± {scale * value.error:.{digits}f}"


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def pairs(curated: Path) -> str:
    """The best scored pairs, outputs cut to three lines."""
    best = sorted(read(curated, Example), key=lambda example: -(example.score or 0.0))[:PAIRS]
    return "\n".join(pair(example) for example in best)


def pair(example: Example) -> str:
    body = textwrap.wrap(" ".join(example.output.split()), 110, max_lines=3, placeholder=" ...")
    asked = textwrap.wrap(f"[{(example.score or 0.0) + 0.0:.2f}] " + " ".join(example.instruction.split()), 114)
    return "\n".join(["", *asked, *(f"    {line}" for line in body)])
