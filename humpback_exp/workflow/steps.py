"""The stages that one command runs, in their order, for commands that are more than one stage."""

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

from humpback_exp.config import (
    BoundsConfig,
    CurateConfig,
    GateConfig,
    PointConfig,
    RatingConfig,
    ScoreConfig,
    SelectConfig,
    StageConfig,
    TrainConfig,
    identity,
    input_paths,
)
from humpback_exp.config.rating import GIVEN


def curation_steps(config: CurateConfig) -> list[StageConfig]:
    """The gate unless it is switched off, scoring, then a selection in a folder named after its threshold."""
    score = ScoreConfig(**{f.name: getattr(config, f.name) for f in fields(ScoreConfig)})
    select = SelectConfig(
        output_root=config.output_root,
        name=f"{config.name}-{selection_name(config.min_score, config.top_fraction)}",
        seed=config.seed,
        tracking=config.tracking,
        scored=str(score.folder),
        min_score=config.min_score,
        top_fraction=config.top_fraction,
    )
    return [*gates(score, config.gate), score, select]


def training_steps(config: PointConfig) -> list[StageConfig]:
    """Curation where it is asked for, training, then evaluation where it is asked for."""
    train = TrainConfig(**{f.name: getattr(config, f.name) for f in fields(TrainConfig)})
    shared = {f.name: getattr(config, f.name) for f in fields(StageConfig) if f.name != "name"}
    curation = config.curation and replace(config.curation, **shared | {"seed": config.curation.seed})
    evaluation = config.evaluation and replace(config.evaluation, **shared)
    return [stage for stage in (curation, train, evaluation) if stage is not None]


def gates(score: ScoreConfig, bounds: BoundsConfig) -> list[StageConfig]:
    """The gate before a scoring; none where it is switched off or the ratings are given.

    Its folder is named after rater and scorer, and by a digest of all that identifies it, so that another way to rate can be
    tried. Of inputs the digest holds the last part of the path alone: what a loop made is the same in another place.
    """
    if not bounds.pairs or score.scorer == GIVEN:
        return []
    shared = {f.name: getattr(score, f.name) for f in fields(RatingConfig)}
    scorer = score.likelihood if score.scorer == "likelihood" else score.rubric.name
    gate = GateConfig(**shared, gate=bounds)
    facts = identity(gate) | {key: Path(path).name for key, path in input_paths(gate).items()}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    return [replace(gate, name=f"{score.name}-{score.scorer}-{scorer}-{digest}")]


def selection_name(min_score: float | None, top_fraction: float | None) -> str:
    """`a4.5`, `top0.3` or `all`."""
    if min_score is not None:
        return f"a{min_score:g}"
    return f"top{top_fraction:g}" if top_fraction is not None else "all"
