"""What a loop leaves on the disk, and what lies there for a while."""

import math
from dataclasses import dataclass

from humpback_exp.config import PlanConfig
from humpback_exp.planning.shapes import BYTES, shape_of
from humpback_exp.planning.sizes import Sizes
from humpback_exp.planning.training import Training

AT_ONCE = 3
"""Checkpoints there are at once: the two kept, and the one being written (modeling/checkpoint.py), which a kill leaves there."""
CONVERTED = 1
"""Copies made of one for ZeRO-3 to go on from on other ranks, beside all of those (modeling/universal.py)."""
ROW = 250
"""Bytes of a row beside its texts: id, address, heading path, outcome (ours)."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Bytes that stay in a folder, that lie there at most, and that are written to it in all."""

    name: str
    kept: int
    most: int
    written: int


def model_folder(training: Training) -> Folder:
    """The export stays; checkpoints of fp32 weights and Adam's two moments go when the model is finished.

    At most there is what a run leaves that is killed while it saves and goes on elsewhere; written is what an unbroken one writes.
    """
    config, shape = training.config, shape_of(training.config.model)
    export = BYTES[config.model.export_dtype] * shape.parameters
    checkpoint = 12 * shape.trained(config.adapter)
    saves = math.ceil(training.steps / config.trainer.checkpoint_every)
    copies = CONVERTED if config.trainer.strategy.startswith("zero3") else 0
    beside = (min(saves, AT_ONCE) + copies) * checkpoint
    return Folder(f"models/{config.name}", export, export + beside, export + saves * checkpoint)


def data_folders(config: PlanConfig, sizes: Sizes) -> list[Folder]:
    """Rows of text before compression, which about halves them."""
    rows, rationale = sizes.candidates, config.rating.max_new_tokens * config.sizes.chars_per_token
    texts = rows.instruction + rows.output
    raw = 0 if config.scorer == "likelihood" else rationale
    folders = [
        _folder("segments/web", rows.count, rows.output),
        _folder("candidates/web", rows.count, texts + rows.instruction),
    ]
    for t in range(config.iterations):
        folders.append(_folder(f"scored/m{t}", rows.count, texts + raw))
        folders.append(_folder(f"curated/m{t}", sizes.curated.count, sizes.curated.instruction + sizes.curated.output))
    return folders


def _folder(name: str, rows: int, chars: float) -> Folder:
    size = round(rows * (chars + ROW))
    return Folder(name, size, size, size)
