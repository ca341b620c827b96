"""The head of the page: what was run, when, from which code."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from humpback_exp.analysis.collect import Inventory, Run
from humpback_exp.analysis.results import SERIES, display


def opening(inventory: Inventory) -> list[str]:
    """What was run, in two sentences; parts that are not finished are left out."""
    models, corpora = inventory.of("models"), inventory.of("segments")
    bases = _all(Path(run.input_path("model.path") or "").name for run in models)
    seeds = _all(f"{run.rows('seed'):,} human seed pairs" for run in models if run.rows("seed"))
    pages = _all(f"{run.rows('pages'):,} pages ({Path(run.input_path('corpus.path') or '').name})" for run in corpora)
    start = " and ".join(part for part in (seeds, pages) if part)
    first = (f"From {start}" if start else "From nothing finished yet") + (
        f", with {bases} as the base model." if bases else "."
    )
    candidates = sum(run.rows("candidates") for run in inventory.of("candidates"))
    scorers = _all(str(run.manifest.config.get("scorer")) for run in inventory.of("scored"))
    rounds = [display(run.name) for run in models if SERIES.fullmatch(run.name) and run.rows("web")]
    times = "1 round" if len(rounds) == 1 else f"{len(rounds)} rounds"
    steps = [f"A backward model wrote {candidates:,} usable instructions"] if candidates else []
    steps += [f"they were rated by the {scorers} scorer"] if scorers else []
    steps += [f"{times} of self-curation gave {' and '.join(rounds)}"] if rounds else []
    return [first, "; ".join(steps) + "."] if steps else [first]


def _all(names: Iterable[str], most: int = 3) -> str:
    """Different names in their order, joined; of many, the first and how many more."""
    different = list(dict.fromkeys(name for name in names if name))
    more = f" and {len(different) - most} more" if len(different) > most else ""
    return (", ".join(different[:most]) if more else " or ".join(different)) + more


def dates(runs: Sequence[Run]) -> dict[str, Any]:
    """When it was made, from which code, and how long it took; of the runs, so that the page is reproducible."""
    return {
        "last": max(run.manifest.finished_at for run in runs),
        "commits": list(dict.fromkeys(run.manifest.git_commit for run in runs if run.manifest.git_commit)),
        "seconds": sum(run.manifest.wall_seconds for run in runs),
        "versions": max(runs, key=lambda run: run.manifest.finished_at).manifest.versions,
    }
