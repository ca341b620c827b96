"""Each ablation of the paper: how its runs are laid out in a figure, and which two settings its question is about.

The contrast is fixed here, before any run, so its test needs no correction for the many that could have been made.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humpback_exp.analysis.collect import natural
from humpback_exp.analysis.points import Point

THRESHOLDS = {4.0: "A4", 4.5: "A5"}
"""The paper's names of its curated sets; A5 holds scores of 4.5 and more."""
PAPER_LR = 1e-5
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """An ablation. Its contrast goes from the first to the last setting, along x within the last series or between series."""

    name: str
    title: str
    place: Callable[[Point], Place | None]
    """None leaves a run out."""
    keys: tuple[str, ...]
    """Settings that may differ between its runs; others are told to the reader."""
    claim: str = ""
    """What the paper finds."""
    x: str = ""
    along: bool = False
    numbers: str = ""
    """Study of `paper.csv` with the paper's points, when not its own."""
    baseline: float | None = None
    """The x all others are compared with, the best of them with Bonferroni's correction; for sweeps without a direction."""


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


def _by_curation(point: Point) -> Place | None:
    if point.scored is None:
        return None
    return Place(*curation(point), _size(point))


def _mixture(point: Point) -> Place | None:
    """Seed alone, web pairs alone, or both."""
    if point.model is None:
        return None
    if not point.model.rows("web"):
        return Place("seed alone", (0,), point.examples)
    name, strictness = curation(point)
    with_seed = bool(point.model.rows("seed"))
    return Place(f"seed + {name}" if with_seed else f"{name} alone", (1 + with_seed, strictness), point.examples)


def _source(point: Point) -> Place | None:
    """What the examples are: the seed file, or the seed with web pairs."""
    place = _mixture(point)
    if place is None or place.series != "seed alone":
        return place
    assert point.model is not None
    return Place(Path(point.model.input_path("data.seed_path") or "").stem or "seed", (0,), point.examples)


def _tags(point: Point) -> Place | None:
    if point.model is None:
        return None
    trained, names = bool(point.setting("data.tagged")), {"seed": "S_a", "web": "S_w"}
    asked = sorted(point.evaluation.manifest.config.get("tags") or [])
    inference = " + ".join(names.get(tag, str(tag)) for tag in asked) or "none"
    series = f"{'tagged' if trained else 'untagged'}, asked with {inference}"
    return Place(series, (trained, len(asked), inference))


def _base(point: Point) -> Place | None:
    """What it was trained on, over the base model's size as its name has it; by name where it has none."""
    mixture = _mixture(point)
    if mixture is None or point.model is None:
        return None
    name = Path(point.model.input_path("model.path") or "").name
    sizes = SIZE.findall(name.lower())
    if not sizes:
        return Place(f"{mixture.series}, {name}", (*mixture.order, tuple(natural(name))))
    number, unit = sizes[-1]
    return Place(mixture.series, mixture.order, float(number) / (1 if unit == "b" else 1000))


def _round(point: Point) -> Place | None:
    return None if point.model is None else Place(f"M{point.rounds}", (point.rounds,))


def _selector(point: Point) -> Place | None:
    """Who chose the pairs: the model that rated them, by its round; else the scored folder, as given labels are."""
    if point.scored is None:
        return None
    rated = "model_path" in point.scored.manifest.inputs
    return (
        Place(f"M{point.rounds - 1}", (0, point.rounds)) if rated else Place(point.scored.name, (1, point.scored.name))
    )


def _rate(point: Point) -> Place | None:
    rate = point.setting("optim.lr")
    return None if rate is None else Place("", (), float(rate))


def _scorer(point: Point) -> Place | None:
    """The paper's written rating by its five-point rubric first."""
    if point.scored is None:
        return None
    config = point.scored.manifest.config
    scorer, rubric = str(config.get("scorer")), str(config.get("rubric.name"))
    name = scorer if scorer == "likelihood" else f"{scorer}, {rubric}"
    return Place(name, ((scorer, rubric) != ("generated", "five_point"), name))


def by_folder(group: str) -> Study:
    """A sweep of the user's own: one setting a name, less its seed."""

    def place(point: Point) -> Place:
        parts = [part for part in point.evaluation.name.split("-") if part != f"s{point.seed}"]
        return Place("-".join(parts), (tuple(natural("-".join(parts))),))

    return Study(name=group, title=group, place=place, keys=())


STUDIES = {
    study.name: study
    for study in (
        Study(
            name="curation_threshold",
            title="What curation brings at equal size",
            place=_by_curation,
            keys=("data.min_score", "data.top_fraction", "data.size"),
            x="web pairs",
            claim="The stricter the curation, the better the model at every size; uncurated pairs bring nothing over the seed.",
        ),
        Study(
            name="data_size",
            title="Whether more curated data helps",
            place=_by_curation,
            keys=("data.min_score", "data.top_fraction", "data.size"),
            x="web pairs",
            along=True,
            numbers="curation_threshold",
            claim="With curated pairs the win rate grows with their number; without curation it does not.",
        ),
        Study(
            name="data_efficiency",
            title="What more examples bring, by where they come from",
            place=_source,
            keys=(
                "data.min_score",
                "data.top_fraction",
                "data.size",
                "data.seed_path",
                "data.seed_size",
                "data.scored",
            ),
            x="training examples",
            along=True,
            claim="Per e-fold of data the curated pairs bring more than any other set: alpha is 6.95, and 4.43 for Open Assistant.",
        ),
        Study(
            name="tags",
            title="Whether telling seed from web pairs helps",
            place=_tags,
            keys=("data.tagged", "tags"),
            claim="Tags in training and both at inference are the best of four settings, by 6.5 points over none at all.",
        ),
        Study(
            name="model_scale",
            title="What a larger base model brings",
            place=_base,
            keys=("model.path", "data.scored", "data.min_score", "data.top_fraction"),
            x="billion parameters",
            along=True,
            claim="Larger base models give better models, and neither 7B nor 65B has had enough at 40,000 pairs.",
        ),
        Study(
            name="joint",
            title="Seed, augmented pairs, or both",
            place=_mixture,
            keys=(
                "data.min_score",
                "data.top_fraction",
                "data.size",
                "data.seed_path",
                "data.seed_size",
                "data.scored",
            ),
            x="training examples",
            claim="Both together do far better than either; augmented pairs alone help only when curated, and less than the seed. "
            "The curves of augmented pairs alone are printed as a figure without numbers.",
        ),
        Study(
            name="iterations",
            title="What each round of self-curation brings",
            place=_round,
            keys=("data.scored", "data.min_score", "data.top_fraction"),
            claim="A second round selects better (precision 0.44 to 0.52, recall 0.09 to 0.44 by Table 7). "
            "No win rate of M1 against M2 is given.",
        ),
        Study(
            name="selector",
            title="Who should choose the pairs",
            place=_selector,
            keys=("data.scored",),
            claim="After 100 selected pairs, those chosen by M1 serve slightly better than those chosen by M0, and GPT-4's best.",
        ),
        Study(
            name="learning_rate",
            title="Which learning rate",
            place=_rate,
            keys=("optim.lr", "optim.end_lr"),
            x="learning rate",
            baseline=PAPER_LR,
            claim="The paper states 1e-5, falling to 9e-6, and reports no search.",
        ),
        Study(
            name="rubric_and_scorer",
            title="How to rate",
            place=_scorer,
            keys=("data.scored", "data.min_score", "data.top_fraction"),
            claim="The paper uses one rubric with written ratings and compares no other.",
        ),
    )
}
