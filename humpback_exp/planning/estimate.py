"""What each stage of a loop asks of memory and time, from the sizes of its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from humpback_exp import artifacts
from humpback_exp.config import (
    DataConfig,
    EvaluateConfig,
    PlanConfig,
    ScoreConfig,
    SegmentConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.data.examples import selected_ids
from humpback_exp.data.sampler import schedule
from humpback_exp.data.seed import count_pairs
from humpback_exp.planning.disk import Folder, data_folder, model_folder
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.model_shape import shape_of
from humpback_exp.planning.requests import MARKS, requests_of
from humpback_exp.planning.sizes import Found, Sizes, sizes_of
from humpback_exp.planning.training import Training
from humpback_exp.prompts import BACKWARD


@dataclass(frozen=True, slots=True)
class LoopEstimate:
    """What a loop asks of memory, time and disk."""

    sizes: Sizes
    stages: list[Training | Generation]
    folders: list[Folder]


def estimate_loop(config: PlanConfig, loop: Sequence[StageConfig]) -> LoopEstimate:
    """Work and folders of every stage of a loop, from what can be counted of its data already."""
    sizes = sizes_of(config, found(loop))
    stages = [made for stage in loop if (made := estimate(stage, config, sizes))]
    texts = [folder for stage in loop if (folder := data_folder(stage, config, sizes))]
    models = [model_folder(stage, config.hardware) for stage in stages if isinstance(stage, Training)]
    return LoopEstimate(sizes, stages, [*texts, *models])


def estimate(stage: StageConfig, config: PlanConfig, sizes: Sizes) -> Training | Generation | None:
    """A stage with its work; None for those that take neither a GPU nor much time."""
    if isinstance(stage, TrainConfig):
        return training(stage, config, sizes)
    requests = requests_of(stage, config, sizes)
    name = stage.stage if stage.name == "web" else f"{stage.stage} {stage.name}"
    return Generation(name, shape_of(config.model), config.engine, requests) if requests else None


def training(stage: TrainConfig, config: PlanConfig, sizes: Sizes) -> Training:
    """A model with the examples it is trained on: the seed, what was selected, or both."""
    parts = [sizes.seed] * (stage.data.seed_path is not None) + [sizes.curated] * (stage.data.scored is not None)
    examples = sum(rows.count for rows in parts)
    own = len(BACKWARD) if stage.data.direction == "backward" else 0
    chars = sum(rows.count * (own + rows.instruction + rows.output) for rows in parts) / examples
    mean = min(chars / config.sizes.chars_per_token + MARKS, stage.data.max_length)
    return Training(stage, examples, mean, *schedule(stage.optim, examples))


def found(stages: Sequence[StageConfig]) -> dict[str, Found]:
    """What can be counted already of what stages read: human pairs, candidates, and how many of them a selection keeps.

    Raises:
        ValueError: a selection keeps none.
    """
    counted: dict[str, Found] = {}
    for stage in stages:
        match stage:
            case SegmentConfig() if artifacts.is_finished(stage.folder):
                counted["segments"] = artifacts.load(stage.folder).rows["segments"], str(stage.folder)
            case ScoreConfig() if artifacts.is_finished(Path(stage.candidates)):
                counted["segments"] = artifacts.load(Path(stage.candidates)).rows["candidates"], stage.candidates
            case EvaluateConfig() if Path(stage.heldout).exists():
                counted["heldout"] = count_pairs(stage.heldout, "heldout", stage.heldout_dataset), stage.heldout
            case TrainConfig():
                counted |= _trained_on(stage.data, stage.seed)
    return counted


def _trained_on(data: DataConfig, seed: int) -> dict[str, Found]:
    counted: dict[str, Found] = {}
    if data.seed_path and Path(data.seed_path).exists():
        count = count_pairs(data.seed_path, "data.seed_path", data.dataset)
        counted["seed"] = min(count, data.seed_size or data.dataset.most or count), data.seed_path
    if data.scored and artifacts.is_finished(Path(data.scored)):
        how = (("min_score", data.min_score), ("top_fraction", data.top_fraction), ("size", data.size))
        fingerprint = artifacts.load(Path(data.scored)).fingerprint
        counted["curated"] = (
            _selected(data.scored, fingerprint, (*how, ("as_many_as", data.as_many_as)), seed),
            data.scored,
        )
    return counted


@cache
def _selected(scored: str, fingerprint: str, how: tuple[tuple[str, Any], ...], seed: int) -> int:
    """How many web pairs a selection keeps, from ids and scores alone; points of a sweep share it.

    Args:
        fingerprint: of the scored folder, which may be made again.
        how: the settings of the selection.
    """
    return len(selected_ids(DataConfig(scored=scored, **dict(how)), seed))
