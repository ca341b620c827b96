"""What each stage of a loop asks of memory and time, from the sizes of its data."""

from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import (
    AugmentConfig,
    EvaluateConfig,
    GateConfig,
    PlanConfig,
    RewriteConfig,
    ScoreConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.data.sampler import schedule
from humpback_exp.data.seed import count_pairs
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.requests import (
    MARKS,
    augment_requests,
    evaluate_requests,
    gate_requests,
    rewrite_requests,
    score_requests,
)
from humpback_exp.planning.shapes import shape_of
from humpback_exp.planning.sizes import Found, Sizes
from humpback_exp.planning.training import Training
from humpback_exp.prompts import BACKWARD


def estimate(stage: StageConfig, config: PlanConfig, sizes: Sizes) -> Training | Generation | None:
    """A stage with its work; None for those that take neither a GPU nor much time."""
    shape = shape_of(config.model)
    match stage:
        case TrainConfig():
            return training(stage, config, sizes)
        case AugmentConfig():
            name = "augment" if stage.name == "web" else f"augment {stage.name}"
            return Generation(name, shape, config.engine, augment_requests(config, sizes))
        case GateConfig():
            return Generation(f"gate {stage.name}", shape, config.engine, gate_requests(config, sizes, stage))
        case ScoreConfig():
            return Generation(f"score {stage.name}", shape, config.engine, score_requests(config, sizes, stage))
        case RewriteConfig():
            return Generation(f"rewrite {stage.name}", shape, config.engine, rewrite_requests(config, sizes))
        case EvaluateConfig():
            requests = evaluate_requests(config, sizes, compares=stage.reference is not None)
            return Generation(f"evaluate {stage.name}", shape, config.engine, requests)
    return None


def training(stage: TrainConfig, config: PlanConfig, sizes: Sizes) -> Training:
    """A model with the examples it is trained on: the seed, what was selected, or both."""
    parts = [sizes.seed] * (stage.data.seed_path is not None) + [sizes.curated] * (stage.data.scored is not None)
    examples = sum(rows.count for rows in parts)
    own = len(BACKWARD) if stage.data.direction == "backward" else 0
    chars = sum(rows.count * (own + rows.instruction + rows.output) for rows in parts) / examples
    mean = min(chars / config.sizes.chars_per_token + MARKS, stage.data.max_length)
    return Training(stage, examples, mean, *schedule(stage.optim, examples))


def found(config: PlanConfig, loop: Sequence[StageConfig]) -> dict[str, Found]:
    """What can be counted already: files of pairs, and finished folders of the loop."""
    counted: dict[str, Found] = {}
    data = config.data
    if data.seed_path and Path(data.seed_path).exists():
        count = count_pairs(data.seed_path, "data.seed_path", data.dataset)
        counted["seed"] = min(count, data.seed_size or data.dataset.most or count), data.seed_path
    if Path(config.heldout).exists():
        counted["heldout"] = count_pairs(config.heldout, "heldout", config.heldout_dataset), config.heldout
    stages = [stage for stage in loop if artifacts.is_finished(stage.folder)]
    for stage in stages:
        rows = artifacts.load(stage.folder).rows
        if stage.kind == "segments":
            counted["segments"] = rows["segments"], str(stage.folder)
        elif stage.kind == "curated":
            counted["curated"] = rows["curated"], str(stage.folder)
    return counted
