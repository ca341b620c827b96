"""Can a scorer tell good pairs from corrupted ones? Asked before it scores everything, since that is dear."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from humpback_exp.config import GateConfig, RubricConfig
from humpback_exp.curation.calibration import calibrated
from humpback_exp.curation.parsing import Rated
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.evaluation.statistics import paired_area
from humpback_exp.records import Example, Rating

TRUE, SHUFFLED, TRUNCATED = "true", "shuffled", "truncated"
REMEDY = {
    "generated": "try scorer=expected or likelihood, a longer generation.max_new_tokens, or a larger rating model",
    "expected": "try another rubric, scorer=likelihood, or a larger rating model",
    "likelihood": "try likelihood=both or backward, or a larger rating model",
}


@dataclass(slots=True, frozen=True)
class Known:
    """A pair whose worth is known."""

    id: str
    kind: str
    instruction: str
    output: str


def known_pairs(pairs: Sequence[Example], count: int, seed: int) -> list[Known]:
    """The first `count` pairs of the seeded order: each as it is, with the next one's output, and with half its output."""
    drawn = sorted(pairs, key=lambda pair: shuffled_rank(seed, pair.id))[:count]
    outputs = {
        TRUE: [pair.output for pair in drawn],
        SHUFFLED: [pair.output for pair in [*drawn[1:], *drawn[:1]]],
        TRUNCATED: [pair.output[: len(pair.output) // 2].rstrip() for pair in drawn],
    }
    return [
        Known(pair.id, kind, pair.instruction, output)
        for kind, texts in outputs.items()
        for pair, output in zip(drawn, texts, strict=True)
    ]


def combinations(config: GateConfig) -> list[tuple[str, RubricConfig]]:
    """Each scorer with each rubric, the chosen ones first; likelihoods ask by none, so they are measured once."""
    rubrics = {config.rubric.name: config.rubric} | {rubric.name: rubric for rubric in config.rubrics.values()}
    scorers = dict.fromkeys([config.scorer, *config.scorers])
    first = next(iter(rubrics.values()))
    return [(s, r) for s in scorers for r in (rubrics.values() if s != "likelihood" else [first])]


def asked(known: Sequence[Known], scorer: str, rubric: RubricConfig) -> list[Known]:
    """What a combination is asked about: a rubric that never sees the output cannot tell that it was corrupted."""
    blind = scorer != "likelihood" and not rubric.rates_output
    return [pair for pair in known if pair.kind == TRUE or not blind]


def ratings(known: Sequence[Known], rated: Sequence[Rated], scorer: str, rubric: str) -> list[Rating]:
    """The rows of one combination. Likelihoods are calibrated among the known pairs, which changes no order."""
    rows = [
        Rating(
            id=pair.id,
            rubric="" if scorer == "likelihood" else rubric,
            scorer=scorer,
            kind=pair.kind,
            score={"generated": row.generated, "expected": row.expected}.get(scorer),
            dropped=row.dropped,
            mass=row.mass,
            raw=row.raw,
        )
        for pair, row in zip(known, rated, strict=True)
    ]
    if scorer == "likelihood":
        measures = [[getattr(row, name) for row in rated] for name in ("forward", "backward", "contrast")]
        taken = [np.array(values, dtype=float) for values in measures if any(v is not None for v in values)]
        for row, score in zip(rows, calibrated(taken).tolist() if taken else [], strict=False):
            row.score = None if row.dropped else score
    return rows


def summary(rows: Sequence[Rating]) -> dict[str, float]:
    """Of one combination: share `readable`, and per corrupted kind the area under the curve with its standard error."""
    by_kind: dict[str, dict[str, float | None]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, {})[row.id] = row.score
    figures: dict[str, float] = {"readable": sum(row.score is not None for row in rows) / max(len(rows), 1)}
    for kind in (SHUFFLED, TRUNCATED):
        if kind in by_kind:
            both = [(score, by_kind[kind][pair]) for pair, score in by_kind[TRUE].items()]
            figures[f"auc_{kind}"], figures[f"auc_{kind}_error"] = paired_area(both)
    masses = [row.mass for row in rows if row.mass is not None and math.isfinite(row.mass)]
    return figures | ({"mass": sum(masses) / len(masses)} if masses else {})


def table(rows: Sequence[Rating]) -> list[dict[str, Any]]:
    """The figures of every combination, in the order measured; None where there is none."""
    names = list(dict.fromkeys((row.scorer, row.rubric) for row in rows))
    found = [summary([row for row in rows if (row.scorer, row.rubric) == name]) for name in names]
    keys = ("readable", "auc_shuffled", "auc_shuffled_error", "auc_truncated", "auc_truncated_error", "mass")
    return [
        {"scorer": scorer, "rubric": rubric} | {key: finite(figures.get(key, math.nan)) for key in keys}
        for (scorer, rubric), figures in zip(names, found, strict=True)
    ]


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def require_passed(config: GateConfig, figures: dict[str, Any]) -> None:
    """Raise unless the chosen scorer keeps its bounds.

    Args:
        figures: the metrics of the gate's manifest, which hold the chosen scorer's. Areas are not bounded where the
            rubric is blind for the output; elsewhere one that is missing, since too little could be read, counts 0.

    Raises:
        ValueError: one line with the figures, the bounds and what to try.
    """
    bounds = [
        ("readable", "readable", "min_readable"),
        ("auc_shuffled", "AUC against shuffled outputs", "min_auc"),
        ("auc_truncated", "AUC against truncated outputs", "min_auc_truncated"),
    ]
    blind = config.scorer != "likelihood" and not config.rubric.rates_output
    held = [
        (figures.get(name) or 0.0, said, key, getattr(config.gate, key))
        for name, said, key in (bounds[:1] if blind else bounds)
    ]
    if all(value >= least for value, _, _, least in held):
        return
    asked = f"scorer={config.scorer}" + ("" if config.scorer == "likelihood" else f" rubric={config.rubric.name}")
    told = ", ".join(f"{said} {value:.2f} (gate.{key}={least:g})" for value, said, key, least in held)
    raise ValueError(
        f"{config.folder}: {asked} of {config.model_path} is not fit to score: {told}; {REMEDY[config.scorer]}; another "
        "bound needs no second measurement, and gate.pairs=0 goes without a gate"
    )
