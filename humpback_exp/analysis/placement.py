"""Where a run stands in its ablation's figure, told from its settings and lineage, never from its name."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humpback_exp.analysis.evaluations import Evaluation
from humpback_exp.artifacts.walk import natural

THRESHOLDS = {4.0: "A4", 4.5: "A5"}
"""The paper's names of its curated sets; A5 holds scores of 4.5 and more."""
PAPER_SCORER = "generated, five_point"
SIZE = re.compile(r"(?<![a-z\d.])(\d+(?:\.\d+)?)([bm])(?![a-z\d])")
"""`7b` or `135m` in the name of a base model."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands in its ablation's figure."""

    series: str
    order: tuple[Any, ...]
    """Of the series, from the least treated to the most."""
    x: float | None = None
    """On the horizontal axis; None where settings have names only."""


def curation(run: Evaluation) -> tuple[str, tuple[Any, ...]]:
    """How the web pairs were selected, and a key from the loosest to the strictest."""
    least, share = run.setting("data.min_score"), run.setting("data.top_fraction")
    if least is not None:
        return THRESHOLDS.get(least, f"score of at least {least:g}"), (1, least)
    return ("no curation", (0, 0.0)) if share is None else (f"best {share:.0%}", (1, 1 - share))


def _size(run: Evaluation) -> float | None:
    """Web pairs asked for, else those there were."""
    if run.model is None:
        return None
    return float(run.setting("data.size") or run.model.rows("web"))


def by_curation(run: Evaluation) -> Place | None:
    if run.scored is None:
        return None
    return Place(*curation(run), _size(run))


def by_mixture(run: Evaluation) -> Place | None:
    """Seed alone, web pairs alone, or both."""
    if run.model is None:
        return None
    if not run.model.rows("web"):
        return Place("seed alone", (0,), run.examples)
    name, strictness = curation(run)
    with_seed = bool(run.model.rows("seed"))
    return Place(f"seed + {name}" if with_seed else f"{name} alone", (1 + with_seed, strictness), run.examples)


def by_source(run: Evaluation) -> Place | None:
    """What the examples are: the seed file, with its folder as many are called `train`, or the seed with web pairs."""
    place = by_mixture(run)
    if place is None or place.series != "seed alone":
        return place
    assert run.model is not None
    path = Path(run.model.path_of("data.seed_path") or "seed")
    return Place("/".join([*path.parent.parts[-1:], path.stem]), (0,), run.examples)


def by_tags(run: Evaluation) -> Place | None:
    if run.model is None:
        return None
    trained, names = bool(run.setting("data.tagged")), {"seed": "S_a", "web": "S_w"}
    asked = sorted(run.folder.manifest.config.get("tags") or [])
    inference = " + ".join(names.get(tag, str(tag)) for tag in asked) or "none"
    series = f"{'tagged' if trained else 'untagged'}, asked with {inference}"
    return Place(series, (trained, len(asked), inference))


def by_base(run: Evaluation) -> Place | None:
    """What it was trained on, over the base model's size as its name has it; by name where it has none."""
    mixture = by_mixture(run)
    if mixture is None or run.model is None:
        return None
    name = Path(run.model.path_of("model.path") or "").name
    sizes = SIZE.findall(name.lower())
    if not sizes:
        return Place(f"{mixture.series}, {name}", (*mixture.order, tuple(natural(name))))
    number, unit = sizes[-1]
    return Place(mixture.series, mixture.order, float(number) / (1 if unit == "b" else 1000))


def by_round(run: Evaluation) -> Place | None:
    return None if run.model is None else Place(f"M{run.rounds}", (run.rounds,))


def by_selector(run: Evaluation) -> Place | None:
    """Who chose the pairs: the model that rated them, by its round; else the scored folder, as given labels are."""
    if run.scored is None:
        return None
    rated = "model_path" in run.scored.manifest.inputs
    return Place(f"M{run.rounds - 1}", (0, run.rounds)) if rated else Place(run.scored.name, (1, run.scored.name))


def by_rate(run: Evaluation) -> Place | None:
    rate = run.setting("optim.lr")
    return None if rate is None else Place("", (), float(rate))


def by_scorer(run: Evaluation) -> Place | None:
    """The paper's written rating by its five-run rubric first; given ratings by the name of their folder."""
    if run.scored is None:
        return None
    config = run.scored.manifest.config
    scorer = str(config.get("scorer"))
    ways = {"likelihood": config.get("likelihood", "forward"), "given": run.scored.name}
    name = f"{scorer}, {ways.get(scorer, config.get('rubric.name'))}"
    return Place(name, (name != PAPER_SCORER, name))
