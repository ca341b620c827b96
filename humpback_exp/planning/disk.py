"""What a loop leaves on the disk, and what lies there for a while."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.config import (
    AugmentConfig,
    HardwareConfig,
    PlanConfig,
    RewriteConfig,
    ScoreConfig,
    SegmentConfig,
    SelectConfig,
    StageConfig,
)
from humpback_exp.planning.model_shape import BYTES, shape_of
from humpback_exp.planning.sizes import Sizes
from humpback_exp.planning.training import Training

AT_ONCE = 3
"""Checkpoints there are at once: the two kept, and the one being written, which a kill leaves there (modeling/checkpoint)."""
CONVERTED = 1
"""Copies made of one for ZeRO-3 to go on from on other ranks, beside all of those (modeling/checkpoint)."""
ROW = 250
"""Bytes of a row beside its texts: id, address, heading path, outcome (ours)."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Bytes that stay in a folder, that lie there at most, and that are written to it in all."""

    name: str
    kept: int
    most: int
    written: int


def model_folder(training: Training, hardware: HardwareConfig) -> Folder:
    """The export stays; checkpoints of fp32 weights and Adam's two moments go when the model is finished.

    At most there is what a run leaves that is killed while it saves and goes on elsewhere; written is what an unbroken one writes.
    """
    config, shape = training.config, shape_of(training.config.model)
    export = BYTES[config.model.export_dtype] * shape.parameters
    checkpoint = 12 * shape.trained(config.adapter)
    saves = math.ceil(training.steps / training.checkpoint_every(hardware))
    copies = CONVERTED if config.trainer.strategy.startswith("zero3") else 0
    beside = (min(saves, AT_ONCE) + copies) * checkpoint
    return Folder(f"models/{config.name}", export, export + beside, export + saves * checkpoint)


def data_folder(stage: StageConfig, config: PlanConfig, sizes: Sizes) -> Folder | None:
    """What a stage writes of texts, before compression, which about halves them; None for models and evaluations."""
    rows, chosen = sizes.candidates, sizes.curated
    texts, count = rows.instruction + rows.output, rows.count
    match stage:
        case SegmentConfig():
            chars = rows.output
        case AugmentConfig():
            chars = texts + rows.instruction
        case ScoreConfig():
            rationale = stage.samples * stage.generation.max_new_tokens * config.sizes.chars_per_token
            chars = texts + (rationale if stage.scorer == "generated" else 0)
        case SelectConfig():
            count, chars = chosen.count, chosen.instruction + chosen.output
        case RewriteConfig():
            count, chars = chosen.count, chosen.instruction + 3 * chosen.output
        case _:
            return None
    size = round(count * (chars + ROW))
    return Folder(f"{stage.kind}/{stage.name}", size, size, size)


def whole_disk(folders: Sequence[Folder]) -> Folder:
    """All folders as one: models are made one after another, so only one has its checkpoints at a time."""
    kept = sum(folder.kept for folder in folders)
    most = kept + max(folder.most - folder.kept for folder in folders)
    return Folder("the loop", kept, most, sum(folder.written for folder in folders))
