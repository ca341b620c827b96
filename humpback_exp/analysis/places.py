"""Where a run stands in its study's figure, told from its settings and lineage, never from its name."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humpback_exp.analysis.collect import natural
from humpback_exp.analysis.points import Point

THRESHOLDS = {4.0: "A4", 4.5: "A5"}
"""The paper's names of its curated sets; A5 holds scores of 4.5 and more."""
PAPER_SCORER = "generated, five_point"
SIZE = re.compile(r"(?<![a-z\d.])(\d+(?:\.\d+)?)([bm])(?![a-z\d])")
"""`7b` or `135m` in the name of a base model."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands in its study's figure."""

    series: str
    order: tuple[Any, ...]
    """Of the series, from the least treated to the most."""
    x: float | None = None
    """On the horizontal axis; None where settings have names only."""


def curation(point: Point) -> tuple[str, tuple[Any, ...]]:
    """How the web pairs were selected, and a key from the loosest to the strictest."""
    least, share = point.setting("data.min_score"), point.setting("data.top_fraction")
    if least is not None:
        return THRESHOLDS.get(least, f"score of at least {least:g}"), (1, least)
    return ("no curation", (0, 0.0)) if share is None else (f"best {share:.0%}", (1, 1 - share))


def _size(point: Point) -> float | None:
    """Web pairs asked for, else those there were."""
    if point.model is None:
        return None
    return float(point.setting("data.size") or point.model.rows("web"))


def by_curation(point: Point) -> Place | None:
    if point.scored is None:
        return None
    return Place(*curation(point), _size(point))


def by_mixture(point: Point) -> Place | None:
    """Seed alone, web pairs alone, or both."""
    if point.model is None:
        return None
    if not point.model.rows("web"):
        return Place("seed alone", (0,), point.examples)
    name, strictness = curation(point)
    with_seed = bool(point.model.rows("seed"))
    return Place(f"seed + {name}" if with_seed else f"{name} alone", (1 + with_seed, strictness), point.examples)


def by_source(point: Point) -> Place | None:
    """What the examples are: the seed file, with its folder as many are called `train`, or the seed with web pairs."""
    place = by_mixture(point)
    if place is None or place.series != "seed alone":
        return place
    assert point.model is not None
    path = Path(point.model.input_path("data.seed_path") or "seed")
    return Place("/".join([*path.parent.parts[-1:], path.stem]), (0,), point.examples)


def by_tags(point: Point) -> Place | None:
    if point.model is None:
        return None
    trained, names = bool(point.setting("data.tagged")), {"seed": "S_a", "web": "S_w"}
    asked = sorted(point.evaluation.manifest.config.get("tags") or [])
    inference = " + ".join(names.get(tag, str(tag)) for tag in asked) or "none"
    series = f"{'tagged' if trained else 'untagged'}, asked with {inference}"
    return Place(series, (trained, len(asked), inference))


def by_base(point: Point) -> Place | None:
    """What it was trained on, over the base model's size as its name has it; by name where it has none."""
    mixture = by_mixture(point)
    if mixture is None or point.model is None:
        return None
    name = Path(point.model.input_path("model.path") or "").name
    sizes = SIZE.findall(name.lower())
    if not sizes:
        return Place(f"{mixture.series}, {name}", (*mixture.order, tuple(natural(name))))
    number, unit = sizes[-1]
    return Place(mixture.series, mixture.order, float(number) / (1 if unit == "b" else 1000))


def by_round(point: Point) -> Place | None:
    return None if point.model is None else Place(f"M{point.rounds}", (point.rounds,))


def by_selector(point: Point) -> Place | None:
    """Who chose the pairs: the model that rated them, by its round; else the scored folder, as given labels are."""
    if point.scored is None:
        return None
    rated = "model_path" in point.scored.manifest.inputs
    return (
        Place(f"M{point.rounds - 1}", (0, point.rounds)) if rated else Place(point.scored.name, (1, point.scored.name))
    )


def by_rate(point: Point) -> Place | None:
    rate = point.setting("optim.lr")
    return None if rate is None else Place("", (), float(rate))


def by_scorer(point: Point) -> Place | None:
    """The paper's written rating by its five-point rubric first."""
    if point.scored is None:
        return None
    config = point.scored.manifest.config
    scorer, rubric = str(config.get("scorer")), str(config.get("rubric.name"))
    name = f"{scorer}, {config.get('likelihood', 'forward') if scorer == 'likelihood' else rubric}"
    return Place(name, (name != PAPER_SCORER, name))
